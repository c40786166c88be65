const WORD = /[\p{L}\p{M}]+/gu
const LETTER = /^[\p{L}\p{M}]/u
const LAST_WORD = /[\p{L}\p{M}]+$/u
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const HAN = /\p{Script=Han}/u
const EMOJI = /\p{Extended_Pictographic}|[\u{1f1e6}-\u{1f1ff}]/gu
const DIGIT = /\p{Nd}/gu
/** Characters that belong to the one before: marks (variation selectors too), joiners, skin tones, second halves. */
const ATTACHED = /^(?:\p{M}|\u200d|\p{Emoji_Modifier}|[\udc00-\udfff])/u
const SENTENCE_END = /[.!?…。！？؟।][\p{Pe}\p{Pf}"'*_`]*$/u

/** How much a piece of text says, so that meeting it twice is or is not a coincidence. */
export interface TextWeight {
  /** Runs of letters; three characters of a script without spaces count as two. */
  readonly words: number
  /** Letters and emoji; less for the letters of scripts without spaces, other than ideographs. */
  readonly content: number
  /** Different letters and emoji. */
  readonly distinct: number
  readonly digits: number
  readonly distinctDigits: number
}

/** Weighs a piece of text. */
export function weigh(text: string): TextWeight {
  let words = 0
  let content = 0
  const distinct = new Set<string>()
  const digits = text.match(DIGIT) ?? []
  for (const [run] of text.matchAll(WORD)) {
    let dense = 0
    for (const character of run) {
      distinct.add(character.toLowerCase())
      const isDense = DENSE.test(character)
      if (isDense) dense++
      content += !isDense || HAN.test(character) ? 1 : 0.6
    }
    words += dense === 0 ? 1 : Math.max(1, Math.round((dense * 2) / 3))
  }
  for (const [emoji] of text.matchAll(EMOJI)) {
    distinct.add(emoji)
    content++
  }
  return { words, content, distinct: distinct.size, digits: digits.length, distinctDigits: new Set(digits).size }
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

/** Whether something new can begin at this position: after white space, or in scripts that use none, anywhere. */
export function isSeparated(text: string, position: number): boolean {
  if (position === 0) return true
  const before = text.slice(Math.max(0, position - 2), position)
  return /\s$/.test(before) || DENSE.test(before) || DENSE.test(text.charAt(position))
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

/** Whether the text has come to an end by its own marks: a sentence's, or that of a closed block. */
export function isComplete(text: string): boolean {
  const tail = text.slice(-40)
  return /(?:[.!?。！？…۔।]["'”’»」』)\]*_`]*|\n```|\|)\s*$/u.test(tail) && !/(?:^|\n)\s*\d+\.\s*$/.test(tail)
}
