import { parseArgs } from 'node:util'
import { AppError, messageOf } from '#base'
import { MEASUREMENTS } from './rows/index.ts'

export interface Options {
  readonly json: boolean
  readonly quick: boolean
  readonly help: boolean
  /** Names of measurements, in the order of the table. */
  readonly wanted: readonly string[]
}

export const USAGE = `npm run bench -- [--quick] [--json] [--only NAME[,NAME…]]

  --quick  fewer calls, for a look; the ratios are less certain
  --json   the figures as JSON
  --only   only these measurements: ${Object.keys(MEASUREMENTS).join(', ')}
`

/** Reads the arguments. Throws `bad_flag`. */
export function readOptions(args: readonly string[]): Options {
  const boolean = { type: 'boolean', default: false } as const
  let values
  try {
    values = parseArgs({
      args: [...args],
      options: { json: boolean, quick: boolean, help: boolean, only: { type: 'string', multiple: true, default: [] } },
    }).values
  } catch (error) {
    throw new AppError(`${messageOf(error)}.`, { code: 'bad_flag', remedy: USAGE })
  }
  const named = values.only.flatMap((text) => text.split(','))
  const unknown = named.filter((name) => !Object.hasOwn(MEASUREMENTS, name))
  if (unknown.length > 0) throw new AppError(`There is no measurement "${unknown.join('", "')}".`, { code: 'bad_flag', remedy: USAGE })
  const wanted = Object.keys(MEASUREMENTS).filter((name) => named.length === 0 || named.includes(name))
  return { json: values.json, quick: values.quick, help: values.help, wanted }
}
