import { AppError, type Clock, type SseEvent, SseParser } from '#base'
import { UpstreamError } from '#contract'
import { classifyEvent } from '../classify.ts'
import { readErrorBody } from '../error-body.ts'
import type { Frame } from '../provider.ts'
import { failed, malformed, type ReadContext, readEvent } from './event-frame.ts'
import { readAnswer, readWhole, toStream, WholeBody } from './whole-answer.ts'

/** Largest event, bytes. */
export const LARGEST_FRAME = 8 * 1_024 * 1_024

/** Bytes that are parsed at once. */
const LARGEST_PIECE = 64 * 1_024

/** How long the end of a body is waited for after the stream's own end, so that the connection can serve another call. */
const SETTLE_MS = 1_000

type Batch = IteratorResult<readonly Frame[]>
type Body = AsyncIterableIterator<Uint8Array>
type Form = 'unknown' | 'events' | 'whole'

const END: Batch = { done: true, value: undefined }
const NO_FRAMES: readonly Frame[] = []
const NO_PROGRESS: readonly Frame[] = [{ type: 'comment', bytes: new Uint8Array() }]
const BLANK_LINE = Buffer.from('\n\n')
const LINE_END = Buffer.from('\n')
const FIELDS = [':', 'data:', 'event:', 'id:', 'retry:']
const COLON = 58
const LF = 10
const CR = 13

/**
 * The frames of a streamed response, one batch for each read. Not a chain of generators, whose every stage would be paid
 * for with each frame. After a failure the frames before it are handed out first (S3).
 */
export class StreamFrames implements AsyncIterableIterator<readonly Frame[]> {
  readonly #body: Body
  readonly #context: ReadContext
  readonly #clock: Clock
  readonly #parser = new SseParser(LARGEST_FRAME)
  #form: Form = 'unknown'
  /** What is left of a large read: parsed when it is asked for, so that a client that does not read costs little. */
  #unread: Promise<IteratorResult<Uint8Array>> | undefined
  #first = true
  #ended = false
  /** Whether the stream's own end was seen, while that of the body was not. */
  #complete = false
  /** Whether a whole answer is being read: no frame can follow, and its body is still to be closed. */
  #isReadingWhole = false
  #failure: unknown

