import type { Clock } from '#base'

/** What a command needs of the world. */
export interface CommandContext {
  readonly dataFolder: string
  readonly clock: Clock
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
  /** Whether `write` goes to a terminal that shows colours. */
  readonly colour: boolean
  /** Aborted when the person or the reader of our output leaves. */
  readonly signal: AbortSignal
}

/** The context of this process, until it is disposed. A closed pipe and SIGINT are ways to end, not failures. */
export function processContext(clock: Clock, dataFolder: string): CommandContext & Disposable {
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  process.once('SIGINT', leave)
  process.stdout.on('error', leave)
  const colour = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb'
  return {
    dataFolder,
    clock,
    write: (text) => void (leaving.signal.aborted || process.stdout.write(text)),
    writeError: (text) => void process.stderr.write(text),
    colour,
    signal: leaving.signal,
    [Symbol.dispose](): void {
      process.off('SIGINT', leave)
    },
  }
}
