/** Shorter JSON cannot be nested too deeply. */
const DEEP_FROM = 16_384
const DEEPEST = 1_000

const QUOTE = 34
const BACKSLASH = 92

/**
 * Whether JSON is nested so deeply that writing it again would overflow the stack, which takes half a second to fail.
 * Parsing alone would not.
 */
export function isTooDeep(json: string): boolean {
  if (json.length < DEEP_FROM) return false
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) i = endOfString(json, i)
    else if (code === 91 || code === 123) {
      if (++depth > DEEPEST) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}

/** Where the string that opens at `start` closes. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (end !== -1) {
    let backslashes = 0
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
    end = json.indexOf('"', end + 1)
  }
  return json.length
}
