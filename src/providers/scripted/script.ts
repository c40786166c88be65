import type { ChatChunk, Failure } from '#contract'
import type { Frame, RateLimits, UpstreamRequest } from '../provider.ts'

/** One thing that a scripted upstream does. `silence` lasts until the call is aborted. */
export type ScriptStep =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'frames'; readonly frames: readonly Frame[] }
  | { readonly do: 'fail'; readonly failure: Failure }
  | { readonly do: 'silence' }

/** How one request is answered: what happens before the response's head is there, then the response itself. */
export interface ScriptedScene {
  /** `frames` mean nothing here. */
  readonly beforeHead?: readonly ScriptStep[]
  readonly rateLimits?: RateLimits
  readonly steps: readonly ScriptStep[]
}

/** Decides what the `count`th request, from 1, is answered with. */
export type Script = (request: UpstreamRequest, count: number) => ScriptedScene

export interface ScriptedAnswerOptions {
  /** Milliseconds between the frames. */
  readonly paceMs?: number
  readonly finishReason?: string
  readonly model?: string
}

const ID = 'chatcmpl-scripted'
const CREATED = 1_700_000_000

/** The scene of a good answer of these words, as a stream or whole, whichever the request asks for. */
export function scriptedAnswer(request: UpstreamRequest, words: readonly string[], options: ScriptedAnswerOptions = {}): ScriptedScene {
  const { paceMs = 0, finishReason = 'stop', model = 'scripted' } = options
  const usage = { prompt_tokens: 1, completion_tokens: words.length, total_tokens: words.length + 1 }
  if (!request.stream) {
    const message = { role: 'assistant', content: words.join('') }
    const answer = {
      id: ID,
      object: 'chat.completion',
      created: CREATED,
      model,
      choices: [{ index: 0, message, finish_reason: finishReason }],
      usage,
    }
    return { steps: [{ do: 'frames', frames: [{ type: 'answer', bytes: Buffer.from(JSON.stringify(answer)), answer }] }] }
  }
  const frames = [
    ...words.map((content, i) => chunkFrame({ delta: i === 0 ? { role: 'assistant', content } : { content }, finish_reason: null }, model)),
    chunkFrame({ delta: {}, finish_reason: finishReason }, model),
    doneFrame(),
  ]
  if (paceMs === 0) return { steps: [{ do: 'frames', frames }] }
  return {
    steps: frames.flatMap((frame): ScriptStep[] => [
      { do: 'wait', ms: paceMs },
      { do: 'frames', frames: [frame] },
    ]),
  }
}

function chunkFrame(choice: Omit<NonNullable<ChatChunk['choices']>[number], 'index'>, model: string): Frame {
  const chunk = { id: ID, object: 'chat.completion.chunk', created: CREATED, model, choices: [{ index: 0, ...choice }] }
  return { type: 'chunk', bytes: Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`), chunk }
}

function doneFrame(): Frame {
  return { type: 'done', bytes: Buffer.from('data: [DONE]\n\n') }
}
