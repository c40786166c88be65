/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  /** Request line and headers, as they came. */
  readonly head: string
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  /** The body's own bytes as text. */
  readonly body: string
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown
}

/** The first whole request in `bytes` and how many it took; undefined while it is not whole. */
export function readRequest(bytes: Buffer): { readonly request: WireRequest; readonly consumed: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const [requestLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(lines.map((line) => splitHeader(line)))
  const [method = '', path = ''] = requestLine.split(' ')
  const bodyStart = headEnd + 4
  const body =
    headers.get('transfer-encoding')?.includes('chunked') === true ? readChunked(bytes, bodyStart) : readSized(bytes, bodyStart, headers)
  if (!body) return undefined
  return { request: { method, path, head, headers, body: body.text, json: parseJson(body.text) }, consumed: body.end }
}

/** How many bytes the request takes that begins here; undefined while its head is not whole, and when it comes in chunks. */
export function lengthOf(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const length = /^content-length:\s*(\d+)/im.exec(bytes.toString('latin1', 0, headEnd))?.[1]
  return length === undefined ? undefined : headEnd + 4 + Number(length)
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
}

function readSized(bytes: Buffer, start: number, headers: ReadonlyMap<string, string>): { text: string; end: number } | undefined {
  const end = start + Number(headers.get('content-length') ?? 0)
  return bytes.length < end ? undefined : { text: bytes.toString('utf8', start, end), end }
}

function readChunked(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  const pieces: Buffer[] = []
  for (let position = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', position)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', position, lineEnd), 16)
    const end = lineEnd + 2 + size + 2
    if (bytes.length < end) return undefined
    if (size === 0) return { text: Buffer.concat(pieces).toString('utf8'), end }
    pieces.push(bytes.subarray(lineEnd + 2, end - 2))
    position = end
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
