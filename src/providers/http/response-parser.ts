import { UpstreamError } from '#contract'
import { HeadFault, parseHead, type ResponseHead } from './response-head.ts'

const CR = 13
const LF = 10
const MAX_HEAD_BYTES = 65_536
/** Digits, extensions and line end of one chunk's size. */
const MAX_SIZE_LINE_BYTES = 4_096
const PREFIX = 'HTTP/1.'

type State = 'head' | 'length' | 'close' | 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'done' | 'failed'

/**
 * Reads HTTP/1.1 responses, one after the other, however their bytes are split. It owns the bytes that it is given and
 * moves those of neighbouring chunks together in place, so that each read gives one piece of body without a copy.
 */
export class ResponseParser {
  readonly #peer: string
  #state: State = 'head'
  #head: ResponseHead | undefined
  #failure: UpstreamError | undefined
  #hasExcess = false
  /** The beginning of a head that has not come whole. */
  #partial: Buffer | undefined
  #partialLength = 0
  /** Bytes of body, or of this chunk, that are still to come. */
  #left = 0
  #digits = 0
  /** Bytes of this size line, or of all trailers. */
  #lineBytes = 0
  /** Bytes in this line of the trailer. */
  #trailerLine = 0

  /** `peer` names the upstream in messages: host and port. */
  constructor(peer: string) {
    this.#peer = peer
  }

  /** The response's head, once it is complete. */
  get head(): ResponseHead | undefined {
    return this.#head
  }

  /** Whether the whole response was read. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** What broke the response, if anything did. */
  get failure(): UpstreamError | undefined {
    return this.#failure
  }

  /** Whether bytes came after the end of the response. */
  get hasExcess(): boolean {
    return this.#hasExcess
  }

  /** Begins the next response. */
  reset(): void {
    this.#state = 'head'
    this.#head = undefined
    this.#partial = undefined
    this.#partialLength = 0
  }

  /** Takes one read. Returns the bytes of the body in it; they share its memory. */
  push(bytes: Buffer): Buffer | undefined {
    let position = 0
    if (this.#state === 'head') {
      position = this.#readHeads(bytes)
      if (position === -1) return undefined
    }
    switch (this.#state) {
      case 'length':
        return this.#readLength(bytes, position)
      case 'close':
        return position === bytes.length ? undefined : bytes.subarray(position)
      case 'head':
      case 'failed':
        return undefined
      case 'done':
        if (position < bytes.length) this.#hasExcess = true
        return undefined
      default:
        return this.#readChunked(bytes, position)
    }
  }

  /** The server closed. Returns what is missing, or nothing when that was the end of the body. */
  end(isClean: boolean): 'head' | 'body' | undefined {
    if (this.#state === 'head') return 'head'
    if (this.#state === 'close' && isClean) this.#state = 'done'
    return this.#state === 'done' ? undefined : 'body'
  }

  /** Reads heads up to the first that is not interim. Returns where the body begins, -1 while there is none. */
  #readHeads(bytes: Buffer): number {
    let start = 0
    for (;;) {
      const end = this.#partial ? this.#joinPartial(bytes, start) : findHeadEnd(bytes, start, start)
      if (this.#state === 'failed') return -1
      if (end === -1) {
        if (!this.#partial) this.#keepPartial(bytes, start)
        return -1
      }
      const text = this.#partial ? this.#partial.toString('latin1', 0, this.#partialLength) : bytes.toString('latin1', start, end)
      this.#partial = undefined
      if (text.length > MAX_HEAD_BYTES) {
        this.#failTooLarge()
        return -1
      }
      const head = parseHead(text)
      if (head instanceof HeadFault) {
        this.#fail(head.kind, head.fault)
        return -1
      }
      start = end
      if (head.status === 101) {
        this.#fail('malformed', 'switched to another protocol, unasked.')
        return -1
      }
      if (head.status >= 200) {
        this.#begin(head)
        return start
      }
    }
  }

  #begin(head: ResponseHead): void {
    this.#head = head
    const framing = head.framing
    switch (framing.type) {
      case 'none':
        this.#state = 'done'
        break
      case 'length':
        this.#left = framing.length
        this.#state = framing.length === 0 ? 'done' : 'length'
        break
      case 'chunked':
        this.#beginSize()
        break
      case 'close':
        this.#state = 'close'
        break
      default:
        framing satisfies never
    }
  }

  #keepPartial(bytes: Buffer, start: number): void {
    const length = bytes.length - start
    if (length > MAX_HEAD_BYTES) return this.#failTooLarge()
    this.#partial = Buffer.allocUnsafe(Math.max(1_024, length * 2))
    this.#partialLength = bytes.copy(this.#partial, 0, start)
    this.#checkPrefix()
  }

  /** Adds bytes to a partial head. Returns where in `bytes` the head ends, -1 when it does not. */
  #joinPartial(bytes: Buffer, start: number): number {
    const known = this.#partialLength
    const take = Math.min(bytes.length - start, MAX_HEAD_BYTES + 1 - known)
    let partial = this.#partial ?? Buffer.allocUnsafe(1_024)
    if (known + take > partial.length) {
      const larger = Buffer.allocUnsafe(Math.max(partial.length * 2, known + take))
      partial.copy(larger, 0, 0, known)
      partial = larger
    }
    this.#partial = partial
    bytes.copy(partial, known, start, start + take)
    this.#partialLength = known + take
    const end = findHeadEnd(partial.subarray(0, known + take), 0, Math.max(0, known - 3))
    if (end !== -1) {
      this.#partialLength = end
      return start + end - known
    }
    if (known + take > MAX_HEAD_BYTES) this.#failTooLarge()
    else this.#checkPrefix()
    return -1
  }

