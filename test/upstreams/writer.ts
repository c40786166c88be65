import type { ChatRequest } from '#contract'
import { healthy } from './behaviours.ts'
import { reply } from './play.ts'
import { piecesOf } from './answer.ts'
import type { Behaviour } from './wire-server.ts'

/** What a writer does when it is given the beginning of its own text. */
export type Habit =
  | 'continues'
  /** Repeats the last `repeat` characters (code points), words or the last sentence first. */
  | { readonly repeat: number; readonly unit: 'characters' | 'words' | 'sentences' }
  | 'starts over'
  /** Told to go on, begins with the words that the instruction ends in, where they are its own last ones. */
  | 'obeys'
  /** As `obeys`, with a polite word first. */
  | 'introduces'
  /** 400 when the conversation ends with the assistant; continues when told to. */
  | 'refuses prefill'
  /** 400 unless it is asked plainly. */
  | 'refuses to continue'
  /** Continues without the space that comes next. */
  | 'trims'
  | 'says something else'

/** How a writer was asked, as it understood it. */
export type Asked =
  | { readonly way: 'plain' }
  | { readonly way: 'prefill' | 'instruct'; readonly partial: string; readonly instruction: string }

/** A provider with one deterministic text, which it can be asked to go on with. */
export function writer(text: string, habit: Habit = 'continues', seen: Asked[] = []): Behaviour {
  return (exchange) => {
    const asked = understand(exchange.asked, text)
    seen.push(asked)
    if (asked.way === 'plain') return healthy({ text })(exchange)
    if (habit === 'refuses to continue' || (habit === 'refuses prefill' && asked.way === 'prefill')) return refusal(exchange)
    return healthy({ pieces: piecesOf(goOn(text, asked, habit)), id: 'chatcmpl-second' })(exchange)
  }
}

/** Reads whether the request carries a beginning of `text`, and how it asks to go on with it. */
export function understand(request: ChatRequest, text: string): Asked {
  const last = messageOf(request.messages.at(-1))
  if (last.role === 'assistant') return { way: 'prefill', partial: last.content, instruction: '' }
  const before = request.messages
    .slice(0, -1)
    .map(messageOf)
    .findLast((message) => message.role === 'assistant')
  return before && before.content !== '' && text.startsWith(before.content.trimEnd())
    ? { way: 'instruct', partial: before.content, instruction: last.content }
    : { way: 'plain' }
}

function goOn(text: string, asked: Exclude<Asked, { way: 'plain' }>, habit: Habit): string {
  const { partial, instruction } = asked
  const position = text.startsWith(partial) ? partial.length : text.startsWith(partial.trimEnd()) ? partial.trimEnd().length : 0
  const rest = text.slice(position)
  if (habit === 'starts over') return text
  if (habit === 'trims') return rest.trimStart()
  if (habit === 'says something else') return 'I am sorry, but I cannot see an earlier answer in this conversation. Could you ask again?'
  if (habit === 'obeys') return wordsToRepeat(partial, instruction) + rest
  if (habit === 'introduces')
    return (instruction === '' ? '' : 'Sure, here is the rest of my answer:\n\n') + wordsToRepeat(partial, instruction) + rest
  if (typeof habit === 'string') return rest
  return tailOf(text.slice(0, position), habit.repeat, habit.unit) + rest
}

/** The longest end of the partial answer that the instruction ends in. */
function wordsToRepeat(partial: string, instruction: string): string {
  for (let length = partial.length; length > 0; length--) if (instruction.endsWith(partial.slice(-length))) return partial.slice(-length)
  return ''
}

function tailOf(written: string, count: number, unit: 'characters' | 'words' | 'sentences'): string {
  if (unit === 'characters') return Array.from(written).slice(-count).join('')
  const units = written.match(unit === 'words' ? /\S+\s*/gu : /[^.!?。！？]+[.!?。！？]*\s*/gu) ?? []
  return units.slice(-count).join('')
}

function messageOf(message: unknown): { role: string; content: string } {
  if (typeof message !== 'object' || message === null) return { role: '', content: '' }
  const role = 'role' in message && typeof message.role === 'string' ? message.role : ''
  const content = 'content' in message ? message.content : ''
  if (typeof content === 'string') return { role, content }
  if (!Array.isArray(content)) return { role, content: '' }
  return {
    role,
    content: content
      .map((part: unknown) =>
        typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string' ? part.text : '',
      )
      .join(''),
  }
}

const refusal: Behaviour = reply({
  status: 400,
  body: JSON.stringify({
    error: {
      message: 'This model does not support assistant message prefill. The conversation must end with a user message.',
      type: 'invalid_request_error',
      param: 'messages',
      code: null,
    },
  }),
})
