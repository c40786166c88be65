import type { Writable } from 'node:stream'
import { AppError, firstOf, nearest, systemClock } from '#base'
import type { Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { helpOf, overview } from './help.ts'
import { parseFlags } from './parse-flags.ts'
import { VERSION } from './version.ts'

const HELP: ReadonlySet<string> = new Set(['--help', '-h'])
const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(['bad_usage', 'bad_setting'])
/** How long the end waits for a reader of stderr. */
const LINGER_MS = 200

/** Runs one command line. Resolves to the exit code: 0 done, 1 not done, 2 not understood. */
export async function main(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const code = await run(argv, env)
  await ended(process.stdout)
  await firstOf(systemClock, ended(process.stderr), LINGER_MS)
  return code
}

async function run(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const [first = 'serve', ...others] = argv
  const named = !first.startsWith('-')
  const args = named ? others : argv
  const asksHelp = args.some((arg) => HELP.has(arg))
  if (first === 'help' || (!named && asksHelp)) return help(others[0])
  if (first === 'version' || first === '--version') return say(VERSION)
  const command = find(named ? first : 'serve')
  if (!command) return notUnderstood(unknownCommand(first))
  if (asksHelp) return help(command.name)
  try {
    const parsed = parseFlags(args, command)
    return await command.run({ ...parsed, env })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (NOT_UNDERSTOOD.has(error.code)) return notUnderstood(error.message)
    console.error(error.message)
    return 1
  }
}

/** Ends a stream; resolves when everything written has been read, or nobody reads any more. */
function ended(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve())
    stream.end(() => resolve())
  })
}

function help(topic: string | undefined): number {
  if (topic === undefined || HELP.has(topic)) return say(overview(COMMANDS))
  const command = find(topic)
  return command ? say(helpOf(command)) : notUnderstood(unknownCommand(topic))
}

function find(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name)
}

function unknownCommand(name: string): string {
  const names = COMMANDS.map((command) => command.name)
  const [near] = nearest(name, [...names, 'help', 'version'], 1)
  return `There is no command "${name}".${near === undefined ? '' : ` Did you mean "${near}"?`} Commands: ${names.join(', ')}, help, version.`
}

function say(text: string): number {
  process.stdout.write(`${text.trimEnd()}\n`)
  return 0
}

function notUnderstood(message: string): number {
  console.error(message)
  return 2
}
