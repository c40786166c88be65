import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/** What a request said, as it came. */
export interface RawRequest {
  /** Request line and headers. */
  readonly head: string
  readonly body: string
}

/** Answers one request with whatever bytes it likes. */
export type RawBehaviour = (socket: Socket, request: RawRequest, count: number) => void | Promise<void>

/** An upstream for tests: a raw socket that reads whole requests and leaves the answer to a behaviour. */
export class RawUpstream implements AsyncDisposable {
  readonly requests: RawRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #behaviour: RawBehaviour

  private constructor(behaviour: RawBehaviour) {
    this.#behaviour = behaviour
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(behaviour: RawBehaviour): Promise<RawUpstream> {
    const upstream = new RawUpstream(behaviour)
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  /** Base URL for a provider's config. */
  get baseUrl(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Answers the following requests in another way. */
  behave(behaviour: RawBehaviour): void {
    this.#behaviour = behaviour
  }

  /** Resolves when no connection is open. */
  async left(): Promise<void> {
    for (const socket of this.#sockets) if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    let pending = ''
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes) => {
      pending += bytes.toString('latin1')
      for (let end = pending.indexOf('\r\n\r\n'); end !== -1; end = pending.indexOf('\r\n\r\n')) {
        const head = pending.slice(0, end)
        const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
        if (pending.length < end + 4 + length) return
        const request = { head, body: Buffer.from(pending.slice(end + 4, end + 4 + length), 'latin1').toString('utf8') }
        pending = pending.slice(end + 4 + length)
        this.requests.push(request)
        void this.#behaviour(socket, request, this.requests.length)
      }
    })
  }
}

/** A response with a length. */
export function rawResponse(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([rawHead(status, { ...headers, 'content-length': String(bytes.length) }), bytes])
}

/** The head of a response. */
export function rawHead(status: number, headers: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`)
}

/** Bytes as one chunk of a chunked body. */
export function rawChunk(bytes: string | Uint8Array): Buffer {
  const data = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
}

/** The head of an event stream with a chunked body. */
export const RAW_STREAM_HEAD: Buffer = rawHead(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' })
/** The end of a chunked body. */
export const RAW_STREAM_END: Buffer = Buffer.from('0\r\n\r\n')
