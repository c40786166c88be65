import { connect, type Socket } from 'node:net'
import { type SseEvent, SseParser, systemClock } from '#base'

/** How a response ended: as its framing says, without its end, or by RST. */
export type Ending = 'complete' | 'cut' | 'reset'

export interface WireEvent {
  readonly data: string | undefined
  readonly text: string
  /** Monotonic ms. */
  readonly at: number
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes as they are; objects become JSON. */
  readonly body?: string | object
}

/** One request on a connection of its own, read byte by byte, so that every ending and every pause can be seen and made. */
export class WireCall {
  readonly headers = new Map<string, string>()
  readonly events: WireEvent[] = []
  readonly startedAt = systemClock.monotonic()
  status = 0
  body: Buffer = Buffer.alloc(0)
  headAt: number | undefined
  ending: Ending | undefined
  endedAt = 0
  /** Bytes of the body that were read. */
  received = 0
  /** Keep the body's bytes; false for very long answers. */
  keep = true
  /** Resolves when the response is over, however that came. */
  readonly ended: Promise<void>
  readonly socket: Socket
  readonly #body = new BodyReader()
  readonly #parser = new SseParser(64 * 1024 * 1024)
  readonly #pieces: Buffer[] = []
  #head: Buffer | undefined = Buffer.alloc(0)
  #settle: () => void = () => undefined

  constructor(url: string, asking: Asking = {}) {
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    const target = new URL(url)
    this.socket = connect({ host: target.hostname.replace(/[[\]]/g, ''), port: Number(target.port), allowHalfOpen: true })
    this.socket.setNoDelay(true)
    this.socket.write(requestBytes(target, asking))
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : 'cut'),
    )
    this.socket.on('end', () => this.#end(this.#body.endsWithConnection ? 'complete' : 'cut'))
    this.socket.on('close', () => this.#end('cut'))
  }

  /** Goes away without a word. */
  leave(): void {
    this.socket.destroy()
    this.#end('cut')
  }

  #read(chunk: Buffer): void {
    if (this.ending !== undefined) return
    let rest: Buffer = chunk
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, chunk])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) return
      rest = this.#head.subarray(end + 4)
      this.#readHead(this.#head.toString('latin1', 0, end))
      this.#head = undefined
    }
    const { pieces, over } = this.#body.push(rest)
    for (const piece of pieces) this.#take(piece)
    if (over) this.#end('complete')
  }

  #take(piece: Buffer): void {
    this.received += piece.length
    if (!this.keep) return
    this.#pieces.push(piece)
    if (this.headers.get('content-type')?.includes('event-stream') !== true) return
    for (const event of this.#parser.push(piece)) this.events.push(seen(event))
  }

  #readHead(head: string): void {
    this.headAt = systemClock.monotonic()
    const [statusLine = '', ...lines] = head.split('\r\n')
    this.status = Number(statusLine.split(' ')[1])
    for (const line of lines) this.headers.set(line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim())
    this.#body.begin(this.status, this.headers)
  }

  #end(ending: Ending): void {
    if (this.ending !== undefined) return
    this.ending = ending
    this.endedAt = systemClock.monotonic()
    this.body = Buffer.concat(this.#pieces)
    this.socket.destroy()
    this.#settle()
  }
}

/** Undoes the framing of a response's body. */
class BodyReader {
  endsWithConnection = false
  #chunked = false
  #left = 0
  #pending: Buffer = Buffer.alloc(0)
  #over = false

  begin(status: number, headers: ReadonlyMap<string, string>): void {
    this.#chunked = headers.get('transfer-encoding')?.includes('chunked') === true
    const length = headers.get('content-length')
    this.#left = Number(length ?? 0)
    this.endsWithConnection = !this.#chunked && length === undefined && status !== 204
    this.#over = !this.#chunked && !this.endsWithConnection && this.#left === 0
  }

  push(bytes: Buffer): { pieces: Buffer[]; over: boolean } {
    if (this.endsWithConnection) return { pieces: [bytes], over: false }
    if (!this.#chunked) {
      this.#left -= bytes.length
      return { pieces: bytes.length > 0 ? [bytes] : [], over: this.#left <= 0 }
    }
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    const pieces: Buffer[] = []
    while (!this.#over) {
      const lineEnd = this.#pending.indexOf('\r\n')
      if (lineEnd === -1) break
      const size = Number.parseInt(this.#pending.toString('latin1', 0, lineEnd), 16)
      if (this.#pending.length < lineEnd + 2 + size + 2) break
      if (size === 0) this.#over = true
      else pieces.push(this.#pending.subarray(lineEnd + 2, lineEnd + 2 + size))
      this.#pending = this.#pending.subarray(lineEnd + 2 + size + 2)
    }
    return { pieces, over: this.#over }
  }
}

function requestBytes(target: URL, asking: Asking): string {
  const body = typeof asking.body === 'object' ? JSON.stringify(asking.body) : (asking.body ?? '')
  const headers = {
    host: target.host,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...asking.headers,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${asking.method ?? 'POST'} ${target.pathname}${target.search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

function seen(event: SseEvent): WireEvent {
  return { data: event.data, text: Buffer.from(event.bytes).toString('utf8'), at: systemClock.monotonic() }
}
