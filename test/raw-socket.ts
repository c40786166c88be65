import { connect, type Socket } from 'node:net'
import { firstOf, systemClock, TIMED_OUT } from '#base'

/** A bare connection: writes what it is given, keeps what comes. */
export class RawSocket {
  readonly socket: Socket
  readonly closed: Promise<void>
  #received: Buffer[] = []

  constructor(url: string) {
    const target = new URL(url)
    this.socket = connect({ host: target.hostname, port: Number(target.port), allowHalfOpen: true })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => resolve())
      this.socket.on('end', () => resolve())
    })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (bytes: Buffer) => this.#received.push(bytes))
  }

  get received(): string {
    return Buffer.concat(this.#received).toString('utf8')
  }

  /** Resolves when the kernel took it or the connection is over. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.write(bytes)) return resolve()
      this.socket.once('drain', () => resolve())
      this.socket.once('close', () => resolve())
    })
  }

  /** Whether the other side closed within `ms`. */
  async closesWithin(ms: number): Promise<boolean> {
    return (await firstOf(systemClock, this.closed, ms)) !== TIMED_OUT
  }

  /** The status codes of all responses so far. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]))
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** A request as text. */
export function requestText(
  path: string,
  options: { method?: string; host?: string; headers?: readonly string[]; body?: string } = {},
): string {
  const body = options.body ?? ''
  const lines = [
    `host: ${options.host ?? 'localhost'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(options.headers ?? []),
  ]
  return `${options.method ?? 'POST'} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
