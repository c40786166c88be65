import type { Clock } from './clock.ts'

/** What `firstOf` resolves to when the time was over first. */
export const TIMED_OUT: unique symbol = Symbol('timed out')

/**
 * Settles as `promise` does, or resolves to TIMED_OUT after `ms`. The promise is not cancelled and may be waited for
 * again. Not `Promise.race`, which keeps every loser's handlers for as long as the winner lives.
 */
export function firstOf<T>(clock: Clock, promise: Promise<T>, ms: number): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => resolve(TIMED_OUT))
    promise.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (error: unknown) => {
        timer.cancel()
        reject(error)
      },
    )
  })
}
