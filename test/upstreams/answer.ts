import type { ChatRequest } from '#contract'

/** What a provider would say, however it is delivered. */
export interface Answer {
  readonly text?: string
  /** How the text is cut into frames; about a word each when left out. */
  readonly pieces?: readonly string[]
  readonly toolCalls?: readonly ToolCall[]
  readonly reasoning?: { readonly field: 'reasoning_content' | 'reasoning'; readonly text: string }
  readonly refusal?: string
  readonly finish?: string
  /** Where usage is reported in a stream; `asked` is OpenAI's way: a last chunk without choices, when asked for. */
  readonly usage?: 'asked' | 'in-finish' | 'never'
  readonly id?: string
  /** The model's name that it reports. */
  readonly model?: string
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text. */
  readonly arguments: string
}

const CREATED = 1_700_000_000
export const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } as const

/** The JSON texts of the frames of a streamed answer, without `[DONE]`. */
export function framesOf(answer: Answer, asked: ChatRequest): string[] {
  const base = { id: answer.id ?? 'chatcmpl-sim', object: 'chat.completion.chunk', created: CREATED, model: answer.model ?? asked.model }
  const frame = (index: number, delta: Record<string, unknown>, finish: string | null = null, more: Record<string, unknown> = {}): string =>
    JSON.stringify({
      ...base,
      choices: [{ index, delta, ...(asked.logprobs === true ? { logprobs: logprobsOf(delta) } : {}), finish_reason: finish }],
      ...more,
    })
  const frames: string[] = []
  for (let index = 0; index < (asked.n ?? 1); index++) {
    frames.push(frame(index, { role: 'assistant', content: '' }))
    if (answer.reasoning)
      for (const piece of piecesOf(answer.reasoning.text)) frames.push(frame(index, { [answer.reasoning.field]: piece }))
    for (const piece of answer.pieces ?? piecesOf(answer.text ?? '')) frames.push(frame(index, { content: piece }))
    if (answer.refusal !== undefined) for (const piece of piecesOf(answer.refusal)) frames.push(frame(index, { refusal: piece }))
    for (const [position, call] of (answer.toolCalls ?? []).entries())
      frames.push(...toolFrames(position, call).map((delta) => frame(index, delta)))
    frames.push(frame(index, {}, finishOf(answer), answer.usage === 'in-finish' ? { usage: USAGE } : {}))
  }
  if (answer.usage !== 'in-finish' && answer.usage !== 'never' && asked.stream_options?.include_usage === true) {
    frames.push(JSON.stringify({ ...base, choices: [], usage: USAGE }))
  }
  return frames
}

/** The JSON text of a whole answer. */
export function completionOf(answer: Answer, asked: ChatRequest): string {
  const text = answer.pieces?.join('') ?? answer.text
  const message = {
    role: 'assistant',
    content: text ?? null,
    refusal: answer.refusal ?? null,
    ...(answer.reasoning ? { [answer.reasoning.field]: answer.reasoning.text } : {}),
    ...(answer.toolCalls
      ? {
          tool_calls: answer.toolCalls.map((call) => ({
            id: call.id,
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          })),
        }
      : {}),
  }
  return JSON.stringify({
    id: answer.id ?? 'chatcmpl-sim',
    object: 'chat.completion',
    created: CREATED,
    model: answer.model ?? asked.model,
    choices: Array.from({ length: asked.n ?? 1 }, (_, index) => ({
      index,
      message,
      logprobs: asked.logprobs === true ? logprobsOf({ content: text }) : null,
      finish_reason: finishOf(answer),
    })),
    ...(answer.usage === 'never' ? {} : { usage: USAGE }),
  })
}

/** Pieces of about a word, never inside a code point. */
export function piecesOf(text: string): string[] {
  return text.match(/\s*\S{1,8}|\s+$/gu) ?? []
}

function finishOf(answer: Answer): string {
  return answer.finish ?? (answer.toolCalls ? 'tool_calls' : 'stop')
}

function toolFrames(index: number, call: ToolCall): Record<string, unknown>[] {
  const first = { tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }
  const pieces = call.arguments.match(/[\s\S]{1,3}/gu) ?? []
  return [first, ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] }))]
}

function logprobsOf(delta: Record<string, unknown>): Record<string, unknown> {
  const token = typeof delta['content'] === 'string' ? delta['content'] : ''
  return { content: token === '' ? [] : [{ token, logprob: -0.25, bytes: [...Buffer.from(token)], top_logprobs: [] }], refusal: null }
}
