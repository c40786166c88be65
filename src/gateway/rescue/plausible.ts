import type { Continuation } from '#contract'
import { hasOpenFence } from './preamble.ts'
import { endsSentence, startsWithLetter } from './text-shape.ts'

/** How far back a text is looked at for its habits, units. */
const HABITS = 600
/** Share of words that begin with a capital within sentences, above which a text's language may write nouns so. */
const NOUNS = 0.12
/** After these somebody or something else begins: speech, lists, headings, titles. */
const OPENERS = /[:;"'“”„«»‘’「『([{*#>|/\\&=_<–—-]$/u
const LETTER_OR_DIGIT = /[\p{L}\p{M}\p{N}]$/u
const CAPITAL = /^\p{Lu}/u
const ELLIPSIS = /^\s*(?:\.\.\.|…)/u

/**
 * Whether a reply that repeats nothing can stand where the delivered text ends. It cannot be proved that it goes on with that
 * text, but much can be seen that does not: a sentence begun within a sentence or without its space, a fence within a line,
 * dots that stand for what was left out.
 */
export function canFollow(core: string, residue: string, reply: string, way: Continuation): boolean {
  if (reply === '' || core === '') return true
  const inLine = residue === '' && !core.endsWith('\n')
  if (inLine && reply.startsWith('```')) return false
  if (inLine && LETTER_OR_DIGIT.test(core) && opensMarks(core, reply)) return false
  if (ELLIPSIS.test(reply) && !core.endsWith('.')) return false
  if (hasOpenFence(core) || !CAPITAL.test(reply)) return true
  if (residue !== '') return way === 'prefill' || residue.includes('\n') || mayBeginSentence(core) || writesNounsLarge(core)
  if (/(?:^|[^\p{L}])\p{Lu}{2,}$/u.test(core) && /^\p{Lu}(?!\p{Ll})/u.test(reply)) return true
  // Directly behind a word or a full stop: neither a sentence nor a name begins there.
  return !LETTER_OR_DIGIT.test(core) && !(endsSentence(core) && startsWithLetter(reply) && !OPENERS.test(core))
}

/** Whether the reply opens a quotation or an emphasis, which directly behind a letter only a closing one can be. */
function opensMarks(core: string, reply: string): boolean {
  if (/^[“„«「『]/u.test(reply)) return true
  const mark = /^(?:"|\*\*|__)/.exec(reply)?.[0]
  return mark !== undefined && core.split(mark).length % 2 === 1
}

function mayBeginSentence(core: string): boolean {
  return endsSentence(core) || OPENERS.test(core) || /(?:^|\n)\s*\d+[.)]$/.test(core)
}

/** Whether words within the text's sentences often begin with a capital, as nouns do in German. */
function writesNounsLarge(core: string): boolean {
  const words = core.slice(-HABITS).match(/[\p{Ll},] \p{L}+/gu) ?? []
  const large = words.filter((word) => /^. \p{Lu}\p{Ll}/u.test(word)).length
  return words.length >= 5 && large / words.length > NOUNS
}
