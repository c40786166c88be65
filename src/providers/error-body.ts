/** What a provider said about an error, wherever its body says it. */
export interface ErrorBody {
  readonly form: 'json' | 'html' | 'text' | 'empty'
  /** Every code, type and status name in it, lower case, the most telling first. */
  readonly codes: readonly string[]
  /** The code that the provider shows to people. */
  readonly code?: unknown
  readonly param?: unknown
  /** The provider's words; empty for a web page. */
  readonly message: string
  /** How long the provider's `RetryInfo` says to wait, such as `34.4s`. */
  readonly retryDelay?: string
  /** The HTTP status that the body names, for errors that came with another one. */
  readonly status?: number
}

type Fields = Readonly<Record<string, unknown>>

/** How deep errors within errors are followed: a router's error holds the one of the provider behind it. */
const DEEPEST = 6

/** Reads the body of an error response. Never throws. */
export function readErrorBody(text: string): ErrorBody {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') return { form: 'empty', codes: [], message: '' }
  if (trimmed.startsWith('<')) return { form: 'html', codes: [], message: '' }
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) {
    const parsed = parseJson(trimmed)
    if (parsed !== undefined) return readError(parsed)
  }
  return { form: 'text', codes: [], message: trimmed.slice(0, 4_096) }
}

/** Reads an error that is parsed already. */
export function readError(value: unknown): ErrorBody {
  const found = {
    codes: [] as string[],
    messages: [] as string[],
    code: undefined as unknown,
    param: undefined as unknown,
    retryDelay: undefined as string | undefined,
    status: 0,
  }
  const visit = (node: unknown, depth: number): void => {
    if (depth > DEEPEST) return
    if (typeof node === 'string') {
      const inner = /^\s*[{[]/.test(node) ? parseJson(node) : undefined
      if (inner === undefined) found.messages.push(node)
      else visit(inner, depth + 1)
      return
    }
    if (Array.isArray(node)) return visit(node[0], depth)
    if (!isFields(node)) return
    const metadata = isFields(node['metadata']) ? node['metadata'] : undefined
    for (const inner of [node['error'], node['innererror'], node['inner_error'], metadata?.['raw'], node['errors']]) {
      if (inner !== undefined && inner !== null && typeof inner !== 'boolean') visit(inner, depth + 1)
    }
    for (const key of ['code', 'type', 'status'] as const) note(node[key])
    found.param ??= node['param'] ?? undefined
    found.retryDelay ??= retryDelayIn(node['details'])
    for (const key of ['message', 'detail', 'msg', 'error_msg', 'title'] as const) visitMessage(node[key], depth + 1)
  }
  const note = (code: unknown): void => {
    if (typeof code !== 'string' && typeof code !== 'number') return
    const number = Number(code)
    if (Number.isInteger(number) && number >= 300 && number < 600) found.status ||= number
    if (code !== 'error') found.codes.push(String(code).toLowerCase())
    if (code !== 'error' && typeof code === 'string' && !Number.isFinite(number)) found.code ??= code
  }
  const visitMessage = (message: unknown, depth: number): void => {
    if (Array.isArray(message) && isFields(message[0]) && Array.isArray(message[0]['loc'])) {
      found.param ??= message[0]['loc'].filter((part) => part !== 'body').join('.')
    }
    if (message !== undefined && message !== null) visit(message, depth)
  }
  visit(value, 0)
  return {
    form: 'json',
    codes: found.codes,
    ...(found.code !== undefined && { code: found.code }),
    ...(found.param !== undefined && { param: found.param }),
    ...(found.retryDelay !== undefined && { retryDelay: found.retryDelay }),
    message: [...new Set(found.messages)].join(' ').slice(0, 4_096),
    ...(found.status !== 0 && { status: found.status }),
  }
}

function retryDelayIn(details: unknown): string | undefined {
  if (!Array.isArray(details)) return undefined
  const info: unknown = details.find((detail) => isFields(detail) && typeof detail['retryDelay'] === 'string')
  return isFields(info) && typeof info['retryDelay'] === 'string' ? info['retryDelay'] : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
