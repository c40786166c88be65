import { abortReason } from '#base'
import { unavailable } from './store-error.ts'

/** Lets one operation through at a time, in order of arrival; at most `capacity` wait. */
export class Lane {
  readonly #capacity: number
  readonly #waiting = new Set<() => void>()
  #busy = false

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Resolves, when it is this one's turn, to the function that ends it. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#busy) await this.#turn(signal)
    this.#busy = true
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave()
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#capacity) throw unavailable(`${this.#capacity} operations are waiting already.`)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(proceed)
        reject(abortReason(signal))
      }
      const proceed = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      this.#waiting.add(proceed)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Hands the turn over while `#busy` stays true, so that nobody can slip in between. */
  #leave(): void {
    for (const proceed of this.#waiting) {
      this.#waiting.delete(proceed)
      return proceed()
    }
    this.#busy = false
  }
}
