/**
 * The request's text with another name for the model: everything else stays byte for byte as the client sent it, so that
 * fields that we do not know reach the upstream untouched.
 */
export function withModel(body: string, model: string, name: string): string {
  const span = onlyMention(body, model) ?? topLevelSpan(body)
  if (span === undefined) return JSON.stringify({ ...(JSON.parse(body) as Record<string, unknown>), model: name })
  return body.slice(0, span.start) + JSON.stringify(name) + body.slice(span.end)
}

interface Span {
  readonly start: number
  readonly end: number
}

/** The value's place when the text names the key once only: then it is the top level's, and no scan is needed. */
function onlyMention(body: string, model: string): Span | undefined {
  const at = body.indexOf('"model"')
  if (at === -1 || body.indexOf('"model"', at + 1) !== -1) return undefined
  const match = /\s*:\s*("(?:[^"\\]|\\.)*")/y
  match.lastIndex = at + '"model"'.length
  const value = match.exec(body)?.[1]
  return value !== undefined && value === JSON.stringify(model) ? { start: match.lastIndex - value.length, end: match.lastIndex } : undefined
}

/** The place of the last `model` value on the top level of valid JSON text; the last one counts, as for JSON.parse. */
function topLevelSpan(body: string): Span | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g
  let depth = 0
  let span: Span | undefined
  for (let match = token.exec(body); match !== null; match = token.exec(body)) {
    const text = match[0]
    if (text === '{' || text === '[') depth++
    else if (text === '}' || text === ']') depth--
    else if (depth === 1 && isKey(body, token.lastIndex) && JSON.parse(text) === 'model') {
      const value = /\s*:\s*("(?:[^"\\]|\\.)*")/y
      value.lastIndex = token.lastIndex
      const found = value.exec(body)?.[1]
      if (found === undefined) return undefined
      span = { start: value.lastIndex - found.length, end: value.lastIndex }
      token.lastIndex = value.lastIndex
    }
  }
  return span
}

function isKey(body: string, end: number): boolean {
  let at = end
  while (body[at] === ' ' || body[at] === '\n' || body[at] === '\r' || body[at] === '\t') at++
  return body[at] === ':'
}
