import { isPeriodic, isSeparated, isWhole, weigh } from './text-shape.ts'

/** Up to this length the whole delivered text is its own anchor. */
const SHORT = 24
/** Lengths that are tried until one is unambiguous, UTF-16 units. */
const LENGTHS = [40, 80, 160, 320]

/**
 * The last words of the delivered text, for the next upstream to begin with, so that the seam can be seen instead of
 * guessed. Undefined when its end is too repetitive to be found again.
 */
export function chooseAnchor(core: string): string | undefined {
  if (core.length <= SHORT) return core === '' ? undefined : core.trimStart()
  for (const length of LENGTHS) {
    const anchor = core.slice(startOf(core, length)).trimStart()
    if (isUnambiguous(core, anchor)) return anchor
    if (length >= core.length) break
  }
  return undefined
}

/** Where a tail of about `length` begins: at the nearest word start, else between two characters. */
function startOf(core: string, length: number): number {
  const target = Math.max(0, core.length - length)
  const latest = Math.min(core.length - 16, target + Math.floor(length / 2))
  for (let position = target; position < latest; position++) {
    if (position === 0 || (/\s/.test(core.charAt(position - 1)) && /\S/.test(core.charAt(position)))) return position
  }
  let position = target
  while (position > 0 && !(isWhole(core, position) && isSeparated(core, position)) && target - position < 64) position--
  while (position > 0 && !isWhole(core, position)) position--
  return position
}

function isUnambiguous(core: string, anchor: string): boolean {
  const { content, distinct } = weigh(anchor)
  if (content < 8 || distinct < 5 || isPeriodic(anchor)) return false
  return core.indexOf(anchor) === core.length - anchor.length
}

const FOLDED: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '–': '-',
  '—': '-',
  '\u2011': '-',
  '\u00a0': ' ',
  '\u202f': ' ',
}

/**
 * Compares the anchor with the text at `from`, any run of white space being equal to any other, and typographic quotes and
 * dashes to plain ones. `matched` counts units of the anchor; `end` is where the text goes on.
 */
export function matchAnchor(text: string, from: number, anchor: string): { matched: number; end: number } {
  let at = from
  let matched = 0
  while (matched < anchor.length && at < text.length) {
    const wanted = fold(anchor.charAt(matched))
    const found = fold(text.charAt(at))
    if (isSpace(wanted) && isSpace(found)) {
      while (matched < anchor.length && isSpace(fold(anchor.charAt(matched)))) matched++
      while (at < text.length && isSpace(fold(text.charAt(at)))) at++
    } else if (wanted === found) {
      matched++
      at++
    } else break
  }
  return { matched, end: at }
}

function fold(character: string): string {
  return FOLDED[character] ?? character
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r'
}
