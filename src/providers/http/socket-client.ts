import { abortReason, type Clock } from '#base'
import type { UpstreamError } from '#contract'
import { Connection } from './connection.ts'
import { ConnectionPool } from './connection-pool.ts'
import { Dial, type Dialed, type DialOptions } from './dial.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
import { type Target, targetOf } from './request-head.ts'
import { keepAliveMs, type ResponseHead } from './response-head.ts'
import { type Lookup, Resolver } from './resolver.ts'

export interface SocketClientOptions {
  readonly clock: Clock
  /** PEM of the authorities to trust, instead of Mozilla's and those of NODE_EXTRA_CA_CERTS and SSL_CERT_FILE. */
  readonly ca?: string
  /**
   * Milliseconds for which an idle connection is kept when the server does not say. The default is 4 s: Node's and
   * uvicorn's servers close theirs after 5 s, and a request that crosses such a close has to be sent twice.
   */
  readonly idleMs?: number
  /** Milliseconds after which the next address of a name is tried beside one that has not answered. */
  readonly staggerMs?: number
  /** Asks DNS; the system's way by default. */
  readonly lookup?: Lookup
}

const IDLE_MS = 4_000
const LONGEST_IDLE_MS = 60_000
/** How much sooner than the server we close a connection: its clock began to run before ours. */
const IDLE_MARGIN_MS = 1_000
/** RFC 8305, section 8. */
const STAGGER_MS = 250

/** An HTTP/1.1 client on plain and TLS sockets, with its own pool of connections, shared with no other client. */
export function createSocketClient(options: SocketClientOptions): HttpClient {
  return new SocketClient(options)
}

class SocketClient implements HttpClient, ExchangeHost {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #dialOptions: DialOptions
  readonly #pool = new ConnectionPool()
  readonly #targets = new WeakMap<URL, Target>()
  #isClosed = false

  constructor(options: SocketClientOptions) {
    this.#clock = options.clock
    this.#idleMs = options.idleMs ?? IDLE_MS
    const resolver = new Resolver(options.clock, options.lookup)
    this.#dialOptions = {
      clock: options.clock,
      lookup: (host) => resolver.resolve(host),
      ca: options.ca,
      staggerMs: options.staggerMs ?? STAGGER_MS,
    }
  }

  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    if (signal.aborted) return Promise.reject(abortReason(signal))
    return new Promise((resolve, reject) => {
      const target = this.#targetOf(request.url)
      new Exchange(this, { request, target, signal }, { resolve, reject }).start()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#pool.clear()
  }

  take(origin: string): Connection | undefined {
    return this.#pool.take(origin)
  }

  dial(target: Target, connectMs: number, onDone: (result: Dialed | UpstreamError) => void): Dial {
    return new Dial(target, connectMs, this.#dialOptions, onDone)
  }

  adopt(target: Target, dialed: Dialed): Connection {
    return new Connection(dialed.socket, target.peer, this.#clock, {
      idle: (connection, head) => this.#keep(target.origin, connection, head),
      closed: (connection) => this.#pool.remove(target.origin, connection),
    })
  }

  #keep(origin: string, connection: Connection, head: ResponseHead): number {
    if (this.#isClosed) return 0
    const said = keepAliveMs(head.headers)
    const ms = said === undefined ? this.#idleMs : Math.min(said - IDLE_MARGIN_MS, LONGEST_IDLE_MS)
    if (ms > 0) this.#pool.put(origin, connection)
    return ms
  }

  #targetOf(url: URL): Target {
    const known = this.#targets.get(url)
    if (known?.href === url.href) return known
    const target = targetOf(url)
    this.#targets.set(url, target)
    return target
  }
}
