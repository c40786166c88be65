import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** One connection to a test server, at the level of bytes. */
export class WirePeer {
  readonly socket: Socket
  /** Counted from 0 in order of arrival. */
  readonly index: number
  /** Resolves when the connection is closed, however that happened. */
  readonly closed: Promise<void>
  #pieces: Buffer[] = []
  #length = 0
  #wake: () => void = () => undefined
  #isClosed = false

  constructor(socket: Socket, index: number) {
    this.socket = socket
    this.index = index
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      this.#pieces.push(bytes)
      this.#length += bytes.length
      this.#wake()
    })
    socket.on('end', () => this.#wake())
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      }),
    )
  }

  /** The next request, head and body, when it has come whole; undefined when the client closed first. */
  async request(): Promise<{ head: string; body: Buffer } | undefined> {
    let needed = 1
    for (;;) {
      if (this.#length >= needed) {
        const input = Buffer.concat(this.#pieces)
        this.#keep(input)
        const headEnd = input.indexOf('\r\n\r\n')
        const head = input.toString('latin1', 0, Math.max(headEnd, 0))
        const end = headEnd + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
        if (headEnd !== -1 && input.length >= end) {
          this.#keep(input.subarray(end))
          return { head, body: input.subarray(headEnd + 4, end) }
        }
        needed = headEnd === -1 ? input.length + 1 : end
      }
      if (this.#isClosed || this.socket.readableEnded) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Resolves when the client sent anything. */
  async anything(): Promise<void> {
    while (this.#length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #keep(input: Buffer): void {
    this.#pieces = [input]
    this.#length = input.length
  }

  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** Writes and waits until the client's kernel can have it, so that the next write is a read of its own. */
  async flush(data: string | Uint8Array): Promise<void> {
    this.write(data)
    await new Promise((resolve) => setImmediate(resolve))
  }

  fin(data?: string): void {
    if (data !== undefined) this.write(data)
    this.socket.end()
  }

  /** Closes with a RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }
}

export interface WireOptions {
  /** Default 127.0.0.1. */
  readonly hostname?: string
  readonly port?: number
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** A server whose every connection runs `script`. */
export class WireServer implements AsyncDisposable {
  readonly peers: WirePeer[] = []
  readonly port: number
  readonly #server: Server
  readonly #scheme: string
  readonly #failures: unknown[]

  constructor(server: Server, setup: { peers: WirePeer[]; port: number; scheme: string; failures: unknown[] }) {
    this.#server = server
    this.peers = setup.peers
    this.port = setup.port
    this.#scheme = setup.scheme
    this.#failures = setup.failures
  }

  url(path = '/v1/chat/completions', host = '127.0.0.1'): URL {
    return new URL(`${this.#scheme}://${host}:${this.port}${path}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    if (this.#failures.length > 0) throw new AggregateError(this.#failures, 'A test server failed.')
  }
}

/** Starts a server on a free port of the loopback interface. */
export async function wireServer(script: (peer: WirePeer) => void | Promise<void>, options: WireOptions = {}): Promise<WireServer> {
  const peers: WirePeer[] = []
  const failures: unknown[] = []
  const accept = (socket: Socket): void => {
    const peer = new WirePeer(socket, peers.length)
    peers.push(peer)
    Promise.resolve(script(peer)).catch((error: unknown) => failures.push(error))
  }
  const server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept)
  server.on('tlsClientError', () => undefined)
  server.listen(options.port ?? 0, options.hostname ?? '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return new WireServer(server, { peers, port, scheme: options.tls ? 'https' : 'http', failures })
}

/** A port on which nobody listens. */
export async function refusingPort(): Promise<number> {
  const server = await wireServer(() => undefined)
  await server[Symbol.asyncDispose]()
  return server.port
}
