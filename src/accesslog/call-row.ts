import type { AttemptRecord, CallRecord } from '#contract'
import type { SqlValue } from '#store'

/** The columns that `rowOf` fills, in its order. */
export const CALL_COLUMNS = [
  'id',
  'at',
  'actor',
  'model',
  'stream',
  'outcome',
  'status',
  'upstream',
  'reason',
  'duration_ms',
  'first_token_ms',
  'prompt_tokens',
  'completion_tokens',
  'attempts',
] as const

const LONGEST_NAME = 200
const LONGEST_SENTENCE = 500
const MOST_ATTEMPTS = 50

/** The call without what would make it large: texts that a caller or an upstream chose are cut, attempts are counted. */
export function bounded(call: CallRecord): CallRecord {
  const attempts =
    call.attempts.length <= MOST_ATTEMPTS && call.attempts.every(isSmall) ? call.attempts : call.attempts.slice(0, MOST_ATTEMPTS).map(kept)
  if (attempts === call.attempts && call.model.length <= LONGEST_NAME && call.reason.length <= LONGEST_SENTENCE) return call
  return { ...call, model: cut(call.model, LONGEST_NAME), reason: cut(call.reason, LONGEST_SENTENCE), attempts }
}

function isSmall(attempt: AttemptRecord): boolean {
  return attempt.upstream.length <= LONGEST_NAME && (attempt.detail?.length ?? 0) <= LONGEST_SENTENCE
}

/** A bounded call as a row. */
export function rowOf(call: CallRecord): readonly SqlValue[] {
  return [
    call.id,
    call.at,
    call.actor,
    call.model,
    call.stream ? 1 : 0,
    call.outcome,
    call.status,
    call.upstream && cut(call.upstream, LONGEST_NAME),
    call.reason,
    call.durationMs,
    call.firstTokenMs,
    call.promptTokens,
    call.completionTokens,
    JSON.stringify(call.attempts.map(kept)),
  ]
}

/** An attempt with its own fields only, whatever else was given with it (X6). */
function kept(attempt: AttemptRecord): AttemptRecord {
  return {
    upstream: cut(attempt.upstream, LONGEST_NAME),
    outcome: attempt.outcome,
    status: attempt.status,
    startedMs: attempt.startedMs,
    durationMs: attempt.durationMs,
    firstTokenMs: attempt.firstTokenMs,
    dnsMs: attempt.dnsMs,
    connectMs: attempt.connectMs,
    tlsMs: attempt.tlsMs,
    headersMs: attempt.headersMs,
    rescue: attempt.rescue,
    detail: attempt.detail && cut(attempt.detail, LONGEST_SENTENCE),
  }
}

/** A cut text is copied: a mere slice would keep the whole of it in memory. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${Buffer.from(text.slice(0, most - 1)).toString()}…`
}
