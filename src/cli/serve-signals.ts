import type { Clock } from '#base'

/** Signals closer together than this are one: a terminal, npm and the launcher each pass on the same one. */
const SAME_MS = 700

export interface ServeSignals extends Disposable {
  /** Resolves to the signal that says to end. */
  readonly stop: Promise<NodeJS.Signals>
  /** What SIGHUP does from now on. */
  onReload(reload: () => void): void
}

/** The signals of a server: SIGTERM and SIGINT end it, at once when they come again; SIGHUP reloads, or ends it with its terminal. */
export function serveSignals(clock: Clock, exit: () => void): ServeSignals {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let first: number | undefined
  let reload = (): void => undefined
  const end = (signal: NodeJS.Signals): void => {
    first ??= clock.monotonic()
    if (clock.monotonic() - first > SAME_MS) exit()
    resolve(signal)
  }
  const hangUp = (): void => (process.stdin.isTTY ? end('SIGHUP') : reload())
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', hangUp)
  return {
    stop: promise,
    onReload: (next) => {
      reload = next
    },
    [Symbol.dispose]: () => void process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', hangUp),
  }
}
