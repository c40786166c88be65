import { endOfJsonString } from '#base'

/** Shorter JSON cannot be nested too deeply. */
const DEEP_FROM = 16_384
const DEEPEST = 1_000

const QUOTE = 34

/**
 * Whether JSON is nested so deeply that writing it again would overflow the stack, which takes half a second to fail.
 * Parsing alone would not.
 */
export function isTooDeep(json: string): boolean {
  if (json.length < DEEP_FROM) return false
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) i = endOfJsonString(json, i) - 1
    else if (code === 91 || code === 123) {
      if (++depth > DEEPEST) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}
