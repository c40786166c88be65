import { endOfJsonString } from '#base'

/**
 * The request's text with another name for the model: everything else stays byte for byte as the client sent it, so that
 * fields that we do not know reach the upstream untouched.
 */
export function withModel(body: string, model: string, name: string): string {
  const quoted = JSON.stringify(name)
  let text = ''
  let at = 0
  for (const span of onlyMention(body, model) ?? topLevelSpans(body)) {
    text += body.slice(at, span.start) + quoted
    at = span.end
  }
  return text + body.slice(at)
}

interface Span {
  readonly start: number
  readonly end: number
}

const KEY = '"model"'
const QUOTE = 34
const COLON = 58

/** The value's place when the text names the key once only, and no key is spelled with escapes: then it is the top level's. */
function onlyMention(body: string, model: string): Span[] | undefined {
  const at = body.indexOf(KEY)
  // The letters of "model" are \u0064 to \u006f.
  if (at === -1 || body.indexOf(KEY, at + 1) !== -1 || body.includes('\\u006')) return undefined
  const colon = skipBlank(body, at + KEY.length)
  if (body.charCodeAt(colon) !== COLON) return undefined
  const start = skipBlank(body, colon + 1)
  const value = JSON.stringify(model)
  return body.startsWith(value, start) ? [{ start, end: start + value.length }] : undefined
}

/** The places of all `model` values on the top level of valid JSON text: one that is named twice must not mean two things. */
function topLevelSpans(body: string): Span[] {
  const token = /["{}[\]]/g
  const spans: Span[] = []
  let depth = 0
  for (let match = token.exec(body); match !== null; match = token.exec(body)) {
    const [text] = match
    if (text === '{' || text === '[') depth++
    else if (text === '}' || text === ']') depth--
    else {
      token.lastIndex = endOfJsonString(body, match.index)
      const colon = depth === 1 ? skipBlank(body, token.lastIndex) : -1
      if (body.charCodeAt(colon) !== COLON || JSON.parse(body.slice(match.index, token.lastIndex)) !== 'model') continue
      const start = skipBlank(body, colon + 1)
      const end = endOfScalar(body, start)
      if (end === start) continue
      spans.push({ start, end })
      token.lastIndex = end
    }
  }
  return spans
}

/** Behind the string, number or word that begins at `start`; `start` itself where an object or a list does. */
function endOfScalar(body: string, start: number): number {
  if (body.charCodeAt(start) === QUOTE) return endOfJsonString(body, start)
  let end = start
  while (end < body.length && !' \n\r\t,{}[]'.includes(body.charAt(end))) end++
  return end
}

function skipBlank(body: string, from: number): number {
  let at = from
  while (body[at] === ' ' || body[at] === '\n' || body[at] === '\r' || body[at] === '\t') at++
  return at
}