  constructor(body: Body, context: ReadContext, clock: Clock) {
    this.#body = body
    this.#context = context
    this.#clock = clock
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Batch> {
    if (this.#failure !== undefined) return Promise.reject(this.#takeFailure())
    if (this.#ended) {
      if (this.#complete) this.#settle()
      return Promise.resolve(END)
    }
    return (this.#unread ?? this.#body.next()).then(this.#onRead, this.#onError)
  }

  async return(): Promise<Batch> {
    if (this.#complete) this.#settle()
    else if (!this.#ended || this.#isReadingWhole) await this.#close()
    return END
  }

  readonly #onRead = (read: IteratorResult<Uint8Array>): Batch | Promise<Batch> => {
    if (this.#ended) return END
    if (read.done === true) return this.#finish()
    if (this.#form === 'unknown') {
      this.#form = formOf(read.value)
      if (this.#form === 'whole') return this.#readWhole(read.value)
    }
    const large = read.value.length > LARGEST_PIECE
    this.#unread = large ? Promise.resolve({ done: false, value: read.value.subarray(LARGEST_PIECE) }) : undefined
    const frames: Frame[] = []
    try {
      for (const event of this.#parser.push(large ? read.value.subarray(0, LARGEST_PIECE) : read.value)) {
        const frame = readEvent(this.#first || event.bytes[event.bytes.length - 1] === CR ? this.#mend(event) : event, this.#context)
        frames.push(frame)
        if (frame.type === 'done') {
          this.#ended = true
          this.#complete = true
          break
        }
      }
    } catch (error) {
      return this.#fail(error, frames)
    }
    return frames.length === 0 ? this.next() : { done: false, value: frames }
  }

  readonly #onError = (error: unknown): never => {
    this.#ended = true
    throw error
  }

  /** The body is over: what is left of an event is a frame if nothing of it can be missing, a truncation otherwise. */
  #finish(): Batch {
    this.#ended = true
    const rest = this.#parser.end()
    if (rest === undefined || rest.bytes[0] === COLON) return END
    if (this.#first && !isBeginning(rest.bytes)) throw notAStream(rest, this.#context)
    try {
      const bytes = Buffer.concat([withoutLineEnd(rest.bytes), BLANK_LINE])
      const frame = readEvent({ ...rest, bytes }, this.#context)
      if (frame.type !== 'comment') return { done: false, value: [frame] }
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.failure.kind !== 'malformed') throw error
    }
    throw failed('truncated', 'The stream ended in the middle of an event')
  }

  async #readWhole(first: Uint8Array): Promise<Batch> {
    this.#ended = true
    this.#isReadingWhole = true
    try {
      const whole = await readWhole(this.#body, first)
      return this.#isReadingWhole ? { done: false, value: toStream(readAnswer(whole, this.#context).answer) } : END
    } catch (error) {
      if (this.#isReadingWhole) throw error
      return END
    } finally {
      this.#isReadingWhole = false
    }
  }

  #fail(error: unknown, before: readonly Frame[]): Batch {
    this.#ended = true
    this.#failure =
      error instanceof AppError && error.code === 'frame_too_large'
        ? failed('too_large', `One event is larger than ${LARGEST_FRAME} bytes`)
        : error
    void this.#close()
    if (before.length > 0) return { done: false, value: before }
    throw this.#takeFailure()
  }

  #takeFailure(): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  /**
   * Two things that clients may not know: a byte order mark behind the start of an answer, where a rescue can put it, and
   * CR LF CR as an event's end, which comes of a read that ended before the last LF.
   */
  #mend(event: SseEvent): SseEvent {
    let { bytes } = event
    if (this.#first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
    if (bytes[bytes.length - 1] === CR && bytes[bytes.length - 2] === LF) bytes = Buffer.concat([bytes, LINE_END])
    this.#first = false
    return { ...event, bytes }
  }

  async #close(): Promise<void> {
    this.#ended = true
    this.#isReadingWhole = false
    try {
      await this.#body.return?.()
    } catch {
      // The connection is closed either way, and why it could not be closed cleanly helps nobody.
    }
  }

  /** Reads to the end of the body in the background; closes it when it does not come. */
  #settle(): void {
    this.#complete = false
    const timer = this.#clock.after(SETTLE_MS, () => void this.#close())
    const stop = (): void => timer.cancel()
    const readOn = (read: IteratorResult<Uint8Array>): void => {
      if (read.done === true) stop()
      else void this.#body.next().then(readOn, stop)
    }
    void this.#body.next().then(readOn, stop)
  }
}

/**
 * The one frame of a response that is not streamed; before it a batch for each read, so that progress can be seen: an empty
 * one, or a comment while there is nothing but white space or what no answer begins with.
 */
export class WholeFrames implements AsyncIterableIterator<readonly Frame[]> {
  readonly #body: Body
  readonly #context: ReadContext
  readonly #reads = new WholeBody()
  #begun = false
  #ended = false

  constructor(body: Body, context: ReadContext) {
    this.#body = body
    this.#context = context
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<Batch> {
    if (this.#ended) return END
    const read = await this.#body.next()
    if (this.#ended) return END
    if (read.done !== true) {
      this.#reads.push(read.value)
      this.#begun ||= formOf(read.value) === 'whole'
      return { done: false, value: this.#begun ? NO_FRAMES : NO_PROGRESS }
    }
    this.#ended = true
    return { done: false, value: [readAnswer(this.#reads.join(), this.#context)] }
  }

  async return(): Promise<Batch> {
    if (!this.#ended) {
      this.#ended = true
      await this.#body.return?.()
    }
    return END
  }
}

/** What a body is by its first character: what a response calls itself is wrong too often. */
function formOf(bytes: Uint8Array): Form {
  for (const byte of bytes) {
    if (byte === 0xef || byte === 0xbb || byte === 0xbf || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue
    return byte === 0x7b || byte === 0x5b || byte === 0x3c ? 'whole' : 'events'
  }
  return 'unknown'
}

/** A body of words where a stream was asked for; they may say why. */
function notAStream(event: SseEvent, context: ReadContext): UpstreamError {
  const words = readErrorBody(Buffer.from(event.bytes).toString('utf8')).message
  const failure = classifyEvent({ message: words }, { now: context.now(), credential: context.credential })
  return failure.kind === 'server_error'
    ? malformed('The provider answered with something that is not a stream')
    : new UpstreamError(failure)
}

/** Whether the bytes could be the beginning of an event. */
function isBeginning(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('utf8')
  return FIELDS.some((field) => field.startsWith(text) || text.startsWith(field))
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end--
  return bytes.subarray(0, end)
}
