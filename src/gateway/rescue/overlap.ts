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

/**
 * Whether an overlap is a repeat, to be left out, and not the text itself going on with the same words. The numbers are
 * set by how often texts do the latter (SPEC.md); upstreams that continue a prefill rarely repeat, so that way asks for
 * more evidence.
 */
export function isRepeat(overlap: Overlap): boolean {
  const { core, residue, length, way, anchorLength } = overlap
  if (anchorLength > 0 && length >= anchorLength) return true
  const start = core.length - length
  const text = core.slice(start)
  if (isPeriodic(text.trim()) || isSaidTwice(core, text)) return false
  const weight = weigh(text)
  const prefill = way === 'prefill'
  if (mayGoOn(text, residue)) {
    if (prefill && endsSentence(core + residue)) return weight.words >= 4 && weight.content >= 12
    if (weight.words >= 2) return weight.content >= (prefill ? 6 : 5)
    return !prefill && weight.content >= 4 && text.trim() === lastWord(core) && !startsWithLetter(overlap.after)
  }
  if (start === 0) return length >= (prefill ? 3 : 2) || (!prefill && weight.content > 0)
  if (startsLine(core, start) && length >= 4) return true
  if (!isSeparated(core, start) && text !== lastWord(core)) return weight.content >= (prefill ? 8 : 6) && weight.distinct >= 4
  if (weight.content === 0) return weight.digits >= 4 && weight.distinctDigits >= 3
  if (weight.content >= (prefill && weight.words < 2 ? 3 : 2) && text.replace(/\s/g, '').length >= (prefill ? 3 : 2)) return true
  return isRestartedWord(overlap, text, weight)
}

/** Whether a text that goes on could begin like this: with white space, and the same as was delivered already. */
function mayGoOn(text: string, residue: string): boolean {
  return residue === '' ? /^\s/.test(text) && !/^[ \t]{2}/.test(text) : text[0] === residue[0]
}

/** Whether a line begins at this position; the delivered text ends within that line or behind it. */
function startsLine(core: string, position: number): boolean {
  return core[position - 1] === '\n'
}

/** Whether the delivered text itself already says its end twice, with nothing but white space between. */
function isSaidTwice(core: string, text: string): boolean {
  const said = text.trim()
  return core.slice(0, core.length - said.length).trimEnd().endsWith(said)
}

/** A short cut word begun again: "the h", "holdfast". Only where the upstream was told to continue, not given the text. */
function isRestartedWord(overlap: Overlap, text: string, weight: TextWeight): boolean {
  const { core, residue, after, way } = overlap
  return way === 'instruct' && residue === '' && weight.content >= 1 && text === lastWord(core) && startsWithLetter(after)
}

/**
 * Whether a reply that repeated `depth` units of the delivered text from `start`, and then said something else, is another
 * telling of the same text. A text that goes on may come back to words it used before, but only where a sentence can begin.
 */
export function isOtherTelling(core: string, residue: string, start: number, depth: number, way: Continuation): boolean {
  const { words, content } = weigh(core.slice(start, start + depth))
  if (start === 0 && content >= (way === 'prefill' ? 80 : 30)) return true
  return words >= 3 && content >= 20 && isSentenceStart(core, start) && !endsSentence(core + residue)
}
