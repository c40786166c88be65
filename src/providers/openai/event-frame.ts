import type { SseEvent } from '#base'
import { type ChatChunk, type Failure, UpstreamError } from '#contract'
import { classifyEvent } from '../classify.ts'
import type { Frame } from '../provider.ts'
import { brokenFinish, fitOf, isError, isObject, rewriteVariant } from './chunk-shape.ts'
import { isTooDeep } from './nesting.ts'

/** What reading a response needs to know beside its bytes. */
export interface ReadContext {
  /** Wall time, ms since the epoch. */
  readonly now: () => number
  /** What must not come back in a message. */
  readonly credential: string | undefined
}

const PING = Buffer.from(': ping\n\n')
const DONE = Buffer.from('data: [DONE]\n\n')
const COLON = 58
const KNOWN_FIELDS = /^(?::|(?:event|id|retry|data)(?::|$)|$)/
const strict = new TextDecoder('utf-8', { fatal: true })

/** The frame of one event; throws `UpstreamError` when it is an error or cannot be read (S3). */
export function readEvent(event: SseEvent, context: ReadContext): Frame {
  const { bytes, data } = event
  if (data === undefined || data === '') return readDataless(event, context)
  if (data === '[DONE]') return { type: 'done', bytes }
  if (data.length < 16 && data.trim() === '[DONE]') return { type: 'done', bytes: DONE }
  const value = parseData(event, context)
  if (isError(value)) throw new UpstreamError(classifyEvent(value, toClassify(context)))
  const fit = fitOf(value)
  if (fit === 'unreadable') return readOther(event, value, context)
  const variant = fit !== 'chunk'
  const chunk: ChatChunk = variant ? rewriteVariant(value) : value
  const choices = chunk.choices
  if (choices) {
    for (const choice of choices) {
      const reason = choice.finish_reason
      if (reason !== undefined && reason !== null && reason !== '') failIfBroken(reason)
    }
  }
  // Clients know one form of a chunk: a variant goes out as it is read.
  return { type: 'chunk', bytes: variant ? Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`) : bytes, chunk }
}

/** The data of an event as an object; throws `malformed` when it is none. */
function parseData(event: SseEvent, context: ReadContext): Readonly<Record<string, unknown>> {
  const data = event.data ?? ''
  if (data.includes('\uFFFD') && !isUtf8(event.bytes)) throw malformed('An event holds bytes that are not UTF-8')
  if (isTooDeep(data)) throw malformed('An event holds JSON that is nested too deeply')
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    value = undefined
  }
  if (event.event === 'error') throw new UpstreamError(classifyEvent(value ?? { message: data }, toClassify(context)))
  if (isObject(value)) return value
  throw malformed(value === undefined ? 'An event holds data that is not JSON' : 'An event holds JSON that is not an object')
}

/** An object that is no chunk: a ping, an error within a choice, or nothing that we know. */
function readOther(event: SseEvent, value: Readonly<Record<string, unknown>>, context: ReadContext): Frame {
  if (value['type'] === 'ping' || event.event === 'ping') return { type: 'comment', bytes: PING }
  const choices = value['choices']
  if (Array.isArray(choices)) {
    for (const choice of choices)
      if (isObject(choice) && isObject(choice['error'])) throw new UpstreamError(classifyEvent(choice, toClassify(context)))
  }
  throw malformed('An event is not a chunk of a chat completion')
}

/** A comment, or fields that mean nothing to us; anything else is a damaged event, and its text is missing. */
function readDataless(event: SseEvent, context: ReadContext): Frame {
  if (event.event === 'error') throw new UpstreamError(classifyEvent({ message: 'error' }, toClassify(context)))
  if (event.bytes[0] === COLON && event.data === undefined) return { type: 'comment', bytes: event.bytes }
  const lines = Buffer.from(event.bytes)
    .toString('utf8')
    .split(/\r\n|\n|\r/)
  if (!lines.every((line) => KNOWN_FIELDS.test(line))) throw malformed('An event holds a line that is not of an event stream')
  return { type: 'comment', bytes: PING }
}

/** Throws when the provider says by the finish reason that the answer broke off. */
export function failIfBroken(reason: unknown): void {
  const kind = brokenFinish(reason)
  if (kind === undefined) return
  throw new UpstreamError({
    kind,
    message: `The provider broke its answer off and says so (finish_reason ${String(reason)}).`,
    providerCode: String(reason),
  })
}

/** Whether the bytes are well-formed; asked only where the decoded text has a replacement character. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** An answer that cannot be read. */
export function malformed(words: string): UpstreamError {
  return failed('malformed', words)
}

/** A failure that we found ourselves. */
export function failed(kind: Failure['kind'], words: string): UpstreamError {
  return new UpstreamError({ kind, message: `${words}.` })
}

function toClassify(context: ReadContext): { now: number; credential: string | undefined } {
  return { now: context.now(), credential: context.credential }
}
