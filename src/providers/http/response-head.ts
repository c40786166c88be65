/** How the end of a body is found. */
export type Framing =
  | { readonly type: 'none' }
  | { readonly type: 'length'; readonly length: number }
  | { readonly type: 'chunked' }
  | { readonly type: 'close' }

/** The head of one response. */
export interface ResponseHead {
  readonly status: number
  /** Lower-case names; values of repeated headers joined by a comma and a space. */
  readonly headers: ReadonlyMap<string, string>
  readonly framing: Framing
  /** Whether the server keeps the connection open after the body. */
  readonly keepAlive: boolean
}

/** What is wrong with a head, in words that follow "host:port". */
export class HeadFault {
  readonly kind: 'malformed' | 'too_large'
  readonly fault: string

  constructor(kind: 'malformed' | 'too_large', fault: string) {
    this.kind = kind
    this.fault = fault
  }
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r]*)?$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /\0|\r(?!\n)/
const MAX_HEADERS = 200

/** Names that come often, as they are mostly spelled: neither checked nor lowered again for each response. */
const USUAL_NAMES: ReadonlyMap<string, string> = new Map(
  [
    'Access-Control-Expose-Headers',
    'Alt-Svc',
    'CF-Cache-Status',
    'CF-RAY',
    'Cache-Control',
    'Connection',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
    'Date',
    'Keep-Alive',
    'OpenAI-Organization',
    'OpenAI-Processing-Ms',
    'OpenAI-Version',
    'Retry-After',
    'Server',
    'Set-Cookie',
    'Strict-Transport-Security',
    'Transfer-Encoding',
    'Vary',
    'Via',
    'X-Content-Type-Options',
    'X-Ratelimit-Limit-Requests',
    'X-Ratelimit-Limit-Tokens',
    'X-Ratelimit-Remaining-Requests',
    'X-Ratelimit-Remaining-Tokens',
    'X-Ratelimit-Reset-Requests',
    'X-Ratelimit-Reset-Tokens',
    'X-Request-Id',
  ].flatMap((name) => [name, name.toLowerCase()].map((spelling) => [spelling, name.toLowerCase()] as const)),
)

const NONE: Framing = { type: 'none' }
const CHUNKED: Framing = { type: 'chunked' }
const UNTIL_CLOSE: Framing = { type: 'close' }

/** Reads a head, decoded as latin1, with its last empty line. */
export function parseHead(text: string): ResponseHead | HeadFault {
  if (FORBIDDEN.test(text)) return malformed('sent a NUL or a bare carriage return in the response headers.')
  let lineEnd = text.indexOf('\n')
  const match = STATUS_LINE.exec(text.slice(0, text.charCodeAt(lineEnd - 1) === 13 ? lineEnd - 1 : lineEnd))
  if (!match) return malformed('did not answer with an HTTP/1.1 status line.')
  const status = Number(match[2])
  const headers = new Map<string, string>()
  let count = 0
  for (;;) {
    const start = lineEnd + 1
    lineEnd = text.indexOf('\n', start)
    const end = text.charCodeAt(lineEnd - 1) === 13 ? lineEnd - 1 : lineEnd
    if (end <= start) break
    if (++count > MAX_HEADERS) return new HeadFault('too_large', `sent more than ${MAX_HEADERS} response headers.`)
    const fault = addHeader(headers, text, start, end)
    if (fault) return fault
  }
  const framing = framingOf(status, headers, match[1] === '1')
  if (framing instanceof HeadFault) return framing
  return { status, headers, framing, keepAlive: framing !== UNTIL_CLOSE && staysOpen(headers, match[1] === '1') }
}

/** Milliseconds that the server said it keeps an idle connection; undefined when it did not say. */
export function keepAliveMs(headers: ReadonlyMap<string, string>): number | undefined {
  const value = headers.get('keep-alive')
  const match = value === undefined ? null : /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(value)
  return match ? Number(match[1]) * 1_000 : undefined
}

function addHeader(headers: Map<string, string>, text: string, start: number, end: number): HeadFault | undefined {
  const first = text.charCodeAt(start)
  if (first === 32 || first === 9) return malformed('folded a response header over two lines.')
  const colon = text.indexOf(':', start)
  if (colon <= start || colon >= end) return malformed('sent a response header without a name.')
  const raw = text.slice(start, colon)
  const name = USUAL_NAMES.get(raw) ?? lowerName(raw)
  if (name === undefined) return malformed('sent a response header whose name is not allowed.')
  let from = colon + 1
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  const value = text.slice(from, to)
  const known = headers.get(name)
  headers.set(name, known === undefined ? value : `${known}, ${value}`)
  return undefined
}

function lowerName(raw: string): string | undefined {
  return TOKEN.test(raw) ? raw.toLowerCase() : undefined
}

function framingOf(status: number, headers: ReadonlyMap<string, string>, isHttp11: boolean): Framing | HeadFault {
  if (status < 200 || status === 204 || status === 304) return NONE
  const lengthText = headers.get('content-length')
  const coding = headers.get('transfer-encoding')
  if (coding !== undefined) {
    if (lengthText !== undefined) return malformed('sent both Content-Length and Transfer-Encoding.')
    if (!isHttp11) return malformed('sent Transfer-Encoding in an HTTP/1.0 response.')
    if (coding.toLowerCase() !== 'chunked') return malformed('used a transfer encoding other than chunked.')
    return CHUNKED
  }
  if (lengthText === undefined) return UNTIL_CLOSE
  let length = parseLength(lengthText)
  if (lengthText.includes(',')) {
    const lengths = lengthText.split(',').map((part) => parseLength(part.trim()))
    length = lengths.every((other) => other === lengths[0]) ? lengths[0] : undefined
  }
  if (length === undefined) return malformed('sent a Content-Length that is not one number.')
  return { type: 'length', length }
}

function parseLength(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function staysOpen(headers: ReadonlyMap<string, string>, isHttp11: boolean): boolean {
  const connection = headers.get('connection')
  if (connection === undefined) return isHttp11
  if (connection === 'keep-alive') return true
  const options = connection
    .toLowerCase()
    .split(',')
    .map((option) => option.trim())
  return !options.includes('close') && (isHttp11 || options.includes('keep-alive'))
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

function malformed(fault: string): HeadFault {
  return new HeadFault('malformed', fault)
}
