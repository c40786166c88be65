import { type Clock, formatDuration, type Timer } from '#base'
import { UpstreamError } from '#contract'
import type { Socket } from 'bun'
import { connectFailure, dnsFailure, tlsFailure } from './connect-failure.ts'
import type { Target } from './request-head.ts'
import type { Lookup } from './resolver.ts'
import { SOCKET_HANDLER, type SocketOwner } from './socket-owner.ts'

/** A connection that is ready for its first request, and how long each phase took. */
export interface Dialed {
  readonly socket: Socket<SocketOwner>
  readonly dns: number | null
  readonly connect: number
  readonly tls: number | null
}

export interface DialOptions {
  readonly clock: Clock
  readonly lookup: Lookup
  /** PEM of the authorities to trust instead of the usual ones. */
  readonly ca: string | undefined
  /** Milliseconds after which the next address is tried beside the one that has not answered (RFC 8305). */
  readonly staggerMs: number
}

/**
 * Opens one connection: looks the name up, tries its addresses with a short stagger, and secures the first that
 * connects. Calls back once, unless it is cancelled.
 */
export class Dial {
  readonly #target: Target
  readonly #options: DialOptions
  readonly #onDone: (result: Dialed | UpstreamError) => void
  readonly #started: number
  readonly #deadline: Timer
  readonly #tries = new Set<Try>()
  #stagger: Timer | undefined
  #addresses: readonly string[] = []
  #nextAddress = 0
  #dnsMs: number | null = null
  #connectStarted = 0
  #connectMs = 0
  #winner: Try | undefined
  /** The address that is preferred says best what is wrong. */
  #firstError: unknown
  #isOver = false

  constructor(target: Target, connectMs: number, options: DialOptions, onDone: (result: Dialed | UpstreamError) => void) {
    this.#target = target
    this.#options = options
    this.#onDone = onDone
    this.#started = options.clock.monotonic()
    this.#connectStarted = this.#started
    this.#deadline = options.clock.after(connectMs, () => this.#finish(this.#timedOut(connectMs)))
    const known = knownAddresses(target.host)
    if (known) this.#connect(known)
    else void this.#resolve()
  }

  /** Gives up: closes whatever is open, at once. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline.cancel()
    this.#stagger?.cancel()
    for (const attempt of this.#tries) attempt.close()
    this.#tries.clear()
  }

  async #resolve(): Promise<void> {
    try {
      const addresses = await this.#options.lookup(this.#target.host)
      if (this.#isOver) return
      this.#connectStarted = this.#options.clock.monotonic()
      this.#dnsMs = this.#connectStarted - this.#started
      if (addresses.length === 0) this.#finish(dnsFailure(this.#target, undefined))
      else this.#connect(interleave(addresses))
    } catch (error) {
      this.#finish(dnsFailure(this.#target, error))
    }
  }

  #connect(addresses: readonly string[]): void {
    this.#addresses = addresses
    this.#tryNext()
  }

  #tryNext(): void {
    this.#stagger?.cancel()
    this.#stagger = undefined
    const address = this.#addresses[this.#nextAddress++]
    if (address === undefined) return
    const attempt = new Try(address, this.#target, this.#options.ca, {
      connected: () => this.#connected(attempt),
      secured: (socket) => this.#secured(socket),
      failed: (error) => this.#failed(attempt, error),
    })
    this.#tries.add(attempt)
    if (this.#nextAddress < this.#addresses.length) {
      this.#stagger = this.#options.clock.after(this.#options.staggerMs, () => this.#tryNext())
    }
    attempt.start()
  }

  /** The first address that connects is the one; the others are closed. */
  #connected(attempt: Try): boolean {
    if (this.#isOver || this.#winner) return false
    this.#winner = attempt
    this.#stagger?.cancel()
    this.#connectMs = this.#options.clock.monotonic() - this.#connectStarted
    for (const other of this.#tries) if (other !== attempt) other.close()
    this.#tries.clear()
    this.#tries.add(attempt)
    return true
  }

  #secured(socket: Socket<SocketOwner>): void {
    const tls = this.#target.isSecure ? this.#options.clock.monotonic() - this.#connectStarted - this.#connectMs : null
    this.#finish({ socket, dns: this.#dnsMs, connect: this.#connectMs, tls })
  }

