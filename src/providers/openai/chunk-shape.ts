import type { ChatChunk, ChunkChoice, FailureKind } from '#contract'

type Fields = Readonly<Record<string, unknown>>

/** How a parsed event fits the shape of a chunk. `variant`: readable, but written in another way than OpenAI's. */
export type ChunkFit = 'chunk' | 'variant' | 'unreadable'

/** How well an event fits. Paid for every frame: no allocation, no closures. */
export function fitOf(value: Fields): ChunkFit {
  const choices = value['choices']
  if (!Array.isArray(choices)) {
    const isTail = (choices === undefined || choices === null) && (isObject(value['usage']) || value['object'] === 'chat.completion.chunk')
    return isTail ? 'chunk' : 'unreadable'
  }
  const usage = value['usage']
  if (usage !== undefined && typeof usage !== 'object') return 'unreadable'
  let fit: ChunkFit = 'chunk'
  for (let i = 0; i < choices.length; i++) {
    const ofChoice = fitOfChoice(choices[i])
    if (ofChoice === 'unreadable') return ofChoice
    if (ofChoice === 'variant') fit = ofChoice
  }
  return fit
}

/** A variant rewritten: content in parts becomes text and reasoning, what is neither is left out. */
export function rewriteVariant(value: Fields): ChatChunk {
  const choices = Array.isArray(value['choices']) ? value['choices'] : []
  return { ...value, choices: choices.map(rewriteChoice) }
}

function rewriteChoice(choice: unknown): ChunkChoice {
  if (!isObject(choice)) return {}
  return isObject(choice['delta']) ? { ...choice, delta: rewriteDelta(choice['delta']) } : choice
}

/** What a finish reason means that is no finish: the answer broke off, and the provider says so. */
export function brokenFinish(reason: unknown): FailureKind | undefined {
  if (typeof reason !== 'string') return undefined
  switch (reason) {
    case 'error':
    case 'network_error':
    case 'abort':
      return 'server_error'
    case 'insufficient_system_resource':
      return 'overloaded'
    default:
      return undefined
  }
}

/** Whether an object says that it is an error, or carries one. */
export function isError(value: Fields): boolean {
  const error = value['error']
  return (
    (typeof error === 'string' ? error !== '' : typeof error === 'object' && error !== null) ||
    value['object'] === 'error' ||
    value['type'] === 'error'
  )
}

/** Whether it is an object with fields. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fitOfChoice(choice: unknown): ChunkFit {
  if (!isObject(choice)) return 'unreadable'
  const finish = choice['finish_reason']
  if (finish !== undefined && finish !== null && typeof finish !== 'string') return 'unreadable'
  const index = choice['index']
  if (index !== undefined && typeof index !== 'number') return 'unreadable'
  const delta = choice['delta']
  // Text that is not in a delta would be lost: that of the old completions API, or a whole message.
  if (delta === undefined || delta === null)
    return typeof choice['text'] === 'string' || isObject(choice['message']) ? 'unreadable' : 'chunk'
  if (!isObject(delta)) return 'unreadable'
  const toolCalls = delta['tool_calls']
  if (toolCalls !== undefined && toolCalls !== null && !areToolCalls(toolCalls)) return 'unreadable'
  const content = delta['content']
  if (isText(content) && isText(delta['reasoning_content']) && isText(delta['reasoning']) && isText(delta['refusal'])) return 'chunk'
  return isText(content) || (Array.isArray(content) && content.every(isPart)) ? 'variant' : 'unreadable'
}

function areToolCalls(calls: unknown): boolean {
  if (!Array.isArray(calls)) return false
  for (const call of calls) {
    if (!isObject(call)) return false
    const index = call['index']
    if (index !== undefined && typeof index !== 'number') return false
    const target = call['function']
    if (target === undefined || target === null) continue
    if (!isObject(target) || !isText(target['arguments']) || !isText(target['name'])) return false
  }
  return true
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || value === undefined || value === null
}

/** A part of content whose text can be found; of any other the meaning, and so the text, would be lost. */
function isPart(part: unknown): boolean {
  if (!isObject(part)) return false
  if (part['type'] === 'text') return typeof part['text'] === 'string'
  return part['type'] === 'thinking'
    ? Array.isArray(part['thinking']) || typeof part['thinking'] === 'string'
    : part['type'] === 'reference'
}

function rewriteDelta(delta: Fields): Fields {
  const { content, reasoning, reasoning_content: reasoningContent, refusal, ...rest } = delta
  const thought = typeof reasoningContent === 'string' ? reasoningContent : Array.isArray(content) ? thinkingOf(content) : ''
  return {
    ...rest,
    ...(Array.isArray(content) ? { content: textOf(content) } : content !== undefined && { content }),
    ...(thought !== '' && { reasoning_content: thought }),
    ...(typeof reasoning === 'string' && { reasoning }),
    ...(typeof refusal === 'string' && { refusal }),
  }
}

function textOf(parts: readonly unknown[]): string {
  return parts.map((part) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('')
}

function thinkingOf(parts: readonly unknown[]): string {
  return parts
    .map((part) => (isObject(part) && part['type'] === 'thinking' ? part['thinking'] : ''))
    .map((thinking) => (Array.isArray(thinking) ? textOf(thinking) : typeof thinking === 'string' ? thinking : ''))
    .join('')
}
