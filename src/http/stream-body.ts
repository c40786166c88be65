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
  /** Told once, when nothing more is written. */
  readonly onOver: () => void
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
  /** What waits for the client: at first the response itself, then writes. */
  #waiting = 1
  #timer: Timer | undefined
  #over = false
  #sourceOver = false

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
        try {
          controller.close()
        } catch {
          // There is nobody any more who could be told.
        }
      },
      cancel: () => this.cancel(),
    })
  }

  /** Writes all of it; resolves when it is over. Never rejects. */
  async writeTo(sink: Sink): Promise<void> {
    this.#sink = sink
    this.#waiting--
    try {
      if (this.#options.silentSoFar) await this.#put(COMMENT)
      await this.#relay()
    } catch (error) {
      this.#sourceOver = true
      await this.#tell(error)
    } finally {
      this.#finish()
      if (!this.#sourceOver) await this.#leave()
    }
  }

  /** The client has left: the source is cancelled. */
  async cancel(): Promise<void> {
    this.#finish()
    if (!this.#sourceOver) await this.#leave()
  }

  /** Hands on what the source gives. Throws what the source throws, and nothing else. */
  async #relay(): Promise<void> {
    const { source, clock } = this.#options
    let read = this.#options.pending
    while (!this.#over) {
      this.#since = clock.monotonic()
      const result = await read
      if (result.done === true) this.#sourceOver = true
      if (result.done === true || this.#over) return
      const waiting = this.#put(result.value)
      if (waiting) await waiting
      if (!this.#over) read = source.next()
    }
  }

  async #tell(error: unknown): Promise<void> {
    if (this.#over) return
    try {
      await this.#put(this.#options.describe(error))
    } catch {
      // An error that cannot be put into words leaves an answer without its end, which clients notice.
    }
  }

  async #leave(): Promise<void> {
    this.#sourceOver = true
    try {
      await this.#options.source.return?.()
    } catch {
      // Nobody waits for the source any more, nor for what went wrong there.
    }
  }

  /** Hands bytes over; returns a promise when that has to wait for the client. A sink that fails is a client that is gone. */
  #put(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length > LARGEST_PIECE) return this.#putPieces(bytes)
    try {
      const written = this.#sink?.write(bytes)
      return typeof written === 'object' ? this.#drained(written) : undefined
    } catch {
      void this.cancel()
      return undefined
    }
  }

  async #putPieces(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#over; at += LARGEST_PIECE) await this.#put(bytes.subarray(at, at + LARGEST_PIECE))
  }

  async #drained(written: Promise<number>): Promise<void> {
    if (this.#waiting++ === 0) this.#since = this.#options.clock.monotonic()
    try {
      await written
    } catch {
      void this.cancel()
    }
    this.#waiting--
    this.#since = this.#options.clock.monotonic()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#options.onOver()
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.after(ms, this.#check)
  }

  readonly #check = (): void => {
    const { clock, slowReaderMs, onSlowReader } = this.#options
    const idle = clock.monotonic() - this.#since
    const waitsForClient = this.#waiting > 0
    const limit = waitsForClient ? slowReaderMs : SILENCE_MS
    // A timer may fire a moment early.
    if (idle < limit - 1) return this.#arm(Math.min(limit - idle, SILENCE_MS))
    this.#since = clock.monotonic()
    if (waitsForClient) onSlowReader()
    else void this.#put(COMMENT)
    if (!this.#over) this.#arm(Math.min(SILENCE_MS, slowReaderMs))
  }
}
