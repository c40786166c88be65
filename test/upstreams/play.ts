import { GzipEncoder } from './gzip-encoder.ts'
import type { Behaviour, Exchange } from './wire-server.ts'

/** One thing that a streaming provider does after its head. */
export type Step =
  | { readonly data: string; readonly event?: string }
  | { readonly comment: string }
  | { readonly raw: string | Uint8Array }
  | { readonly wait: number }
  | { readonly until: Promise<void> }
  /** The last chunk: a clean end of the body; the connection stays. */
  | 'end'
  /** FIN without the last chunk. */
  | 'fin'
  | 'rst'
  /** Nothing more, until the peer leaves. */
  | 'silence'

/** How a stream looks on the wire. */
export interface Wire {
  readonly lineEnd?: '\n' | '\r\n' | '\r'
  /** Whether a space follows `data:`; true by default. */
  readonly space?: boolean
  /** Cuts each frame's JSON over several `data:` lines, at its first comma. */
  readonly multiline?: boolean
  readonly bom?: boolean
  /** Writes this many bytes at a time, each its own chunk and its own packet. */
  readonly split?: number
  readonly gzip?: boolean
  /** Everything up to the next wait or the end goes out in one write. */
  readonly burst?: boolean
  /** `close`: no chunks, the body ends with the connection. */
  readonly framing?: 'chunked' | 'close'
  /** Milliseconds before each frame. */
  readonly pace?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A status and a body, as they are. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly contentType?: string
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  302: 'Found',
  400: 'Bad Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
}

/** The bytes of a response's head. */
export function headOf(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}\r\n${lines.join('')}\r\n`
}

/** Answers with a body of known length; the connection stays. */
export function reply(answer: Reply): Behaviour {
  return async (exchange) => {
    await exchange.write(wholeReply(answer))
  }
}

/** Head and body of a reply in one piece. */
export function wholeReply(answer: Reply): Buffer {
  const body = Buffer.from(answer.body ?? '')
  const head = headOf(answer.status, {
    'content-type': answer.contentType ?? 'application/json',
    'content-length': String(body.length),
    ...answer.headers,
  })
  return Buffer.concat([Buffer.from(head), body])
}

/** Sends an event stream's head and then what the steps say. Without an ending step the body ends cleanly. */
export function play(steps: Iterable<Step>, wire: Wire = {}): Behaviour {
  return async (exchange) => {
    const player = new Player(exchange, wire)
    if (!(await player.begin())) return
    for (const step of steps) {
      if (exchange.left.aborted || (await player.act(step))) return
    }
    await player.end()
  }
}

class Player {
  readonly #exchange: Exchange
  readonly #wire: Wire
  readonly #gzip: GzipEncoder | undefined
  #held: Buffer[] = []

  constructor(exchange: Exchange, wire: Wire) {
    this.#exchange = exchange
    this.#wire = wire
    this.#gzip = wire.gzip === true ? new GzipEncoder() : undefined
  }

  async begin(): Promise<boolean> {
    const head = headOf(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      ...(this.#wire.framing === 'close' ? { connection: 'close' } : { 'transfer-encoding': 'chunked' }),
      ...(this.#gzip ? { 'content-encoding': 'gzip' } : {}),
      ...this.#wire.headers,
    })
    const taken = await this.#exchange.write(head)
    if (taken && this.#wire.bom === true) await this.#send(Buffer.from('\uFEFF'))
    return taken
  }

  /** Does one step; true when nothing may follow it. */
  async act(step: Step): Promise<boolean> {
    if (typeof step === 'string' || 'wait' in step || 'until' in step) await this.#release()
    if (step === 'end') await this.end()
    else if (step === 'fin') this.#exchange.fin()
    else if (step === 'rst') await this.#exchange.reset()
    else if (step === 'silence') await this.#exchange.silence()
    else if ('until' in step) await step.until
    else if ('wait' in step) await this.#exchange.pause(step.wait)
    else {
      if (this.#wire.pace !== undefined) await this.#exchange.pause(this.#wire.pace)
      await this.#send(Buffer.from('raw' in step ? step.raw : eventText(step, this.#wire)))
    }
    return typeof step === 'string'
  }

  async end(): Promise<void> {
    await this.#release()
    if (this.#gzip) await this.#cut(await this.#gzip.finish())
    if (this.#wire.framing === 'close') this.#exchange.fin()
    else await this.#exchange.write('0\r\n\r\n')
  }

  async #release(): Promise<void> {
    if (this.#held.length > 0) await this.#exchange.write(Buffer.concat(this.#held))
    this.#held = []
  }

  async #send(bytes: Buffer): Promise<void> {
    await this.#cut(this.#gzip ? await this.#gzip.encode(bytes) : bytes)
  }

  async #cut(bytes: Buffer): Promise<void> {
    const size = this.#wire.split ?? bytes.length
    for (let position = 0; position < bytes.length && !this.#exchange.left.aborted; position += size) {
      const piece = bytes.subarray(position, position + size)
      const chunk =
        this.#wire.framing === 'close'
          ? piece
          : Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
      if (this.#wire.burst === true) this.#held.push(chunk)
      else await this.#exchange.write(chunk)
      if (this.#wire.split !== undefined && position % 64 === 0) await this.#exchange.pause(0)
    }
  }
}

function eventText(step: { readonly data: string; readonly event?: string } | { readonly comment: string }, wire: Wire): string {
  const end = wire.lineEnd ?? '\n'
  if ('comment' in step) return `: ${step.comment}${end}${end}`
  const field = wire.space === false ? 'data:' : 'data: '
  const comma = step.data.indexOf(',') + 1
  const lines = wire.multiline === true && comma > 0 ? [step.data.slice(0, comma), step.data.slice(comma)] : [step.data]
  const event = step.event === undefined ? '' : `event: ${step.event}${end}`
  return `${event}${lines.map((line) => `${field}${line}${end}`).join('')}${end}`
}
