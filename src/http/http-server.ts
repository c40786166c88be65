import { AppError, isLoopback, newId, sleep } from '#base'
import type { BlockList } from 'node:net'
import { BodyBudget } from './body-budget.ts'
import { callerOf, trustList } from './caller.ts'
import { faultOf, toWireError } from './http-error.ts'
import type { Exchange, HttpParts } from './http-parts.ts'
import { findHandler } from './routes.ts'

/** Seconds in which an idle connection, or one that dribbles its headers, is closed. */
const IDLE_S = 20
/** A bound for the server itself; the config's own `limits.body` is checked before a body is read. */
const LARGEST_BODY = 1024 ** 3
/** Bytes of the bodies of all calls under way: each is kept to its call's end, to be sent to another upstream. */
const ALL_BODIES = 256 * 1024 ** 2

const SENT_POLL_MS = 20

export interface Listening {
  readonly port: number
  readonly urls: readonly string[]
}

/** Serves HTTP on one port of one or more addresses. */
export class HttpServer implements AsyncDisposable {
  readonly #parts: HttpParts
  readonly #trusted: BlockList
  readonly #bodies = new BodyBudget(ALL_BODIES)
  #servers: Bun.Server<undefined>[] = []

  constructor(parts: HttpParts) {
    this.#parts = parts
    this.#trusted = trustList(parts.trustedProxies)
  }

  /**
   * Listens on every host; port 0 picks one that is free. A host of several that this machine does not have (no IPv6) is left
   * out. Throws `port_in_use` or `cannot_listen`.
   */
  listen(hosts: readonly string[], port: number): Listening {
    let bound = port
    for (const host of hosts) {
      try {
        const server = this.#serve(host, bound)
        this.#servers.push(server)
        bound = server.port ?? bound
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        if (code === 'EADDRINUSE' || this.#servers.length === 0) {
          void this[Symbol.asyncDispose]()
          throw cannotListen(host, bound, code, error)
        }
        this.#parts.logger.debug('This address is left out.', { host, code: String(code) })
      }
    }
    return { port: bound, urls: this.#servers.map((server) => server.url.origin) }
  }

  /** Stops listening, and closes what is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const servers = this.#servers
    this.#servers = []
    await Promise.all(servers.map((server) => server.stop(true)))
  }

  /** Takes no new connections; those with a request under way go on. */
  stopAccepting(): void {
    for (const server of this.#servers) void server.stop(false)
  }

  /** Resolves when every response has been handed to the system. What `stop` promises would also wait for half a head. */
  async sent(): Promise<void> {
    while (this.#servers.some((server) => server.pendingRequests > 0)) await sleep(this.#parts.clock, SENT_POLL_MS)
  }

  #serve(hostname: string, port: number): Bun.Server<undefined> {
    // Only this machine can reach a loopback address: asking the kernel for each peer would tell nothing.
    const only = isLoopback(hostname) ? hostname : undefined
    return Bun.serve({
      hostname,
      port,
      idleTimeout: IDLE_S,
      // Without it two servers share a port, and each gets some of the connections.
      reusePort: false,
      maxRequestBodySize: LARGEST_BODY,
      development: false,
      fetch: (request, server) => this.#answer(request, server, only ?? server.requestIP(request)?.address ?? ''),
      error: (error) => this.#fail(error, newId(this.#parts.clock, 'call')),
    })
  }

  async #answer(request: Request, server: Bun.Server<undefined>, remoteAddress: string): Promise<Response> {
    const callId = newId(this.#parts.clock, 'call')
    try {
      const path = pathOf(request.url)
      const handler = findHandler(request.method, path)
      const exchange: Exchange = {
        request,
        callId,
        path,
        bodies: this.#bodies,
        caller: callerOf(request, remoteAddress, this.#trusted),
        allowSilence: (seconds) => server.timeout(request, seconds),
      }
      return await handler(exchange, this.#parts)
    } catch (error) {
      return this.#fail(error, callId)
    }
  }

  #fail(error: unknown, callId: string): Response {
    const fault = faultOf(error)
    if (fault !== undefined) this.#parts.logger.error('A request failed by a fault of our own.', { call: callId, fault })
    const wire = toWireError(error, callId)
    return Response.json(wire.body, { status: wire.status, headers: { ...wire.headers, 'x-holdfast-call': callId } })
  }
}

/** The path of a request's URL, which is only a path where an HTTP/1.0 client named no host. */
function pathOf(url: string): string {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?')
  return start === -1 ? '/' : url.slice(start, query === -1 ? undefined : query)
}

function cannotListen(host: string, port: number, code: unknown, cause: unknown): AppError {
  if (code === 'EADDRINUSE') return new AppError(`Port ${port} is taken on ${host}.`, { code: 'port_in_use', cause })
  return new AppError(`Cannot listen on ${host} port ${port} (${String(code)}).`, {
    code: 'cannot_listen',
    remedy: 'Check HOLDFAST_HOST and HOLDFAST_PORT: the address must be one of this machine, ports below 1024 need rights.',
    cause,
  })
}
