import { parseArgs } from 'node:util'
import { AppError, nearest } from '#base'
import type { Command, Flag } from './command.ts'

export interface ParsedFlags {
  readonly flags: ReadonlyMap<string, string | true>
  readonly words: readonly string[]
  /** The arguments as they were, without `--data` and its value. */
  readonly args: readonly string[]
}

/** Reads what follows a command. Throws `bad_usage` with the nearest flag for what the command does not know. */
export function parseFlags(args: readonly string[], command: Command): ParsedFlags {
  const options = Object.fromEntries(Object.entries(command.flags).map(([name, flag]) => [name.slice(2), optionOf(flag)]))
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const flags = new Map<string, string | true>()
  const words: string[] = []
  const rest = [...args] as (string | undefined)[]
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const flag = command.flags[token.rawName]
    if (!flag) throw unknownFlag(token.rawName, command)
    if (flag.value !== undefined && (token.value === undefined || (!token.inlineValue && token.value.startsWith('-')))) {
      throw badUsage(`${token.rawName} needs a value: ${token.rawName} ${flag.value}.`, command)
    }
    if (flag.value === undefined && token.value !== undefined) throw badUsage(`${token.rawName} takes no value.`, command)
    flags.set(token.rawName, token.value ?? true)
    if (token.rawName === '--data') rest.fill(undefined, token.index, token.index + (token.inlineValue ? 1 : 2))
  }
  const [word] = words
  if (word !== undefined && !command.words) throw badUsage(`"${word}" says nothing to ${command.name}.`, command)
  return { flags, words, args: rest.filter((arg) => arg !== undefined) }
}

function optionOf(flag: Flag): { readonly type: 'boolean' | 'string' } {
  return { type: flag.value === undefined ? 'boolean' : 'string' }
}

function unknownFlag(name: string, command: Command): AppError {
  const [near] = nearest(name, Object.keys(command.flags), 1)
  return badUsage(`${command.name} has no flag ${name}.${near === undefined ? '' : ` Did you mean ${near}?`}`, command)
}

function badUsage(message: string, command: Command): AppError {
  return new AppError(message, { code: 'bad_usage', remedy: `"holdfast help ${command.name}" shows what there is.` })
}