  /** Fails at once when this is some other protocol, whose end of head would never come. */
  #checkPrefix(): void {
    const start = this.#partial?.toString('latin1', 0, Math.min(this.#partialLength, PREFIX.length)) ?? ''
    if (!PREFIX.startsWith(start)) this.#fail('malformed', 'did not answer with an HTTP/1.1 status line.')
  }

  #readLength(bytes: Buffer, position: number): Buffer | undefined {
    const available = bytes.length - position
    if (available === 0) return undefined
    if (available < this.#left) {
      this.#left -= available
      return position === 0 ? bytes : bytes.subarray(position)
    }
    const end = position + this.#left
    this.#state = 'done'
    if (end < bytes.length) this.#hasExcess = true
    return bytes.subarray(position, end)
  }

  #readChunked(bytes: Buffer, from: number): Buffer | undefined {
    const length = bytes.length
    let position = from
    let outStart = 0
    let outEnd = 0
    while (position < length) {
      if (this.#state === 'data') {
        const end = Math.min(length, position + this.#left)
        this.#left -= end - position
        if (outEnd === 0) {
          outStart = position
          outEnd = end
        } else {
          bytes.copyWithin(outEnd, position, end)
          outEnd += end - position
        }
        position = end
        if (this.#left === 0) this.#state = 'data-cr'
        continue
      }
      if (this.#state === 'done') {
        this.#hasExcess = true
        break
      }
      this.#readFraming(bytes[position] ?? 0)
      if (this.#failure) break
      position++
    }
    return outEnd === 0 ? undefined : bytes.subarray(outStart, outEnd)
  }

  /** One byte between the data of chunks. */
  #readFraming(byte: number): void {
    switch (this.#state) {
      case 'data-cr':
        if (byte === CR) this.#state = 'data-lf'
        else this.#failChunk()
        break
      case 'data-lf':
        if (byte === LF) this.#beginSize()
        else this.#failChunk()
        break
      case 'size':
        this.#readSize(byte)
        break
      case 'extension':
        if (byte === CR) this.#state = 'size-lf'
        else if (byte === LF || byte === 0 || ++this.#lineBytes > MAX_SIZE_LINE_BYTES) this.#failChunk()
        break
      case 'size-lf':
        if (byte !== LF) this.#failChunk()
        else if (this.#left > 0) this.#state = 'data'
        else {
          this.#lineBytes = 0
          this.#trailerLine = 0
          this.#state = 'trailer'
        }
        break
      default:
        this.#readTrailer(byte)
    }
  }

  #readSize(byte: number): void {
    const digit = hexValue(byte)
    if (digit !== -1) {
      // Twelve digits are the most that a double holds with room to spare.
      if (++this.#digits > 12) this.#failChunk()
      else this.#left = this.#left * 16 + digit
    } else if (this.#digits === 0) this.#failChunk()
    else if (byte === CR) this.#state = 'size-lf'
    else if (byte === 59 || byte === 32 || byte === 9) this.#state = 'extension'
    else this.#failChunk()
  }

  #readTrailer(byte: number): void {
    if (++this.#lineBytes > MAX_HEAD_BYTES) return this.#fail('too_large', `sent more than ${MAX_HEAD_BYTES / 1_024} KiB of trailers.`)
    if (byte === 0) return this.#fail('malformed', 'sent a NUL in the trailers.')
    if (byte === CR) return
    if (byte !== LF) this.#trailerLine++
    else if (this.#trailerLine === 0) this.#state = 'done'
    else this.#trailerLine = 0
  }

  #beginSize(): void {
    this.#left = 0
    this.#digits = 0
    this.#lineBytes = 0
    this.#state = 'size'
  }

  #failChunk(): void {
    this.#fail('malformed', 'broke the chunked encoding of its answer.')
  }

  #failTooLarge(): void {
    this.#fail('too_large', `sent more than ${MAX_HEAD_BYTES / 1_024} KiB of response headers.`)
  }

  #fail(kind: 'malformed' | 'too_large', fault: string): void {
    this.#state = 'failed'
    this.#partial = undefined
    this.#failure = new UpstreamError({ kind, message: `${this.#peer} ${fault}` })
  }
}

/** The position after the empty line that ends a head, searched from `from`; -1 when it has not come. */
function findHeadEnd(bytes: Buffer, start: number, from: number): number {
  let lineFeed = bytes.indexOf(LF, Math.max(start, from))
  while (lineFeed !== -1) {
    const next = bytes[lineFeed + 1]
    if (next === LF) return lineFeed + 2
    if (next === CR && bytes[lineFeed + 2] === LF) return lineFeed + 3
    lineFeed = bytes.indexOf(LF, lineFeed + 1)
  }
  return -1
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
