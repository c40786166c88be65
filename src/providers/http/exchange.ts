import { abortReason } from '#base'
import { UpstreamError } from '#contract'
import type { Connection, ConnectionRequest } from './connection.ts'
import { decodeBody } from './content-decoder.ts'
import type { Dial, Dialed } from './dial.ts'
import type { HttpRequest, HttpResponse } from './http-client.ts'
import { requestHead, type Target } from './request-head.ts'
import { ResponseBody } from './response-body.ts'
import type { ResponseHead } from './response-head.ts'

/** What an exchange needs from its client. */
export interface ExchangeHost {
  take(origin: string): Connection | undefined
  dial(target: Target, connectMs: number, onDone: (result: Dialed | UpstreamError) => void): Dial
  adopt(target: Target, dialed: Dialed): Connection
}

/** One request and its response, from `send` to the last byte. */
export class Exchange implements ConnectionRequest {
  readonly head: string
  readonly body: string
  readonly bodyBytes: number
  readonly headersMs: number
  readonly #host: ExchangeHost
  readonly #target: Target
  readonly #connectMs: number
  readonly #signal: AbortSignal
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: Error) => void
  #dial: Dial | undefined
  #connection: Connection | undefined
  #dialed: Dialed | undefined
  #response: ResponseBody | undefined

  constructor(
    host: ExchangeHost,
    { request, target, signal }: { request: HttpRequest; target: Target; signal: AbortSignal },
    { resolve, reject }: { resolve: (response: HttpResponse) => void; reject: (error: Error) => void },
  ) {
    this.#host = host
    this.#target = target
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.body = request.body ?? ''
    this.bodyBytes = Buffer.byteLength(this.body)
    this.head = requestHead(request, target, this.bodyBytes)
    this.headersMs = request.headersMs
    this.#connectMs = request.connectMs
  }

  start(): void {
    this.#signal.addEventListener('abort', this.#onAbort)
    const pooled = this.#host.take(this.#target.origin)
    if (pooled) this.#run(pooled)
    else this.#connect()
  }

  answered(head: ResponseHead, headersMs: number): void {
    const { dns = null, connect = null, tls = null } = this.#dialed ?? {}
    const body = new ResponseBody(this, this.#signal)
    this.#response = body
    this.#resolve({
      status: head.status,
      headers: head.headers,
      phases: { dns, connect, tls, headers: headersMs },
      body: decodeBody(body, head, { peer: this.#target.peer, signal: this.#signal }),
    })
  }

  received(bytes: Uint8Array): void {
    this.#response?.push(bytes)
  }

  ended(error?: Error): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#connection = undefined
    if (this.#response) this.#response.finish(error)
    else if (error) this.#reject(error)
  }

  wentStale(): void {
    this.#connect()
  }

  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  /** The reader returned early. */
  destroy(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#connection?.destroy()
    this.#connection = undefined
  }

  #connect(): void {
    this.#connection = undefined
    this.#dial = this.#host.dial(this.#target, this.#connectMs, (result) => {
      this.#dial = undefined
      if (result instanceof UpstreamError) return this.ended(result)
      this.#dialed = result
      this.#run(this.#host.adopt(this.#target, result))
    })
  }

  #run(connection: Connection): void {
    this.#connection = connection
    connection.run(this)
  }

  readonly #onAbort = (): void => {
    this.#dial?.cancel()
    const connection = this.#connection
    connection?.destroy()
    this.ended(abortReason(this.#signal))
  }
}
