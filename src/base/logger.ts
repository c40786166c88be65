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

const RANK: Readonly<Record<LogLevel | 'silent', number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

/** A logger that writes lines of at most 8 KiB, with control characters escaped, so that nobody can forge a line. */
export function createLogger(options: LoggerOptions): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (RANK[level] < RANK[options.level]) return
    const time = new Date(options.clock.now()).toISOString()
    const line =
      options.format === 'json'
        ? JSON.stringify({ time, level, message, ...fields })
        : `${time.slice(11, 23)} ${level.padEnd(5)} ${escape(message)}${pretty(fields)}`
    options.write(`${line.slice(0, 8_192)}\n`)
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
    if (value !== undefined) text += ` ${key}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : escape(String(value))}`
  }
  return text
}

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1))
}
