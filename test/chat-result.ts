import { expect } from 'bun:test'
import type { ChatChunk, Usage } from '#contract'
import type { Ending, WireCall, WireEvent } from './wire-client.ts'

/** An error as callers get it. */
export interface ErrorBody {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string
  readonly call_id: string
  readonly retry_after?: number
}

/** What the last frame says about how the answer came to be. */
export interface HoldfastNote {
  readonly upstream: string
  readonly attempts: number
  readonly reason: string
}

export type SeenChunk = ChatChunk & { readonly x_holdfast?: HoldfastNote; readonly error?: ErrorBody }

/** A finished call, streamed or not, in one shape. */
export interface ChatResult {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly ending: Ending
  readonly events: readonly WireEvent[]
  readonly chunks: readonly SeenChunk[]
  /** Text of the first choice. */
  readonly text: string
  readonly finish: string | null
  readonly done: boolean
  readonly error: ErrorBody | undefined
  readonly note: HoldfastNote | undefined
  readonly usage: Usage | undefined
  readonly model: string | undefined
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
  /** The body of an answer that is not streamed. */
  readonly json: unknown
  readonly call: WireCall
}

/** Reads a finished call. Streams are held to S1, S3 and S7 on the way. */
export function resultOf(call: WireCall): ChatResult {
  const streamed = call.headers.get('content-type')?.includes('event-stream') === true
  return streamed ? streamResult(call) : jsonResult(call)
}

function streamResult(call: WireCall): ChatResult {
  const datas = call.events.map((event) => event.data).filter((data) => data !== undefined)
  const done = datas.includes('[DONE]')
  const chunks = datas.filter((data) => data !== '[DONE]').map(parseChunk)
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []).filter((choice) => (choice.index ?? 0) === 0)
  const error = chunks.find((chunk) => chunk.error)?.error
  const finish = choices.findLast((choice) => isFinish(choice.finish_reason))?.finish_reason ?? null
  const result: ChatResult = {
    status: call.status,
    headers: call.headers,
    ending: call.ending ?? 'cut',
    events: call.events,
    chunks,
    text: choices.map((choice) => choice.delta?.content ?? '').join(''),
    finish,
    done,
    error,
    note: chunks.find((chunk) => chunk.x_holdfast)?.x_holdfast,
    usage: chunks.findLast((chunk) => chunk.usage)?.usage ?? undefined,
    model: chunks.findLast((chunk) => chunk.model !== undefined && (chunk.choices ?? []).length > 0)?.model,
    toolCalls: joinToolCalls(chunks),
    json: undefined,
    call,
  }
  holdToInvariants(result, datas)
  return result
}

/** S1: exactly one ending. S7: one id and one `created`. S5: the note is in the last frame. */
function holdToInvariants(result: ChatResult, datas: readonly string[]): void {
  expect(result.ending, 'a stream ends as HTTP says').toBe('complete')
  expect(datas.filter((data) => data === '[DONE]').length, 'S1: at most one [DONE]').toBe(result.done ? 1 : 0)
  expect(result.done, 'S1: [DONE] or an error event, never both, never none').toBe(result.error === undefined)
  if (result.done) {
    expect(datas.at(-1), 'S1: nothing after [DONE]').toBe('[DONE]')
    expect(result.finish, 'S1: a finish before [DONE]').not.toBeNull()
    expect(result.chunks.at(-1)?.x_holdfast, 'S5: the last frame carries x_holdfast').toBeDefined()
  } else {
    expect(result.chunks.at(-1)?.error, 'S1: the error event is the last').toBeDefined()
  }
  const answers = result.chunks.filter((chunk) => chunk.error === undefined)
  expect(new Set(answers.map((chunk) => chunk.id)).size, 'S7: one id').toBeLessThanOrEqual(1)
  expect(new Set(answers.map((chunk) => chunk.created)).size, 'S7: one created').toBeLessThanOrEqual(1)
  for (const index of new Set(answers.flatMap((chunk) => chunk.choices ?? []).map((choice) => choice.index ?? 0))) {
    const finishes = answers
      .flatMap((chunk) => chunk.choices ?? [])
      .filter((choice) => (choice.index ?? 0) === index && isFinish(choice.finish_reason))
    expect(finishes.length, `S1: one finish for choice ${index}`).toBeLessThanOrEqual(1)
  }
}

/** Some providers write an empty reason where OpenAI writes null. */
function isFinish(reason: string | null | undefined): boolean {
  return typeof reason === 'string' && reason !== ''
}

function jsonResult(call: WireCall): ChatResult {
  const json = parse(call.body.toString('utf8'))
  const choice = json?.choices?.[0]
  return {
    status: call.status,
    headers: call.headers,
    ending: call.ending ?? 'cut',
    events: [],
    chunks: [],
    text: choice?.message?.content ?? '',
    finish: choice?.finish_reason ?? null,
    done: false,
    error: json?.error,
    note: json?.x_holdfast,
    usage: json?.usage,
    model: json?.model,
    toolCalls: (choice?.message?.tool_calls ?? []).map((tool) => ({
      id: tool.id,
      name: tool.function.name,
      arguments: tool.function.arguments,
    })),
    json,
    call,
  }
}

interface SeenCompletion {
  readonly model?: string
  readonly usage?: Usage
  readonly error?: ErrorBody
  readonly x_holdfast?: HoldfastNote
  readonly choices?: readonly {
    readonly finish_reason?: string
    readonly message?: {
      readonly content?: string | null
      readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[]
    }
  }[]
}

function parse(text: string): SeenCompletion | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseChunk(data: string): SeenChunk {
  try {
    return JSON.parse(data)
  } catch {
    expect(data, 'S3: a malformed frame never reaches the client').toBe('JSON')
    return {}
  }
}

function joinToolCalls(chunks: readonly SeenChunk[]): { id: string; name: string; arguments: string }[] {
  const calls: { id: string; name: string; arguments: string }[] = []
  for (const delta of chunks
    .flatMap((chunk) => chunk.choices ?? [])
    .filter((choice) => (choice.index ?? 0) === 0)
    .flatMap((choice) => choice.delta?.tool_calls ?? [])) {
    const call = (calls[delta.index ?? 0] ??= { id: '', name: '', arguments: '' })
    call.id += delta.id ?? ''
    call.name += delta.function?.name ?? ''
    call.arguments += delta.function?.arguments ?? ''
  }
  return calls
}
