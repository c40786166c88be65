import { answerText } from './answer.ts'

const HEAD_END = '\r\n\r\n'
const LAST_CHUNK = '0\r\n\r\n'
const FIRST_TOKEN = '"content":" '

/** Reads one HTTP response after the other with as little work as will do; keeps a body only where it is to be checked. */
export class ResponseReader {
  readonly #stream: boolean
  readonly #keep: boolean
  #head = ''
  #isHeadRead = false
  /** Bytes of body that are still to come; undefined for a chunked one. */
  #left: number | undefined
  #tail = ''
  #kept: Buffer[] = []

  status = 0
  hasToken = false

  constructor(stream: boolean, keep: boolean) {
    this.#stream = stream
    this.#keep = keep
  }

  /** Begins the next response. */
  reset(): void {
    this.#head = ''
    this.#isHeadRead = false
    this.#left = undefined
    this.#tail = ''
    this.#kept = []
    this.status = 0
    this.hasToken = false
  }

  /** Takes one read; true when the response is over. */
  push(bytes: Buffer): boolean {
    if (this.#isHeadRead) return this.#body(bytes)
    this.#head += bytes.toString('latin1')
    const end = this.#head.indexOf(HEAD_END)
    if (end === -1) return false
    this.#isHeadRead = true
    this.status = Number(this.#head.slice(9, 12))
    const length = /content-length: (\d+)/i.exec(this.#head.slice(0, end))
    this.#left = length ? Number(length[1]) : undefined
    const rest = this.#head.length - end - HEAD_END.length
    return rest > 0 ? this.#body(bytes.subarray(bytes.length - rest)) : this.#left === 0
  }

  /** Whether the response that is over held a whole answer, word for word where bodies are kept. */
  isWhole(tokens: number): boolean {
    if (this.status !== 200) return false
    if (!this.#keep) return true
    const raw = Buffer.concat(this.#kept)
    const body = (this.#left === undefined ? withoutChunks(raw) : raw).toString('utf8')
    return (this.#stream ? streamedText(body) : wholeText(body)) === answerText(tokens)
  }

  #body(bytes: Buffer): boolean {
    if (this.#keep) this.#kept.push(bytes)
    if (!this.hasToken) this.hasToken = bytes.includes(FIRST_TOKEN)
    if (this.#left !== undefined) {
      this.#left -= bytes.length
      return this.#left <= 0
    }
    this.#tail =
      (bytes.length >= LAST_CHUNK.length ? '' : this.#tail) + bytes.toString('latin1', Math.max(0, bytes.length - LAST_CHUNK.length))
    return this.#tail.endsWith(LAST_CHUNK)
  }
}

function withoutChunks(raw: Buffer): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  while (at < raw.length) {
    const lineEnd = raw.indexOf('\r\n', at)
    const size = Number.parseInt(raw.toString('latin1', at, lineEnd), 16)
    if (lineEnd === -1 || !(size > 0)) break
    pieces.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(pieces)
}

/** The text of a stream that ended as it should; undefined otherwise. */
function streamedText(body: string): string | undefined {
  if (!body.endsWith('data: [DONE]\n\n') || !/"finish_reason":"stop"/.test(body)) return undefined
  let text = ''
  for (const match of body.matchAll(/"content":"([^"]*)"/g)) text += match[1] ?? ''
  return text
}

function wholeText(body: string): string | undefined {
  return /"content":"([^"]*)".*"finish_reason":"stop"/.exec(body)?.[1]
}
