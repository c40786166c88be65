import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { AppError, sleep, systemClock } from '#base'
import type { ChatRequest } from '#contract'
import { lengthOf, readRequest, type WireRequest } from './wire-request.ts'

/** A connection that the other side closed or reset, before the simulator did. */
export interface Departure {
  /** Monotonic ms. */
  readonly at: number
  /** Requests that were read from this connection. */
  readonly requests: number
}

/** One request and the socket that it came on. */
export interface Exchange {
  readonly request: WireRequest
  /** The parsed body; an empty request when it was not JSON. */
  readonly asked: ChatRequest
  /** Which request of this server it is, from 0. */
  readonly nth: number
  /** Aborts when the peer went away or the server was disposed. */
  readonly left: AbortSignal
  /** Resolves when the kernel took the bytes; to false when the peer is gone. */
  write(bytes: string | Uint8Array): Promise<boolean>
  /** Ends our side with FIN. */
  fin(): void
  /** Ends the connection with RST, after what was written had time to arrive. */
  reset(): Promise<void>
  /** Waits, or until the peer leaves. */
  pause(ms: number): Promise<void>
  /** Waits for the peer to leave. */
  silence(): Promise<void>
}

export type Behaviour = (exchange: Exchange) => Promise<void>

/** An HTTP/1.1 server on a raw socket that does to each request what its behaviour says, and remembers what it saw. */
export class WireServer {
  readonly requests: WireRequest[] = []
  readonly departures: Departure[] = []
  /** Connections that were ever accepted. */
  accepted = 0
  /** Bytes that the kernel took from us. */
  written = 0
  behave: Behaviour
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0

  private constructor(behave: Behaviour) {
    this.behave = behave
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  static async listen(behave: Behaviour): Promise<WireServer> {
    const server = new WireServer(behave)
    await new Promise<void>((resolve) => server.#server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
    const address = server.#server.address()
    if (!isAddress(address)) throw new AppError('The simulator has no port.', { code: 'no_port' })
    server.#port = address.port
    return server
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** What a config's `baseUrl` names. */
  get url(): string {
    return `${this.origin}/v1`
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    this.accepted++
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    const left = new AbortController()
    const connection = { requests: 0, ours: false }
    const gone = (): void => {
      if (!this.#sockets.delete(socket)) return
      if (!connection.ours) this.departures.push({ at: systemClock.monotonic(), requests: connection.requests })
      left.abort()
      socket.destroy()
    }
    socket.on('error', gone)
    socket.on('end', gone)
    socket.on('close', gone)
    let pending: Buffer = Buffer.alloc(0)
    let waiting: Buffer[] = []
    let waitingBytes = 0
    let wanted: number | undefined
    let busy = false
    const pump = async (): Promise<void> => {
      if (busy) return
      busy = true
      for (let read = readRequest(pending); read && !left.signal.aborted; read = readRequest(pending)) {
        pending = pending.subarray(read.consumed)
        connection.requests++
        const nth = this.requests.push(read.request) - 1
        await this.behave(this.#exchange(socket, read.request, nth, left, connection)).catch((error: unknown) => {
          if (!left.signal.aborted) throw error
        })
      }
      busy = false
    }
    socket.on('data', (chunk: Buffer) => {
      // A large body is joined once, when all of it is there.
      waiting.push(chunk)
      waitingBytes += chunk.length
      wanted ??= lengthOf(chunk)
      if (wanted !== undefined && pending.length === 0 && waitingBytes < wanted) return
      pending = Buffer.concat([pending, ...waiting])
      waiting = []
      waitingBytes = 0
      wanted = undefined
      void pump()
    })
  }

  #exchange(socket: Socket, request: WireRequest, nth: number, left: AbortController, connection: { ours: boolean }): Exchange {
    const signal = left.signal
    const pause = (ms: number): Promise<void> => sleep(systemClock, ms, signal).catch(() => undefined)
    return {
      request,
      asked: isChatRequest(request.json) ? request.json : { model: '', messages: [] },
      nth,
      left: signal,
      write: async (bytes) => {
        if (signal.aborted || socket.destroyed) return false
        const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
        if (!socket.write(bytes)) await drained(socket, signal)
        this.written += size
        return !signal.aborted
      },
      fin: () => {
        connection.ours = true
        socket.end()
      },
      reset: async () => {
        await pause(15)
        connection.ours = true
        socket.resetAndDestroy()
        this.#sockets.delete(socket)
        left.abort()
      },
      pause,
      silence: () =>
        signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    }
  }
}

/** A base URL on which nothing listens. */
export async function closedPort(): Promise<string> {
  const server = await WireServer.listen(async () => undefined)
  const url = server.url
  await server[Symbol.asyncDispose]()
  return url
}

function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle)
      signal.removeEventListener('abort', settle)
      resolve()
    }
    socket.once('drain', settle)
    signal.addEventListener('abort', settle, { once: true })
  })
}

function isAddress(value: AddressInfo | string | null): value is AddressInfo {
  return typeof value === 'object' && value !== null
}

function isChatRequest(value: unknown): value is ChatRequest {
  return typeof value === 'object' && value !== null && 'messages' in value && Array.isArray(value.messages)
}
