import type { Command } from './command.ts'
import { table } from './text-table.ts'
import { VERSION } from './version.ts'

/** What the program does, and its commands. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary])
  return `Holdfast ${VERSION}, an OpenAI-compatible gateway where an answer always comes.

Usage:
  holdfast [COMMAND] [FLAGS]

Commands:
${table(rows)}
"holdfast help COMMAND" says more about one. Settings come from flags or the environment: "holdfast help serve".
`
}

/** One command, its forms and its flags. */
export function helpOf(command: Command): string {
  const forms = command.usage.map((form) => `  holdfast ${command.name}${form === '' ? '' : ` ${form}`}\n`).join('')
  const rows = Object.entries(command.flags).map(([name, { value, help }]) => [`  ${name}${value === undefined ? '' : ` ${value}`}`, help])
  return `${command.summary}\n\nUsage:\n${forms}${rows.length === 0 ? '' : `\nFlags:\n${table(rows)}`}`
}
