import { AppError } from './app-error.ts'
import type { Clock } from './clock.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** One line per event: what happened, and the fields that a machine would search for. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export interface LoggerOptions {
  readonly clock: Clock
  readonly level: LogLevel | 'silent'
  readonly format: 'json' | 'pretty'
  readonly write: (line: string) => void
}

/** Bytes of a line at the most, its end left out. */
const LONGEST = 8_191

const RANK: Readonly<Record<LogLevel | 'silent', number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

/** A logger that writes lines of at most 8 KiB, with control characters escaped, so that nobody can forge a line. */
export function createLogger(options: LoggerOptions): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (RANK[level] < RANK[options.level]) return
    const time = new Date(options.clock.now()).toISOString()
    const line =
      options.format === 'json'
        ? json({ time, level, message }, fields)
        : cut(`${time.slice(11, 23)} ${level.padEnd(5)} ${escape(message)}${pretty(fields)}`)
    options.write(`${line}\n`)
  }
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  }
}

/** Reads `level[:json|pretty]`; throws `bad_setting` for anything else. */
export function parseLogSetting(text: string): { level: LogLevel | 'silent'; format?: 'json' | 'pretty' } {
  const [level = '', format] = text.split(':')
  if (!isLevel(level) || (format !== undefined && format !== 'json' && format !== 'pretty')) {
    throw new AppError(`HOLDFAST_LOG is "${text}".`, {
      code: 'bad_setting',
      remedy: 'Expected debug, info, warn, error or silent, with :json or :pretty behind it if you like.',
    })
  }
  return format === undefined ? { level } : { level, format }
}

function isLevel(text: string): text is LogLevel | 'silent' {
  return Object.hasOwn(RANK, text)
}

function pretty(fields: LogFields): string {
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined)
      text += ` ${key}=${typeof value === 'string' && /[\s"=]/.test(value) ? escape(JSON.stringify(value)) : escape(String(value))}`
  }
  return text
}

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    const quoted = JSON.stringify(character).slice(1, -1)
    return quoted === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : quoted
  })
}

/** One JSON object, whatever its length: the longest texts in it are cut. Fields cannot pass for the line's own. */
function json(own: LogFields, fields: LogFields): string {
  const record = { ...own, ...fields, ...own }
  let line = escape(JSON.stringify(record))
  for (let most = LONGEST / 2; Buffer.byteLength(line) > LONGEST && most >= 1; most /= 2) {
    line = escape(JSON.stringify(record, (_, value: unknown) => (typeof value === 'string' ? value.slice(0, most) : value)))
  }
  return cut(line)
}

function cut(line: string): string {
  const bytes = Buffer.from(line)
  // Half a character becomes a replacement character of three bytes.
  return bytes.length <= LONGEST ? line : bytes.subarray(0, LONGEST - 3).toString('utf8')
}