  #failed(attempt: Try, error: unknown): void {
    if (this.#isOver || !this.#tries.delete(attempt)) return
    if (attempt === this.#winner) return this.#finish(tlsFailure(this.#target, error))
    this.#firstError ??= error
    if (this.#nextAddress < this.#addresses.length) this.#tryNext()
    else if (this.#tries.size === 0) this.#finish(connectFailure(this.#target, this.#firstError, this.#addresses.length))
  }

  #finish(result: Dialed | UpstreamError): void {
    if (this.#isOver) return
    if (result instanceof UpstreamError) this.cancel()
    this.#isOver = true
    this.#deadline.cancel()
    this.#onDone(result)
  }

  #timedOut(connectMs: number): UpstreamError {
    const { host, peer } = this.#target
    const limit = formatDuration(connectMs)
    const message = this.#winner
      ? `${peer} did not finish the TLS handshake within ${limit}.`
      : this.#addresses.length === 0
        ? `The name ${host} was not resolved by DNS within ${limit}.`
        : `${peer} did not accept a connection within ${limit}.`
    return new UpstreamError({ kind: 'timeout_connect', message })
  }
}

interface TryEvents {
  /** Whether to go on with it. */
  readonly connected: () => boolean
  readonly secured: (socket: Socket<SocketOwner>) => void
  readonly failed: (error: unknown) => void
}

/** One address being connected to. */
class Try implements SocketOwner {
  readonly #address: string
  readonly #target: Target
  readonly #ca: string | undefined
  readonly #events: TryEvents
  #socket: Socket<SocketOwner> | undefined
  #isClosed = false

  constructor(address: string, target: Target, ca: string | undefined, events: TryEvents) {
    this.#address = address
    this.#target = target
    this.#ca = ca
    this.#events = events
  }

  start(): void {
    const tls = this.#target.isSecure
      ? { tls: { serverName: this.#target.host, rejectUnauthorized: true, ...(this.#ca === undefined ? {} : { ca: this.#ca }) } }
      : {}
    const options = { hostname: this.#address, port: this.#target.port, socket: SOCKET_HANDLER, data: this, ...tls }
    try {
      Bun.connect<SocketOwner>(options).catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.terminate()
  }

  onOpen(socket: Socket<SocketOwner>): void {
    this.#socket = socket
    if (this.#isClosed || !this.#events.connected()) {
      this.#isClosed = true
      socket.terminate()
    } else if (!this.#target.isSecure) this.#events.secured(socket)
  }

  onHandshake(socket: Socket<SocketOwner>, isTrusted: boolean, error: Error | null): void {
    if (this.#isClosed) return
    if (isTrusted) return this.#events.secured(socket)
    this.#fail(error)
    socket.terminate()
  }

  onData(): void {}

  onDrain(): void {}

  onEnd(): void {}

  onClose(error: Error | undefined): void {
    this.#fail(error)
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.failed(error)
  }
}

/** The addresses of names that need no DNS. `localhost` is both families, whichever of them the server listens on. */
function knownAddresses(host: string): readonly string[] | undefined {
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1']
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host) ? [host] : undefined
}

/** Both families in turn, beginning with that of the first address. */
function interleave(addresses: readonly string[]): readonly string[] {
  const isFirstV6 = addresses[0]?.includes(':') ?? false
  const first = addresses.filter((address) => address.includes(':') === isFirstV6)
  const second = addresses.filter((address) => address.includes(':') !== isFirstV6)
  return first.flatMap((address, i) => (second[i] === undefined ? [address] : [address, second[i]])).concat(second.slice(first.length))
}
