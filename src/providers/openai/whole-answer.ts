import { type ChatCompletion, UpstreamError } from '#contract'
import { classifyEvent } from '../classify.ts'
import { readErrorBody } from '../error-body.ts'
import type { Frame } from '../provider.ts'
import { isError, isObject } from './chunk-shape.ts'
import { failed, failIfBroken, isUtf8, malformed, type ReadContext } from './event-frame.ts'
import { isTooDeep } from './nesting.ts'

/** Largest whole answer, bytes. */
export const LARGEST_ANSWER = 64 * 1_024 * 1_024

type Fields = Readonly<Record<string, unknown>>
type AnswerFrame = Extract<Frame, { type: 'answer' }>

/** Gathers the reads of a body; throws `too_large` beyond the limit. */
export class WholeBody {
  readonly #reads: Uint8Array[] = []
  #size = 0

  push(bytes: Uint8Array): void {
    this.#reads.push(bytes)
    this.#size += bytes.length
    if (this.#size > LARGEST_ANSWER) throw failed('too_large', `The answer is larger than ${LARGEST_ANSWER} bytes`)
  }

  /** All of it, without a byte order mark. */
  join(): Buffer {
    const only = this.#reads.length === 1 ? this.#reads[0] : undefined
    const whole = only === undefined ? Buffer.concat(this.#reads) : Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    return whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf ? whole.subarray(3) : whole
  }
}

/** Reads a body that has begun to its end. */
export async function readWhole(body: AsyncIterableIterator<Uint8Array>, first: Uint8Array): Promise<Buffer> {
  const reads = new WholeBody()
  reads.push(first)
  for await (const bytes of body) reads.push(bytes)
  return reads.join()
}

/** The frame of a whole answer; throws `UpstreamError` when it is an error, cut or unreadable. */
export function readAnswer(bytes: Buffer, context: ReadContext): AnswerFrame {
  const text = bytes.toString('utf8')
  if (text.includes('\uFFFD') && !isUtf8(bytes)) throw malformed('The answer holds bytes that are not UTF-8')
  if (isTooDeep(text)) throw malformed('The answer is JSON that is nested too deeply')
  const value = parse(text)
  if (!isObject(value)) throw malformed('The answer is JSON but not an object')
  if (isError(value) || (!('choices' in value) && readErrorBody(text).message !== '')) {
    throw new UpstreamError(classifyEvent(value, { now: context.now(), credential: context.credential }))
  }
  if (!isAnswer(value)) throw malformed('The answer is not a chat completion')
  for (const choice of value.choices) {
    failIfBroken(choice.finish_reason)
    if (typeof choice.finish_reason !== 'string') throw malformed('The answer does not say how it ended')
  }
  return { type: 'answer', bytes, answer: value }
}

/** A whole answer as the frames of a stream, for providers that answer so although a stream was asked for. */
export function toStream(answer: ChatCompletion): readonly Frame[] {
  const envelope = { ...envelopeOf(answer), object: 'chat.completion.chunk' }
  const choices = answer.choices.map((choice, i) => {
    const fields: Fields = isObject(choice) ? choice : {}
    const message: Fields = isObject(choice.message) ? choice.message : {}
    const calls = Array.isArray(message['tool_calls'])
      ? { tool_calls: message['tool_calls'].map((call: unknown, index: number) => (isObject(call) ? { index, ...call } : call)) }
      : {}
    const { message: _, finish_reason: finish, ...rest } = fields
    return { index: i, ...rest, delta: { ...message, ...calls }, finish_reason: finish }
  })
  const frames = [chunkFrame({ ...envelope, choices })]
  if (answer.usage) frames.push(chunkFrame({ ...envelope, choices: [], usage: answer.usage }))
  return [...frames, { type: 'done', bytes: Buffer.from('data: [DONE]\n\n') }]
}

function chunkFrame(chunk: Fields): Frame {
  return { type: 'chunk', bytes: Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`), chunk }
}

function envelopeOf(answer: ChatCompletion): Fields {
  const { choices: _, usage: __, ...rest } = answer
  return rest
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable(text)
  }
}

function unreadable(text: string): UpstreamError {
  const trimmed = text.trim()
  if (trimmed === '') return failed('truncated', 'The answer ended before it began')
  if (trimmed.startsWith('<')) return malformed('The provider answered with a web page')
  if (/^(?:data|event|id|retry)?:/.test(trimmed)) return malformed('The provider answered with a stream where a whole answer was asked for')
  if (trimmed.startsWith('{') && !trimmed.endsWith('}')) return failed('truncated', 'The answer ended in the middle of its JSON')
  return malformed('The answer is not JSON')
}

function isAnswer(value: Fields): value is Fields & ChatCompletion {
  const choices = value['choices']
  return Array.isArray(choices) && choices.length > 0 && choices.every((choice) => isObject(choice) && isObject(choice['message']))
}
