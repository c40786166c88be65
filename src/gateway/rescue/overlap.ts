import type { Continuation } from '#contract'
import { endsSentence, isPeriodic, isSentenceStart, isSeparated, lastWord, startsWithLetter, type TextWeight, weigh } from './text-shape.ts'

/** A reply that begins with the end of what was delivered. */
export interface Overlap {
  readonly core: string
  /** White space that was delivered after `core`. */
  readonly residue: string
  readonly length: number
  /** The reply behind the overlap, as far as it is known. */
  readonly after: string
  readonly way: Continuation
  /** Length of the anchor that was asked for; 0 when there was none. */
  readonly anchorLength: number
}

/** A list item's or a table row's beginning. */
const LINE_OPENING = /^(?:[-+|>]|\d+[.)])$/

/**
 * Whether an overlap is a repeat, to be left out, or the text itself going on with the same words; `unknown` where both are
 * as likely. The numbers are set by how often texts do the latter (SPEC.md); upstreams that continue a prefill rarely
 * repeat, so that way asks for more evidence.
 */
export function judgeOverlap(overlap: Overlap): 'repeat' | 'chance' | 'unknown' {
  const { core, residue, length, way, anchorLength } = overlap
  if (anchorLength > 0 && length >= anchorLength) return 'repeat'
  const start = core.length - length
  const text = core.slice(start)
  if (isPeriodic(text.trim()) || isSaidTwice(core, text)) return 'chance'
  const weight = weigh(text)
  if (mayGoOn(core, start, residue)) return isLongRepeat(overlap, weight) ? 'repeat' : 'chance'
  if (isTightRepeat(overlap, text, weight)) return 'repeat'
  const restarted = way === 'instruct' && residue === '' && weight.content === 1 && text === lastWord(core)
  return restarted && startsWithLetter(overlap.after) ? 'unknown' : 'chance'
}

/** Whether a text that goes on could begin with what stands at `start`: with white space, and the same as was delivered already. */
function mayGoOn(core: string, start: number, residue: string): boolean {
  if (residue !== '') return core[start] === residue[0]
  return /\s/.test(core.charAt(start)) && !startsLine(core, start)
}

/** The same words twice in a row, properly separated. */
function isLongRepeat(overlap: Overlap, weight: TextWeight): boolean {
  const { core, residue, way } = overlap
  if (way === 'prefill' && endsSentence(core + residue)) return weight.words >= 4 && weight.content >= 12
  return weight.words >= 2 && weight.content >= 6
}

/** A reply that begins where no text could go on: without the white space that belongs there, or with a line's beginning within a line. */
function isTightRepeat(overlap: Overlap, text: string, weight: TextWeight): boolean {
  const { core, residue, after } = overlap
  const prefill = overlap.way === 'prefill'
  const start = core.length - text.length
  const { content, digits, words } = weight
  const visible = text.replace(/\s/g, '').length
  if (start === 0) return text.length >= (prefill ? 3 : 2) || (!prefill && content > 0)
  if (startsLine(core, start)) {
    if (text.length >= 4 && (content + digits > 0 || /^[ \t]/.test(text))) return true
    if (LINE_OPENING.test(text) && /^\s/.test(after)) return true
  }
  if (!isSeparated(core, start) && text !== lastWord(core)) {
    return content >= (prefill ? 6 : 5) && weight.distinct >= 4 && !followsSameWord(core, start)
  }
  if (residue !== '' && /^\s/.test(after)) return true
  if (/\s/.test(text) && visible >= 3 && content + digits > 0) return true
  return content >= (prefill && words < 2 ? 3 : 2) && visible >= 2
}

/** Whether the text before `start` ends as the delivered text does, so that it may go on the same way a second time. */
function followsSameWord(core: string, start: number): boolean {
  const before = core.slice(Math.max(0, start - 80), start).toLowerCase()
  const word = lastWord(core).toLowerCase()
  return before !== '' && before.at(-1) === core.at(-1)?.toLowerCase() && (word === '' || lastWord(before) === word)
}

/** Whether a line begins at this position. */
function startsLine(core: string, position: number): boolean {
  return position === 0 || core[position - 1] === '\n'
}

/** Whether the delivered text itself already says its end twice, with nothing but white space between. */
function isSaidTwice(core: string, text: string): boolean {
  const said = text.trim()
  return core
    .slice(0, core.length - said.length)
    .trimEnd()
    .endsWith(said)
}

/**
 * Whether a reply that repeated `depth` units of the delivered text from `start`, and then said something else, is another
 * telling of the same text. A text that goes on may come back to words it used before, but only where a sentence can begin.
 */
export function isOtherTelling(core: string, residue: string, start: number, depth: number, way: Continuation): boolean {
  if (/\s/.test(core.charAt(start)) || (residue === '' && followsSameWord(core, start))) return false
  const { words, content } = weigh(core.slice(start, start + depth))
  if (start === 0 && content >= (way === 'prefill' ? 80 : 30)) return true
  if (words < 3 || content < 12) return false
  if (way === 'instruct' && residue === '' && lastWord(core) !== '' && isSeparated(core, start)) return true
  return content >= 20 && isSentenceStart(core, start) && !endsSentence(core + residue)
}
