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

/** Where the bytes go. `write` returns a promise when they have to wait for the client. */
export interface Sink {
  write(bytes: Uint8Array): number | Promise<number>
}

/** Silence that is filled with a comment, ms: shorter than the idle limit of any proxy between (S5). */
export const SILENCE_MS = 15_000

/** Bytes that are handed over at once: what lies in the socket's buffer while the client does not read. */
const LARGEST_PIECE = 64 * 1024

const COMMENT = Buffer.from(': waiting\n\n')

/**
 * The body of a streamed response: the source's bytes, comments in its silence, and one error event when it breaks. It
 * writes to Bun's own sink, which costs less than an iterator that Bun reads, and tells when the client does not read.
 */
export class StreamBody {
  readonly #options: StreamBodyOptions
  #sink: Sink | undefined
  /** Since when the source is waited for, or the client; monotonic ms. */
  #since: number
  #waitsForClient = true
  #timer: Timer | undefined
  #over = false

  constructor(options: StreamBodyOptions) {
    this.#options = options
    this.#since = options.clock.monotonic()
    this.#arm(Math.min(SILENCE_MS, options.slowReaderMs))
  }

  /** The stream for a response. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      type: 'direct',
      pull: async (controller) => {
        await this.writeTo(controller)
        controller.close()
      },
      cancel: () => this.cancel(),
    })
  }

  /** Writes all of it; resolves when it is over. Never rejects. */
  async writeTo(sink: Sink): Promise<void> {
    const { source, clock, describe, silentSoFar } = this.#options
    this.#sink = sink
    try {
      if (silentSoFar) await this.#put(COMMENT)
      let read = this.#options.pending
      while (!this.#over) {
        this.#since = clock.monotonic()
        this.#waitsForClient = false
        const result = await read
        if (result.done === true || this.#over) break
        const waiting = this.#put(result.value)
        if (waiting) await waiting
        read = source.next()
      }
    } catch (error) {
      if (!this.#over) await this.#put(describe(error))
    } finally {
      this.#finish()
    }
  }

  /** The client has left: the source is cancelled. */
  async cancel(): Promise<void> {
    this.#finish()
    await this.#options.source.return?.()
  }

  /** Hands bytes over; returns a promise when that has to wait for the client. */
  #put(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length > LARGEST_PIECE) return this.#putPieces(bytes)
    const written = this.#sink?.write(bytes)
    return typeof written === 'object' ? this.#drained(written) : undefined
  }

  async #putPieces(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#over; at += LARGEST_PIECE) await this.#put(bytes.subarray(at, at + LARGEST_PIECE))
  }

  async #drained(written: Promise<number>): Promise<void> {
    this.#waitsForClient = true
    this.#since = this.#options.clock.monotonic()
    await written
    this.#waitsForClient = false
    this.#since = this.#options.clock.monotonic()
  }

  #finish(): void {
    this.#over = true
    this.#timer?.cancel()
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.after(ms, this.#check)
  }

  readonly #check = (): void => {
    const { clock, slowReaderMs, onSlowReader } = this.#options
    const idle = clock.monotonic() - this.#since
    const limit = this.#waitsForClient ? slowReaderMs : SILENCE_MS
    // A timer may fire a moment early.
    if (idle < limit - 1) return this.#arm(Math.min(limit - idle, SILENCE_MS))
    this.#since = clock.monotonic()
    if (this.#waitsForClient) onSlowReader()
    else void this.#put(COMMENT)
    this.#arm(Math.min(SILENCE_MS, slowReaderMs))
  }
}
