import { abortReason } from '#base'

/** What feeds a body, for as long as it is open. */
export interface BodySource {
  pause(): void
  resume(): void
  destroy(): void
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void
  readonly reject: (error: Error) => void
}

const MAX_UNREAD_BYTES = 65_536
const END: IteratorResult<Uint8Array, undefined> = Object.freeze({ done: true, value: undefined })

/**
 * A body as it arrives: what nobody has asked for yet waits in a queue, and the source pauses when that is too much. Not
 * a generator, so that returning early works while a read is pending.
 */
export class ResponseBody implements AsyncIterableIterator<Uint8Array> {
  readonly #signal: AbortSignal
  #source: BodySource | undefined
  readonly #queue: Uint8Array[] = []
  #unread = 0
  #isPaused = false
  #waiting: Waiting | undefined
  #pending: Promise<IteratorResult<Uint8Array, undefined>> | undefined
  #error: Error | undefined
  #isReturned = false

  constructor(source: BodySource, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isReturned) return Promise.resolve(END)
    if (this.#signal.aborted) return Promise.reject(abortReason(this.#signal))
    if (this.#waiting && this.#pending) {
      const again = (): Promise<IteratorResult<Uint8Array, undefined>> => this.next()
      return this.#pending.then(again, again)
    }
    const value = this.#queue.shift()
    if (value !== undefined) {
      this.#unread -= value.length
      if (this.#isPaused && this.#unread < MAX_UNREAD_BYTES / 2) {
        this.#isPaused = false
        this.#source?.resume()
      }
      return Promise.resolve({ done: false, value })
    }
    const error = this.#error
    if (error) {
      this.#error = undefined
      return Promise.reject(error)
    }
    if (!this.#source) return Promise.resolve(END)
    this.#pending = new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    return this.#pending
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isReturned = true
    this.#queue.length = 0
    const source = this.#source
    this.#source = undefined
    source?.destroy()
    this.#settle()?.resolve(END)
    return Promise.resolve(END)
  }

  /** Adds a piece. */
  push(bytes: Uint8Array): void {
    if (this.#isReturned) return
    const waiting = this.#settle()
    if (waiting) return waiting.resolve({ done: false, value: bytes })
    this.#queue.push(bytes)
    this.#unread += bytes.length
    if (this.#unread > MAX_UNREAD_BYTES && !this.#isPaused) {
      this.#isPaused = true
      this.#source?.pause()
    }
  }

  /** No more will come: that was the end, or `error` broke it. What is queued can still be read. */
  finish(error?: Error): void {
    this.#source = undefined
    this.#error = error
    const waiting = this.#settle()
    if (!waiting) return
    if (error) {
      this.#error = undefined
      waiting.reject(error)
    } else waiting.resolve(END)
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#pending = undefined
    return waiting
  }
}
