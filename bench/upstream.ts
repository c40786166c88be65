// The upstream of the bench, a process of its own on raw sockets, so that it costs little beside what is measured.
import type { Socket } from 'bun'
import { answerBody, answerEvents, answerText, TOKENS_FIELD } from './answer.ts'
import { BEHAVIOURS, type Behaviour } from './job.ts'

interface Connection {
  readonly behaviour: Behaviour
  /** What has come of a request. */
  text: string
  /** What is still to be written of a stream, one piece in each tick. */
  pieces: readonly Buffer[]
  at: number
}

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const UNAVAILABLE = '{"error":{"message":"The server is overloaded.","type":"server_error","code":null}}'
const TOKENS_IN_BODY = new RegExp(`"${TOKENS_FIELD}":(\\d+)`)
const TICK_MS = 1

const streaming = new Set<Socket<Connection>>()
const streams = new Map<string, readonly Buffer[]>()
const bodies = new Map<number, Buffer>()

setInterval(tick, TICK_MS)
const ports = BEHAVIOURS.map((behaviour) => [behaviour, listen(behaviour)] as const)
process.send?.(Object.fromEntries(ports))

function listen(behaviour: Behaviour): number {
  const listener = Bun.listen<Connection>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        socket.data = { behaviour, text: '', pieces: [], at: 0 }
        socket.setNoDelay(true)
      },
      data: (socket, bytes) => take(socket, bytes),
      close: (socket) => void streaming.delete(socket),
      error: () => undefined,
    },
  })
  return listener.port
}

function take(socket: Socket<Connection>, bytes: Buffer): void {
  const connection = socket.data
  connection.text += bytes.toString('latin1')
  const { text } = connection
  const end = text.indexOf('\r\n\r\n')
  const length = end === -1 ? null : /content-length: (\d+)/i.exec(text)
  if (end === -1 || text.length < end + 4 + Number(length?.[1] ?? 0)) return
  connection.text = ''
  answer(socket, text.slice(end + 4))
}

function answer(socket: Socket<Connection>, body: string): void {
  const isStream = body.includes('"stream":true')
  const tokens = Number(TOKENS_IN_BODY.exec(body)?.[1] ?? 50)
  switch (socket.data.behaviour) {
    case 'good':
      if (isStream) return begin(socket, wholeStream(tokens, begunBy(body, tokens)))
      return void socket.write(wholeBody(tokens))
    case 'idle':
      return begin(socket, wholeStream(tokens, 0).slice(0, 2))
    case 'cutting':
      if (isStream) return begin(socket, wholeStream(tokens, 0).slice(0, 1 + (tokens >> 1)))
      socket.write(wholeBody(tokens).subarray(0, -20))
      return socket.terminate()
    case 'unavailable':
      socket.write(
        `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: ${UNAVAILABLE.length}\r\n\r\n${UNAVAILABLE}`,
      )
      return
    case 'resetting':
      return socket.terminate()
    case 'silent':
      return
    default:
      socket.data.behaviour satisfies never
  }
}

/** Writes the head, the role and the first token at once; the others follow, one in each tick. */
function begin(socket: Socket<Connection>, pieces: readonly Buffer[]): void {
  socket.data.pieces = pieces
  socket.data.at = 0
  streaming.add(socket)
  step(socket)
  step(socket)
}

function tick(): void {
  for (const socket of streaming) step(socket)
}

function step(socket: Socket<Connection>): void {
  const connection = socket.data
  const piece = connection.pieces[connection.at++]
  if (piece) return void socket.write(piece)
  streaming.delete(socket)
  if (connection.behaviour === 'cutting') socket.terminate()
}

function wholeStream(tokens: number, begun: number): readonly Buffer[] {
  const key = `${tokens} ${begun}`
  let pieces = streams.get(key)
  if (!pieces) {
    const events = answerEvents(answerText(tokens).slice(begun))
    const [role = '', ...rest] = events.slice(0, -2).map(chunk)
    pieces = [STREAM_HEAD + role, ...rest, `${events.slice(-2).map(chunk).join('')}0\r\n\r\n`].map((piece) => Buffer.from(piece))
    streams.set(key, pieces)
  }
  return pieces
}

function wholeBody(tokens: number): Buffer {
  let bytes = bodies.get(tokens)
  if (!bytes) {
    const body = answerBody(tokens)
    bytes = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    bodies.set(tokens, bytes)
  }
  return bytes
}

/** How many characters of the answer the request brings along as its beginning. */
function begunBy(body: string, tokens: number): number {
  if (!body.includes('"assistant"')) return 0
  const request: unknown = JSON.parse(body)
  const messages = typeof request === 'object' && request !== null && 'messages' in request ? request.messages : undefined
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  const content = typeof last === 'object' && last !== null && 'content' in last ? String(last.content) : ''
  return answerText(tokens).startsWith(content) ? content.length : 0
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}
