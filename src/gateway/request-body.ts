/**
 * The request's text with another name for the model: everything else stays byte for byte as the client sent it, so that
 * fields that we do not know reach the upstream untouched.
 */
export function withModel(body: string, model: string, name: string): string {
  const only = onlyMention(body, model)
  const quoted = JSON.stringify(name)
  if (only) return body.slice(0, only.start) + quoted + body.slice(only.end)
  let text = ''
  let at = 0
  for (const span of topLevelSpans(body)) {
    text += body.slice(at, span.start) + quoted
    at = span.end
  }
  return text + body.slice(at)
}

interface Span {
  readonly start: number
  readonly end: number
}

/** The value's place when the text names the key once only: then it is the top level's, and no scan is needed. */
function onlyMention(body: string, model: string): Span | undefined {
  const at = body.indexOf('"model"')
  if (at === -1 || body.indexOf('"model"', at + 1) !== -1) return undefined
  const match = /\s*:\s*("(?:[^"\\]+|\\.)*")/y
  match.lastIndex = at + '"model"'.length
  const value = match.exec(body)?.[1]
  return value !== undefined && value === JSON.stringify(model) ? { start: match.lastIndex - value.length, end: match.lastIndex } : undefined
}

/** The places of all `model` values on the top level of valid JSON text: one that is named twice must not mean two things. */
function topLevelSpans(body: string): Span[] {
  const token = /"(?:[^"\\]+|\\.)*"|[{}[\]]/g
  const spans: Span[] = []
  let depth = 0
  for (let match = token.exec(body); match !== null; match = token.exec(body)) {
    const text = match[0]
    if (text === '{' || text === '[') depth++
    else if (text === '}' || text === ']') depth--
    else if (depth === 1 && isKey(body, token.lastIndex) && JSON.parse(text) === 'model') {
      const value = /\s*:\s*("(?:[^"\\]+|\\.)*"|[^",{}[\]]+)/y
      value.lastIndex = token.lastIndex
      const found = value.exec(body)?.[1]
      if (found === undefined) continue
      spans.push({ start: value.lastIndex - found.length, end: value.lastIndex })
      token.lastIndex = value.lastIndex
    }
  }
  return spans
}

function isKey(body: string, end: number): boolean {
  let at = end
  while (body[at] === ' ' || body[at] === '\n' || body[at] === '\r' || body[at] === '\t') at++
  return body[at] === ':'
}
