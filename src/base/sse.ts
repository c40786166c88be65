import { AppError } from './app-error.ts'

/** One server-sent event: its own bytes, terminator included, and what its lines say. */
export interface SseEvent {
  readonly bytes: Uint8Array
  /** The lines of `data` joined by a line feed; undefined when the event has none (a comment, a ping). */
  readonly data: string | undefined
  /** The value of `event:`, if there is one. */
  readonly event: string | undefined
}

const LF = 10
const CR = 13
/** What is smaller costs less to copy than to make room for. */
const SMALL_BYTES = 4_096
const EMPTY = Buffer.alloc(0)

/**
 * Cuts bytes into server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), however they are
 * split, with LF, CRLF or CR line ends. Throws `frame_too_large` when one event exceeds `maxBytes`.
 */
export class SseParser {
  readonly #maxBytes: number
  #pending: Buffer = EMPTY
  /** Memory of our own that begins with `#pending` and can have room behind it; nothing handed out shares it. */
  #room: Buffer = EMPTY
  /** Where in `#pending` the search for line ends goes on. */
  #scanned = 0
  #lineStart = 0
  #afterCr = false
  #first = true

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The events that `chunk` completes. They share its memory. */
  push(chunk: Uint8Array): SseEvent[] {
    let buffer = asBuffer(chunk)
    if (this.#afterCr && buffer.length > 0) {
      this.#afterCr = false
      if (buffer[0] === LF) {
        // The second half of a line end: still part of an event that goes on, too late for one that is handed out.
        if (this.#pending.length === 0) buffer = buffer.subarray(1)
        else {
          this.#lineStart++
          this.#scanned++
        }
      }
    }
    if (this.#pending.length > 0) buffer = this.#append(buffer)
    const events: SseEvent[] = []
    let eventStart = 0
    let lineStart = this.#lineStart
    let position = this.#scanned
    let nextLf = buffer.indexOf(LF, position)
    let nextCr = buffer.indexOf(CR, position)
    while (nextLf !== -1 || nextCr !== -1) {
      const end = nextCr !== -1 && (nextLf === -1 || nextCr < nextLf) ? nextCr : nextLf
      position = end + 1
      if (end === nextCr) {
        if (position === buffer.length) this.#afterCr = true
        else if (buffer[position] === LF) position++
      }
      if (end === lineStart) {
        if (position - eventStart > this.#maxBytes) throw tooLarge(this.#maxBytes)
        if (end > eventStart) events.push(this.#parse(buffer.subarray(eventStart, position)))
        eventStart = position
      }
      lineStart = position
      if (nextLf !== -1 && nextLf < position) nextLf = buffer.indexOf(LF, position)
      if (nextCr !== -1 && nextCr < position) nextCr = buffer.indexOf(CR, position)
    }
    this.#pending = eventStart === buffer.length ? EMPTY : buffer.subarray(eventStart)
    if (eventStart > 0) this.#room = EMPTY
    this.#lineStart = lineStart - eventStart
    this.#scanned = this.#pending.length
    if (this.#pending.length > this.#maxBytes) throw tooLarge(this.#maxBytes)
    return events
  }

  /** The event that the stream ended in, when its last line end or blank line is missing. */
  end(): SseEvent | undefined {
    const rest = this.#pending
    this.#pending = EMPTY
    this.#room = EMPTY
    return rest.length === 0 ? undefined : this.#parse(rest)
  }

  /**
   * What is pending and `chunk` behind it. A small beginning, the usual case, is joined as it is; a larger one gets room to
   * double, since to join it anew at each read would cost the square of its size.
   */
  #append(chunk: Buffer): Buffer {
    const pending = this.#pending
    if (pending.length < SMALL_BYTES) return Buffer.concat([pending, chunk])
    const length = pending.length + chunk.length
    if (this.#room.length < length) {
      this.#room = Buffer.allocUnsafe(Math.max(length, Math.min(2 * length, this.#maxBytes)))
      this.#room.set(pending)
    }
    this.#room.set(chunk, pending.length)
    return this.#room.subarray(0, length)
  }

  #parse(bytes: Buffer): SseEvent {
    let text = bytes.toString('utf8')
    if (this.#first) {
      this.#first = false
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    if (text.startsWith('data: ') && text.endsWith('\n\n') && text.indexOf('\n') === text.length - 2 && !text.includes('\r')) {
      return { bytes, data: text.slice(6, -2), event: undefined }
    }
    return parseLines(bytes, text)
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(`One server-sent event is larger than ${maxBytes} bytes.`, { code: 'frame_too_large' })
}

function parseLines(bytes: Uint8Array, text: string): SseEvent {
  let data: string | undefined
  let event: string | undefined
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (field === 'event') event = value
  }
  return { bytes, data, event }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
