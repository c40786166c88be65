import type { ChatRequest, Continuation } from '#contract'
import { chooseAnchor } from './anchor.ts'
import { divideDelivered } from './delivered-core.ts'

/** The request that asks another upstream to finish an answer. */
export interface ContinuationRequest {
  readonly body: Record<string, unknown>
  /** The words that the upstream is asked to begin with, which the seam then looks for. */
  readonly anchor: string | undefined
  /** Whether all the tokens that the caller allowed are delivered: the answer ends here with `length`. */
  readonly spent: boolean
}

type OpenRequest = ChatRequest & Readonly<Record<string, unknown>>

/**
 * Builds the request for the rest of an answer. Everything that we do not know is kept. No system message is added, a
 * closing assistant message of the caller's own is lengthened rather than followed by a second one.
 */
export function continuationRequest(
  request: OpenRequest,
  delivered: string,
  deliveredTokens: number,
  way: Continuation,
): ContinuationRequest {
  const limits = remainingLimits(request, deliveredTokens)
  const { core } = divideDelivered(delivered)
  if (way === 'restart' || core === '') return { body: { ...request }, anchor: undefined, spent: limits.spent }
  const messages = withPartialAnswer(request.messages, core)
  if (way === 'prefill') return { body: { ...request, ...limits.fields, messages }, anchor: undefined, spent: limits.spent }
  const anchor = chooseAnchor(core)
  const body = { ...request, ...limits.fields, messages: [...messages, { role: 'user', content: instruction(anchor) }] }
  return { body, anchor, spent: limits.spent }
}

function remainingLimits(request: OpenRequest, deliveredTokens: number): { fields: Record<string, number>; spent: boolean } {
  const fields: Record<string, number> = {}
  let spent = false
  for (const name of ['max_tokens', 'max_completion_tokens'] as const) {
    const limit = request[name]
    if (typeof limit !== 'number') continue
    spent ||= limit <= deliveredTokens
    fields[name] = Math.max(1, limit - deliveredTokens)
  }
  return { fields, spent }
}

function withPartialAnswer(messages: readonly unknown[], core: string): unknown[] {
  const last = messages.at(-1)
  if (!isOwnPrefill(last)) return [...messages, { role: 'assistant', content: core }]
  const content = Array.isArray(last.content) ? [...last.content, { type: 'text', text: core }] : `${last.content}${core}`
  return [...messages.slice(0, -1), { ...last, content }]
}

function isOwnPrefill(message: unknown): message is Record<string, unknown> & { content: string | unknown[] } {
  if (typeof message !== 'object' || message === null || !('role' in message) || message.role !== 'assistant') return false
  if ('tool_calls' in message && Array.isArray(message.tool_calls) && message.tool_calls.length > 0) return false
  return 'content' in message && (typeof message.content === 'string' || Array.isArray(message.content))
}

function instruction(anchor: string | undefined): string {
  const opening = 'Your last message was interrupted in transit.'
  const rules = 'Keep its language and format. No introduction, no comment, no quotation marks around it.'
  if (anchor === undefined) {
    return `${opening} Go on exactly where it stops, even within a word or a line, with the space or line break that belongs there. Repeat nothing of it. ${rules}`
  }
  return `${opening} Finish it: begin by repeating verbatim the last words that arrived, given below, and go on directly from there, even if they stop within a word. Repeat nothing before them. ${rules}\n\n${anchor}`
}
