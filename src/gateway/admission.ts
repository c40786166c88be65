import { abortReason, type Clock, formatDuration } from '#base'
import { CallError } from './call.ts'

interface Waiting {
  readonly admit: () => void
}

/** Calls that may always wait, however few places there are. */
const LEAST_WAITING = 100

/** Lets at most `limit` calls in at once; the others wait their turn for a while. */
export class Admission {
  readonly #clock: Clock
  #inFlight = 0
  #limit = 0
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

  /**
   * Takes a place. Returns undefined when there is one right now, else a promise of one, which throws `overloaded_here` after
   * `waitMs`, or the signal's reason. Throws at once when as many are waiting as there are places.
   */
  enter(limit: number, waitMs: number, signal: AbortSignal): Promise<void> | undefined {
    this.#limit = limit
    if (this.#waiting.size === 0 && this.#inFlight < limit) {
      this.#inFlight++
      return undefined
    }
    const promise = this.#waiting.size >= Math.max(limit, LEAST_WAITING) ? Promise.reject(tooMany(limit, 0)) : this.#wait(waitMs, signal)
    this.#admitWaiting()
    return promise
  }

  /** Gives a place back, to the longest waiting call if there is one. */
  leave(): void {
    this.#inFlight--
    this.#admitWaiting()
  }

  #wait(waitMs: number, signal: AbortSignal): Promise<void> {
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
      const timer = this.#clock.after(waitMs, () => settle(() => reject(tooMany(this.#limit, waitMs))))
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  /** The newest limit holds for those who wait: a reload may have changed it. */
  #admitWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.#inFlight >= this.#limit) return
      this.#inFlight++
      waiting.admit()
    }
  }
}

function tooMany(limit: number, waitMs: number): CallError {
  const waited = waitMs === 0 ? 'as many calls are waiting' : `none became free within ${formatDuration(waitMs)}`
  return new CallError(`All ${limit} places are taken and ${waited}.`, {
    code: 'overloaded_here',
    status: 503,
    retryAfterMs: 1_000,
    remedy: 'Try again shortly; the operator can raise limits.concurrency.',
  })
}
