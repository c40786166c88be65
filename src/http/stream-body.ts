import type { Clock, Timer } from '#base'

export interface StreamBodyOptions {
  readonly clock: Clock
  readonly source: AsyncIterableIterator<Uint8Array>
  /** A read of `source` that has begun. */
  readonly pending: Promise<IteratorResult<Uint8Array>>
  /** Nothing came in the time that headers wait for: they are to go out now. */
  readonly silentSoFar: boolean
  /** The event that an error ends the stream with. */
  readonly describe: (error: unknown) => Uint8Array
  /** A client that takes nothing for this long is given up, ms. */
  readonly slowReaderMs: number
  readonly onSlowReader: () => void
}

/** Silence that is filled with a comment, ms: shorter than the idle limit of any proxy between (S5). */
export const SILENCE_MS = 15_000

/** Bytes that are handed over at once. */
const LARGEST_PIECE = 64 * 1024

const COMMENT = Buffer.from(': waiting\n\n')
const OVER: IteratorResult<Uint8Array> = { done: true, value: undefined }

/**
 * The body of a streamed response: the source's bytes, comments in its silence, and one error event when it breaks. Not a
 * generator: a pending read must be able to give way to a comment, at the cost of one promise for each batch.
 */
export class StreamBody implements AsyncIterableIterator<Uint8Array> {
  readonly #options: StreamBodyOptions
  /** A read of the source that has begun and that no client has had the result of. */
  #pending: Promise<IteratorResult<Uint8Array>> | undefined
  #silentSoFar: boolean
  #answer: ((result: IteratorResult<Uint8Array>) => void) | undefined
  /** Since when the source is waited for, or the client; monotonic ms. */
  #since: number
  #timer: Timer | undefined
  #over = false
  /** What is left of a large piece. */
  #rest: Uint8Array | undefined

  constructor(options: StreamBodyOptions) {
    this.#options = options
    this.#pending = options.pending
    this.#silentSoFar = options.silentSoFar
    this.#since = options.clock.monotonic()
    this.#arm(Math.min(SILENCE_MS, options.slowReaderMs))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.#since = this.#options.clock.monotonic()
    if (this.#rest) return Promise.resolve(this.#slice(this.#rest))
    if (this.#over) return Promise.resolve(OVER)
    if (this.#silentSoFar) {
      // Headers go out with the first bytes.
      this.#silentSoFar = false
      return Promise.resolve({ done: false, value: COMMENT })
    }
    const pending = (this.#pending ??= this.#options.source.next())
    return new Promise((resolve) => {
      this.#answer = resolve
      // After a comment the same read is followed once more; only the newest follower may take its result.
      pending.then(
        (result) => this.#answer === resolve && this.#settle(resolve, result, result.done === true),
        (error: unknown) => this.#answer === resolve && this.#settle(resolve, { done: false, value: this.#options.describe(error) }, true),
      )
    })
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#finish()
    this.#rest = undefined
    await this.#options.source.return?.()
    return OVER
  }

  #settle(answer: (result: IteratorResult<Uint8Array>) => void, result: IteratorResult<Uint8Array>, last: boolean): void {
    this.#pending = undefined
    if (last) this.#finish()
    this.#hand(answer, result.done === true ? result : this.#slice(result.value))
  }

  /** A piece that is small enough to lie in the socket's buffer while the client does not read. */
  #slice(bytes: Uint8Array): IteratorResult<Uint8Array> {
    const large = bytes.length > LARGEST_PIECE
    this.#rest = large ? bytes.subarray(LARGEST_PIECE) : undefined
    return { done: false, value: large ? bytes.subarray(0, LARGEST_PIECE) : bytes }
  }

  #hand(answer: (result: IteratorResult<Uint8Array>) => void, result: IteratorResult<Uint8Array>): void {
    this.#answer = undefined
    this.#since = this.#options.clock.monotonic()
    answer(result)
  }

  #finish(): void {
    this.#over = true
    this.#timer?.cancel()
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => this.#check())
  }

  #check(): void {
    const { clock, slowReaderMs, onSlowReader } = this.#options
    const idle = clock.monotonic() - this.#since
    const answer = this.#answer
    const limit = answer ? SILENCE_MS : slowReaderMs
    // A timer may fire a moment early.
    if (idle < limit - 1) return this.#arm(Math.min(limit - idle, SILENCE_MS))
    if (answer) this.#hand(answer, { done: false, value: COMMENT })
    else onSlowReader()
    this.#arm(Math.min(SILENCE_MS, slowReaderMs))
  }
}
