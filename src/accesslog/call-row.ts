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

/** A call as a row: texts that a caller or an upstream chose are cut, so that no row is large. */
export function rowOf(call: CallRecord): readonly SqlValue[] {
  const attempts = call.attempts.slice(0, MOST_ATTEMPTS).map((attempt): AttemptRecord => {
    return { ...attempt, upstream: cut(attempt.upstream, LONGEST_NAME), detail: attempt.detail && cut(attempt.detail, LONGEST_SENTENCE) }
  })
  return [
    call.id,
    call.at,
    call.actor,
    cut(call.model, LONGEST_NAME),
    call.stream ? 1 : 0,
    call.outcome,
    call.status,
    call.upstream && cut(call.upstream, LONGEST_NAME),
    cut(call.reason, LONGEST_SENTENCE),
    call.durationMs,
    call.firstTokenMs,
    call.promptTokens,
    call.completionTokens,
    JSON.stringify(attempts),
  ]
}

/** A cut text is copied: a mere slice would keep the whole of it in memory. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${Buffer.from(text.slice(0, most - 1)).toString()}…`
}
