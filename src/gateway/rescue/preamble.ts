/** Openings that models put before a continuation, in the languages where we have seen them. */
const KNOWN =
  /^(?:sure|certainly|of course|okay|ok|absolutely|apologies|sorry|here(?:'s| is| it is)|continuing|continuation|natürlich|gerne|klar|hier ist|bien sûr|voici|d'accord|claro|por supuesto|aquí|certo|ecco|конечно|вот|продолж|好的|当然|以下|もちろん|はい|以下|물론|네)/iu
const PUNCTUATION = /^[\s\p{P}\p{S}]{0,20}$/u
const FENCE = /^\s*```[\w+-]*\n\s*$/
const ENDING = /[:：.!…。！\n]\s*["'“”„«»「『>*_`\s.…]*$/u
const CONTINUING =
  /^(?:sure|certainly|of course|okay|ok|absolutely|apologies|sorry|here)\b[^\n]{0,120}\b(?:continu|rest\b|where it|left off|picking up)[^\n]{0,80}[:.]\s*\n+/iu

/** How models decline, in the languages where we have seen it. */
const DECLINING =
  /^(?:(?:i['’]m|i am) (?:sorry|afraid|unable)|sorry\b|i (?:can(?:['’]t|not)|do(?:n['’]t| not) (?:see|have))|unfortunately|my apologies|es tut mir leid|tut mir leid|entschuldigung|leider|désolé|je suis désolé|malheureusement|lo siento|mi dispiace|desculpe|извините|простите|к сожалению|抱歉|对不起|很抱歉|申し訳|すみません|죄송)/iu
/** After these somebody else may be speaking, who may well be sorry. */
const SPEECH = /[:：,，"'“”„«»「『‘’—–-]\s*$/u

/** Whether a reply declines instead of going on with the text. */
export function declines(reply: string, core: string): boolean {
  return DECLINING.test(reply.trimStart()) && !SPEECH.test(core)
}

/** What stands before the anchor: nothing that matters, an introduction, or text that may belong to the answer. */
export function isPreamble(text: string, core: string): boolean {
  if (FENCE.test(text)) return hasOpenFence(core)
  if (text.includes('```')) return false
  return PUNCTUATION.test(text) || (KNOWN.test(text.trimStart()) && ENDING.test(text))
}

/** Whether a reply that begins like this may be an introduction, so that waiting for the anchor is worth it. */
export function mayBePreamble(head: string): boolean {
  return !/^\s*\p{Ll}/u.test(head) && !/^\s+\S/u.test(head)
}

/** Whether a reply opens with words that introduce rather than answer. */
export function opensLikeIntroduction(reply: string): boolean {
  return KNOWN.test(reply.trimStart())
}

/** Whether a reply begins as an introduction that has not ended yet. */
export function mayAnnounce(reply: string): boolean {
  return KNOWN.test(reply) && (!reply.includes('\n') || /\n\s*$/.test(reply))
}

/** The length of an introduction that says itself that a continuation follows; 0 when there is none. */
export function announcedContinuation(text: string): number {
  return CONTINUING.exec(text)?.[0].length ?? 0
}

/** The closing mark that answers an opening quotation mark, or one of emphasis, at the end of a preamble. */
export function closingMark(preamble: string): string | undefined {
  const emphasis = /(\*{1,3}|_{1,3}|`{1,2})\s*$/.exec(preamble)?.[1]
  if (emphasis !== undefined) return emphasis
  return { '"': '"', '“': '”', '„': '“', '«': '»', '「': '」', '『': '』', "'": "'" }[preamble.trimEnd().slice(-1)]
}

/** Whether the text ends within a fenced block of code. */
export function hasOpenFence(core: string): boolean {
  return (core.match(/^\s*```/gm)?.length ?? 0) % 2 === 1
}
