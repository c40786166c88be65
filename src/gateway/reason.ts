import { FAILURE_KINDS, type AttemptRecord, type FailureKind } from '#contract'
import type { UpstreamHealth } from '#health'

const WORDS: Readonly<Record<FailureKind, string>> = {
  dns: 'host name not found',
  connect: 'connection refused',
  tls: 'no valid TLS connection',
  reset: 'connection closed before an answer',
  timeout_connect: 'no connection in time',
  timeout_headers: 'silent',
  timeout_first_token: 'no first token in time',
  timeout_stall: 'stopped mid-answer',
  timeout_total: 'took too long',
  slow: 'too slow',
  rate_limited: 'rate limited',
  quota: 'out of quota',
  overloaded: 'overloaded',
  server_error: 'server error',
  auth: 'our credential was refused',
  upstream_model_not_found: 'model not found there',
  redirect: 'answered with a redirect',
  malformed: 'unreadable answer',
  truncated: 'answer cut off',
  too_large: 'answer too large',
  context_length: 'context too small',
  content_policy: 'refused by content policy',
  invalid_request: 'refused the request',
  not_joinable: 'could not go on with the answer',
  cancelled: 'cancelled',
}

/** A failure in two or three words; its HTTP status where that says more. */
export function failureWords(kind: FailureKind, status: number | null | undefined): string {
  const speaks = kind === 'server_error' || kind === 'overloaded' || kind === 'rate_limited'
  return speaks && status !== null && status !== undefined ? String(status) : WORDS[kind]
}

/** What a sentence on a call is made of. */
export interface Course {
  readonly attempts: readonly AttemptRecord[]
  /** Upstreams that were not asked, because they rest after failures. */
  readonly resting: readonly string[]
  readonly answeredBy: string | undefined
  /** The answer was begun by another upstream. */
  readonly rescued: boolean
}

/**
 * One plain sentence on how a call went: `openai: 503 since 14:02, 3 attempts; answered by near`. Empty when the first
 * attempt answered and nobody was passed over.
 */
export function reasonFor({ attempts, resting, answeredBy, rescued }: Course, healthOf: (upstream: string) => UpstreamHealth): string {
  const failed = new Map<string, { kind: FailureKind; status: number | null; count: number }>()
  for (const attempt of attempts) {
    if (attempt.outcome === 'ok') continue
    const count = (failed.get(attempt.upstream)?.count ?? 0) + 1
    failed.set(attempt.upstream, { kind: attempt.outcome, status: attempt.status, count })
  }
  const parts = [...failed].map(([upstream, { kind, status, count }]) => {
    const since = FAILURE_KINDS[kind].scope === 'request' ? undefined : healthOf(upstream).failingSince
    return `${upstream}: ${failureWords(kind, status)}${sinceWords(since)}${count > 1 ? `, ${count} attempts` : ''}`
  })
  for (const upstream of resting) {
    const { lastFailure, failingSince } = healthOf(upstream)
    const why = lastFailure
      ? ` after ${failureWords(lastFailure.kind, lastFailure.status)}${sinceWords(failingSince)}`
      : ' with its account'
    if (!failed.has(upstream)) parts.push(`${upstream}: resting${why}`)
  }
  if (answeredBy === undefined) return parts.join('; ')
  return parts.length === 0 ? '' : `${parts.join('; ')}; ${rescued ? 'finished by' : 'answered by'} ${answeredBy}`
}

function sinceWords(since: number | undefined): string {
  return since === undefined ? '' : ` since ${new Date(since).toISOString().slice(11, 16)} UTC`
}
