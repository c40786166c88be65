import type { Clock } from '#base'
import { abortReason } from '#base'
import { CallError } from './call.ts'

interface Waiting {
  readonly admit: () => void
}

/** Lets at most `limit` calls in at once; the others wait their turn for a while. */
export class Admission {
  readonly #clock: Clock
  #inFlight = 0
  readonly #waiting = new Set<Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Takes a place, or returns false when there is none right now. */
  tryEnter(limit: number): boolean {
    if (this.#inFlight >= limit) return false
    this.#inFlight++
    return true
  }

  /** Resolves with a place taken. Throws `overloaded_here` after `waitMs`, or the signal's reason. */
  enter(limit: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.tryEnter(limit)) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(abortReason(signal))
      const settle = (outcome: () => void): void => {
        timer.cancel()
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', onAbort)
        outcome()
      }
      const onAbort = (): void => settle(() => reject(abortReason(signal)))
      const waiting: Waiting = { admit: () => settle(resolve) }
      const timer = this.#clock.after(waitMs, () => settle(() => reject(tooMany(limit, waitMs))))
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  /** Gives a place back, to the longest waiting call if there is one. */
  leave(): void {
    const next = this.#waiting.values().next().value
    if (next) next.admit()
    else this.#inFlight--
  }
}

function tooMany(limit: number, waitMs: number): CallError {
  return new CallError(`All ${limit} places are taken and none became free within ${Math.round(waitMs / 100) / 10} s.`, {
    code: 'overloaded_here',
    status: 503,
    retryAfterMs: 1_000,
    remedy: 'Try again shortly; the operator can raise limits.concurrency.',
  })
}
