const WORD = /[\p{L}\p{M}]+/gu
const LETTER = /^[\p{L}\p{M}]/u
const LAST_WORD = /[\p{L}\p{M}]+$/u
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const DENSE_LETTERS = new RegExp(DENSE.source, 'gu')
const HAN = /\p{Script=Han}/u
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u
const HANGUL = /\p{Script=Hangul}/u
/** Characters that belong to the one before: marks, joiners, variation selectors, skin tones, second halves. */
const ATTACHED = /^[\p{M}\u200d\ufe0e\ufe0f\u{1f3fb}-\u{1f3ff}\udc00-\udfff]/u
const SENTENCE_END = /[.!?…。！？؟।][\p{Pe}\p{Pf}"'*_`]*$/u

/** How much a piece of text says, so that meeting it twice is or is not a coincidence. */
export interface TextWeight {
  /** Runs of letters in scripts that put spaces between words. */
  readonly words: number
  /** Letters in those runs; a Hangul syllable counts as two. */
  readonly letters: number
  /** Characters of scripts without spaces, in ideographs' worth. */
  readonly dense: number
  /** Different letters of any script. */
  readonly distinct: number
}

/** Weighs a piece of text. */
export function weigh(text: string): TextWeight {
  let words = 0
  let letters = 0
  let dense = 0
  const distinct = new Set<string>()
  for (const [run] of text.matchAll(WORD)) {
    let inRun = 0
    for (const character of run) {
      distinct.add(character.toLowerCase())
      if (HAN.test(character)) dense += 1
      else if (KANA.test(character)) dense += 0.6
      else if (DENSE.test(character)) dense += 0.5
      else inRun += HANGUL.test(character) ? 2 : 1
    }
    if (inRun > 0) words++
    letters += inRun
  }
  return { words, letters, dense, distinct: distinct.size }
}

/** Whether the text is one piece said at least twice in a row. */
export function isPeriodic(text: string): boolean {
  const border = new Uint32Array(text.length)
  let length = 0
  for (let i = 1; i < text.length; i++) {
    while (length > 0 && text.charCodeAt(i) !== text.charCodeAt(length)) length = border[length - 1] ?? 0
    if (text.charCodeAt(i) === text.charCodeAt(length)) length++
    border[i] = length
  }
  return text.length > 1 && text.length - (border[text.length - 1] ?? 0) <= text.length / 2
}

/** Whether the text begins with a letter or a mark. */
export function startsWithLetter(text: string): boolean {
  return LETTER.test(text)
}

/** The letters that the text ends in; empty after anything else, and in scripts without spaces. */
export function lastWord(text: string): string {
  const word = LAST_WORD.exec(text.slice(-80))?.[0] ?? ''
  return DENSE.test(word) ? '' : word
}

/** Whether the position lies between two characters of which the second does not belong to the first. */
export function isWhole(text: string, position: number): boolean {
  return position === 0 || !(ATTACHED.test(text.slice(position, position + 2)) || text[position - 1] === '\u200d')
}

/** Whether a word or a sentence can begin at this position: not within a run of letters. */
export function isWordStart(text: string, position: number): boolean {
  if (position === 0) return true
  const before = text.slice(Math.max(0, position - 2), position)
  return !LAST_WORD.test(before) || DENSE.test(before) || !startsWithLetter(text.slice(position, position + 2))
}

/** Whether the text, white space behind it included, ends a sentence or a line. */
export function endsSentence(text: string): boolean {
  const tail = text.slice(-40)
  return tail.trimEnd() === '' || /\n\s*$/.test(tail) || SENTENCE_END.test(tail.trimEnd())
}

/** Whether a sentence or a line begins at this position. */
export function isSentenceStart(text: string, position: number): boolean {
  return position === 0 || endsSentence(text.slice(Math.max(0, position - 40), position))
}

/** How many letters of scripts without spaces the text has. */
export function denseLetters(text: string): number {
  return text.match(DENSE_LETTERS)?.length ?? 0
}
