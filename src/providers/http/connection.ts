import { type Clock, formatDuration, type Timer } from '#base'
import { UpstreamError } from '#contract'
import type { Socket } from 'bun'
import type { BodySource } from './response-body.ts'
import type { ResponseHead } from './response-head.ts'
import { ResponseParser } from './response-parser.ts'
import type { SocketOwner } from './socket-owner.ts'

/** One request on a connection, and whoever wants its response. */
export interface ConnectionRequest {
  /** ASCII. */
  readonly head: string
  readonly body: string
  /** The length of `body` in UTF-8. */
  readonly bodyBytes: number
  readonly headersMs: number
  answered(head: ResponseHead, headersMs: number): void
  received(bytes: Uint8Array): void
  /** The response is complete, or `error` broke it. The last call. */
  ended(error?: UpstreamError): void
  /** The connection, used before, turned out to be dead as this was sent: nothing of a response came. The last call. */
  wentStale(): void
}

/** What a connection tells its pool. */
export interface ConnectionEvents {
  /** Its response is complete and it can serve another. Returns the milliseconds for which to wait for one, 0 for none. */
  readonly idle: (connection: Connection, head: ResponseHead) => number
  readonly closed: (connection: Connection) => void
}

/** Up to here, head and body are written as one text. */
const SMALL_BODY_BYTES = 65_536
/** A connection used before that closes later than this after sending has taken the request: another would be a hidden one (F1). */
const STALE_MS = 150
const NEVER = Number.POSITIVE_INFINITY

/** An open connection to an upstream: one request at a time. */
export class Connection implements SocketOwner, BodySource {
  readonly #socket: Socket<SocketOwner>
  readonly #peer: string
  readonly #clock: Clock
  readonly #events: ConnectionEvents
  readonly #parser: ResponseParser
  #request: ConnectionRequest | undefined
  #isAnswered = false
  #hasReceived = false
  #isReused = false
  #isClosed = false
  #hasEnded = false
  #isPaused = false
  /** What is still to be written. */
  #unsent: Buffer | undefined
  #beganAt = 0
  #sentAt = 0
  /** When to act, on the monotonic clock; the timer may be due earlier and is then armed anew. */
  #deadline = NEVER
  #timer: Timer | undefined
  #timerAt = NEVER

  constructor(socket: Socket<SocketOwner>, peer: string, clock: Clock, events: ConnectionEvents) {
    this.#socket = socket
    this.#peer = peer
    this.#clock = clock
    this.#events = events
    this.#parser = new ResponseParser(peer)
    socket.data = this
  }

  /** Sends a request; the connection must be new or idle. */
  run(request: ConnectionRequest): void {
    this.#request = request
    this.#isAnswered = false
    this.#hasReceived = false
    this.#beganAt = this.#sentAt = this.#clock.monotonic()
    this.#arm(this.#sentAt, request.headersMs)
    if (request.bodyBytes > SMALL_BODY_BYTES) {
      this.#unsent = Buffer.from(request.head + request.body)
      if (this.#writeUnsent() < 0) this.#break()
      return
    }
    const text = request.head + request.body
    const written = this.#socket.write(text)
    if (written === request.head.length + request.bodyBytes) return
    if (written < 0) this.#break()
    else this.#unsent = Buffer.from(text).subarray(written)
  }

  pause(): void {
    if (this.#isClosed || this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (this.#isClosed || !this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Closes at once and lets the upstream know by a reset. Whoever waits is not told. */
  destroy(): void {
    this.#request = undefined
    if (this.#isClosed) return
    this.#forget()
    this.#socket.terminate()
  }

  onOpen(): void {}

  onHandshake(): void {}

  onData(bytes: Buffer): void {
    const request = this.#request
    // What comes unasked cannot be the answer to the next request.
    if (!request) return this.destroy()
    this.#hasReceived = true
    const parser = this.#parser
    const piece = parser.push(bytes)
    if (!this.#isAnswered) {
      const head = parser.head
      if (head) {
        this.#isAnswered = true
        this.#deadline = NEVER
        request.answered(head, this.#unsent ? 0 : this.#clock.monotonic() - this.#sentAt)
      }
    }
    if (piece) request.received(piece)
    if (parser.failure) this.#fail(parser.failure)
    else if (parser.isDone) this.#complete(request)
  }

  onDrain(): void {
    this.#writeUnsent()
  }

  onEnd(): void {
    this.#hasEnded = true
  }

  onClose(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#forget()
    const request = this.#request
    this.#request = undefined
    if (!request) return
    if (this.#isReused && !this.#hasReceived && this.#clock.monotonic() - this.#beganAt <= STALE_MS) return request.wentStale()
    const isClean = this.#hasEnded && !error
    const missing = this.#parser.end(isClean)
    if (missing === undefined) return request.ended()
    const act = isClean ? 'closed' : 'reset'
    const failure =
      missing === 'head'
        ? ({ kind: 'reset', message: `${this.#peer} ${act} the connection before it answered.` } as const)
        : ({ kind: 'truncated', message: `${this.#peer} ${act} the connection in the middle of its answer.` } as const)
    request.ended(new UpstreamError(failure, error))
  }

  #writeUnsent(): number {
    const unsent = this.#unsent
    if (!unsent) return 0
    const written = this.#socket.write(unsent)
    if (written === unsent.length) {
      this.#unsent = undefined
      this.#sentAt = this.#clock.monotonic()
    } else if (written > 0) this.#unsent = unsent.subarray(written)
    return written
  }

  #complete(request: ConnectionRequest): void {
    const head = this.#parser.head
    const canStay = head?.keepAlive === true && !this.#unsent && !this.#parser.hasExcess
    this.#request = undefined
    this.resume()
    request.ended()
    const idleMs = canStay ? this.#events.idle(this, head) : 0
    if (idleMs > 0) {
      this.#parser.reset()
      this.#isReused = true
      this.#arm(this.#clock.monotonic(), idleMs)
    } else this.#close()
  }

  /** Closes with a FIN: nothing is lost by it. */
  #close(): void {
    if (this.#isClosed) return
    this.#forget()
    this.#socket.end()
  }

  #fail(error: UpstreamError): void {
    const request = this.#request
    this.destroy()
    request?.ended(error)
  }

  /** The socket was closed already when something was written to it. */
  #break(): void {
    this.#socket.terminate()
    this.onClose(undefined)
  }

  #forget(): void {
    this.#isClosed = true
    this.#unsent = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    this.#events.closed(this)
  }

  #arm(now: number, ms: number): void {
    this.#deadline = now + ms
    if (this.#timer) {
      if (this.#timerAt <= this.#deadline) return
      this.#timer.cancel()
    }
    this.#timerAt = this.#deadline
    this.#timer = this.#clock.after(ms, this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    if (this.#deadline === NEVER) return
    const now = this.#clock.monotonic()
    const left = this.#deadline - now
    if (left >= 1) return this.#arm(now, left)
    const request = this.#request
    if (!request) return this.#close()
    const message = `${this.#peer} sent no response headers within ${formatDuration(request.headersMs)}.`
    this.#fail(new UpstreamError({ kind: 'timeout_headers', message }))
  }
}
