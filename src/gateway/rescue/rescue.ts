import type { ChatRequest, Continuation } from '#contract'
import type { Delivered } from './delivered.ts'
import { Joint } from './joint.ts'
import { continuationRequest } from './continuation.ts'
import { deliveredTokens } from './delivered-tokens.ts'

/** How a broken answer is continued at another upstream. */
export interface Rescue {
  readonly body: Record<string, unknown>
  readonly joint: Joint
}

/** Whether what the client has may be continued at all: one text, and nothing sent that cannot be taken up again (S6). */
export function rescuable(request: ChatRequest, delivered: Delivered): boolean {
  return request.stream === true && !delivered.final && (request.n ?? 1) === 1 && request.logprobs !== true && hasFewStops(request)
}

/** Stop sequences must be looked for across the seam, at each piece of text; providers take four. */
function hasFewStops({ stop }: ChatRequest): boolean {
  const stops = typeof stop === 'string' ? [stop] : (stop ?? [])
  return stops.length <= 64 && stops.every((text) => text.length <= 1_024)
}

/** Whether the caller's limit of tokens is used up by what was delivered: then the answer ends there, by `length`. */
export function isSpent(request: ChatRequest, delivered: Delivered): boolean {
  return continuationRequest({ ...request }, delivered.text, deliveredTokens(delivered.text, delivered.frames), 'prefill').spent
}

/** The request that continues an answer in this way, and what joins the reply to it. */
export function planRescue(request: ChatRequest, delivered: Delivered, way: Continuation): Rescue {
  const tokens = deliveredTokens(delivered.text, delivered.frames)
  const { body, anchor } = continuationRequest({ ...request }, delivered.text, tokens, way)
  const type = request.response_format?.type
  const json = type === 'json_object' || type === 'json_schema'
  return { body, joint: new Joint({ delivered: delivered.text, way, anchor, stop: request.stop, json }) }
}
