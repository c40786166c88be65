const BACKSLASH = 92

/** Where JSON goes on behind the string that opens at `start`; its length when the string does not close. By hand: a pattern gives up silently on a string of a million escapes. */
export function endOfJsonString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return json.length
}
