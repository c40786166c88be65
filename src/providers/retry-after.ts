type Headers = ReadonlyMap<string, string>

/** No provider is left alone for longer than this because its headers said so. */
const LONGEST_MS = 3_600_000
/** Nor for longer than this because of its words: they can quote a caller, and the whole account rests. */
const LONGEST_HINT_MS = 60_000
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Milliseconds that a provider asks to wait, from the most exact thing that it said: its headers, the hint in its words,
 * the reset of a limit that is used up. `now` is our clock; a date is taken relative to the response's own `date`, as
 * clocks differ.
 */
export function readRetryAfter(headers: Headers, hint: number | undefined, now: number): number | undefined {
  const ms =
    readNumber(headers.get('retry-after-ms') ?? headers.get('x-ms-retry-after-ms')) ??
    readRetryHeader(headers, now) ??
    hint ??
    readExhausted(headers, now)
  return ms === undefined ? undefined : Math.round(Math.min(Math.max(ms, 0), LONGEST_MS))
}

/** Reads `6m0s`, `1.5s`, `20ms`, `8 seconds`, a bare number of seconds, an instant in seconds, milliseconds or ISO 8601. */
export function readReset(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const number = readNumber(text)
  if (number === undefined) return readSpan(text) ?? readInstant(text, now)
  if (number > 1e12) return number - now
  return number > 1e9 ? number * 1_000 - now : number * 1_000
}

function readRetryHeader(headers: Headers, now: number): number | undefined {
  const text = headers.get('retry-after')
  if (text === undefined) return undefined
  const seconds = readNumber(text)
  if (seconds !== undefined) return seconds * 1_000
  return readInstant(text, readDate(headers.get('date')) ?? now)
}

function readInstant(text: string, now: number): number | undefined {
  const at = readDate(text)
  return at === undefined ? undefined : at - now
}

function readDate(text: string | undefined): number | undefined {
  if (text === undefined || !/\d\d:\d\d:\d\d/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** A number that stands alone, or first in a repeated header. */
function readNumber(text: string | undefined): number | undefined {
  const match = /^\s*(-?\d{1,15}(?:\.\d{1,9})?)\s*(?:,|$)/.exec(text ?? '')
  return match ? Number(match[1]) : undefined
}

const SPAN = /^\s*((?:\d{1,9}(?:\.\d{1,9})?\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)[\s,]*)+)/i

function readSpan(text: string): number | undefined {
  const span = SPAN.exec(text.slice(0, 64))?.[1]
  if (span === undefined) return undefined
  let ms = 0
  for (const [, amount = '0', unit = 's'] of span.matchAll(/(\d+(?:\.\d+)?)\s*(ms|milli|[smhd])[a-z]*/gi)) {
    ms += Number(amount) * (UNIT_MS[unit.toLowerCase() === 'milli' ? 'ms' : unit.toLowerCase()] ?? 0)
  }
  return ms
}

/** Milliseconds by `delay`, "34.4s", else by words without quotations: "Please try again in 1.5s", "Please retry after 8 seconds". */
export function readHint(words: string, delay: string | undefined): number | undefined {
  const match = /(?:try again|retry|wait)\s{0,4}(?:(?:in|after|for|about)\s{0,4})?(\d.{0,40})/is.exec(words)
  const ms = readSpan(delay ?? '') ?? readSpan(match?.[1] ?? '')
  return ms === undefined ? undefined : Math.min(ms, LONGEST_HINT_MS)
}

/** The latest reset of the limits that are used up. */
function readExhausted(headers: Headers, now: number): number | undefined {
  let longest: number | undefined
  for (const [name, value] of headers) {
    if (!name.startsWith('x-ratelimit-remaining') || readNumber(value) !== 0) continue
    const reset = readReset(headers.get(name.replace('remaining', 'reset')), now)
    if (reset !== undefined) longest = Math.max(longest ?? 0, reset)
  }
  return longest
}
