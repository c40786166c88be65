import { requireScope } from '#auth'
import { firstOf, TIMED_OUT } from '#base'
import type { Answer, Call } from '#gateway'
import { findRoute } from './find-route.ts'
import { headerText } from './header-text.ts'
import { faultOf, toWireError } from './http-error.ts'
import type { Exchange, HttpParts } from './http-parts.ts'
import { parseChatRequest } from './parse-chat-request.ts'
import { readBody } from './read-body.ts'
import { SILENCE_MS, StreamBody } from './stream-body.ts'

/** `POST /v1/chat/completions`. */
export async function chatCompletions(exchange: Exchange, parts: HttpParts): Promise<Response> {
  const { request, callId, caller } = exchange
  const actor = parts.keys.identify(caller)
  requireScope(actor, 'call')
  const snapshot = parts.config.snapshot
  parts.keys.limit(actor)
  const held = exchange.bodies.share()
  try {
    const body = await readBody(request, snapshot.limits.body, parts.clock, held)
    const chat = parseChatRequest(body)
    const route = findRoute(snapshot, chat.model)
    // From here on it is our deadlines that count, not the server's idea of an idle connection.
    exchange.allowSilence(0)
    const call: Call = { id: callId, actor, request: chat, body, snapshot, route, signal: request.signal }
    const answer = parts.gateway.open(call)
    if (chat.stream === true) return await streamed(exchange, parts, call, answer, held.release)
    const response = await whole(exchange, call, answer)
    held.release()
    return response
  } catch (error) {
    held.release()
    throw error
  }
}

async function whole(exchange: Exchange, call: Call, answer: Answer): Promise<Response> {
  const result = await answer.bytes.next()
  const headers = answerHeaders(call.id, answer, 'application/json')
  const response = new Response(result.value ?? null, { headers })
  exchange.allowSilence(Math.ceil(call.snapshot.limits.slowReader / 1_000))
  // The answer is whole: running on to the end records the call.
  void answer.bytes.next()
  return response
}

/** Headers wait for the first content or 15 s (S5); a failure before that has its own status. */
async function streamed(exchange: Exchange, parts: HttpParts, call: Call, answer: Answer, onOver: () => void): Promise<Response> {
  const pending = answer.bytes.next()
  const first = await firstOf(parts.clock, pending, SILENCE_MS)
  const body = new StreamBody({
    clock: parts.clock,
    source: answer.bytes,
    pending,
    silentSoFar: first === TIMED_OUT,
    describe: (error) => errorEvent(error, call.id, parts),
    slowReaderMs: call.snapshot.limits.slowReader,
    onSlowReader: () => exchange.allowSilence(1),
    onOver,
  })
  const headers = answerHeaders(call.id, answer, 'text/event-stream; charset=utf-8')
  return new Response(body.stream(), { headers })
}

function answerHeaders(callId: string, answer: Answer, contentType: string): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': contentType, 'cache-control': 'no-store', 'x-holdfast-call': callId }
  if (contentType.startsWith('text/event-stream')) headers['x-accel-buffering'] = 'no'
  const { upstream, reason, made } = answer.progress
  if (upstream === undefined) return headers
  headers['x-holdfast-upstream'] = headerText(upstream)
  headers['x-holdfast-attempts'] = String(made)
  if (reason !== '') headers['x-holdfast-reason'] = headerText(reason)
  return headers
}

function errorEvent(error: unknown, callId: string, parts: HttpParts): Uint8Array {
  const fault = faultOf(error)
  if (fault !== undefined) parts.logger.error('A call failed by a fault of our own.', { call: callId, fault })
  return Buffer.from(`data: ${JSON.stringify(toWireError(error, callId).body)}\n\n`)
}
