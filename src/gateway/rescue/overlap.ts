import type { Continuation } from '#contract'
import { endsSentence, isPeriodic, isSentenceStart, isWordStart, lastWord, startsWithLetter, weigh } from './text-shape.ts'

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
 * Whether an overlap is a repeat, to be left out, and not the text itself going on with the same words. Upstreams that
 * continue a prefill rarely repeat, so that way asks for more evidence.
 */
export function isRepeat(overlap: Overlap): boolean {
  const { core, length, way, anchorLength } = overlap
  if (anchorLength > 0 && length >= anchorLength) return true
  const text = core.slice(core.length - length)
  if (isPeriodic(text.trim()) || isSaidTwice(core, text)) return false
  const start = core.length - length
  const { words, letters, dense, distinct } = weigh(text)
  if (dense >= 4 && distinct >= 4) return true
  if (distinct < 3) return isRestartedWord(overlap, text)
  if (!isWordStart(core, start)) return letters >= (way === 'prefill' ? 10 : 8) && distinct >= 5
  if (words >= 2 && letters >= 6) {
    return way !== 'prefill' || !endsSentence(core + overlap.residue) || (words >= 4 && letters >= 12)
  }
  if (isRestartedWord(overlap, text)) return true
  return way === 'instruct' && letters >= 4 && text.trim() === lastWord(core) && !startsWithLetter(overlap.after)
}

/** Whether the delivered text itself already says its end twice, with nothing but white space between. */
function isSaidTwice(core: string, text: string): boolean {
  const said = text.trim()
  return core.slice(0, core.length - said.length).trimEnd().endsWith(said)
}

/** A cut word begun again ("the hold", "holdfast"), or a whole one without the space that would make it a second one. */
function isRestartedWord(overlap: Overlap, text: string): boolean {
  const { core, residue, after, way } = overlap
  if (residue !== '' || text !== lastWord(core)) return false
  const { letters } = weigh(text)
  if (startsWithLetter(after)) return letters >= (way === 'prefill' ? 3 : 1)
  return after !== '' && letters >= (way === 'prefill' ? 5 : 3)
}

/**
 * Whether a reply that repeated `depth` units of the delivered text from `start`, and then said something else, is another
 * telling of the same text. A text that goes on may come back to words it used before, but only where a sentence can begin.
 */
export function isOtherTelling(core: string, residue: string, start: number, depth: number, way: Continuation): boolean {
  const text = core.slice(start, start + depth)
  const { words, letters, dense } = weigh(text)
  const much = letters + 3 * dense
  if (start === 0 && (much >= (way === 'prefill' ? 80 : 30))) return true
  if (words < 3 && dense < 6) return false
  return much >= 20 && isSentenceStart(core, start) && !endsSentence(core + residue)
}
