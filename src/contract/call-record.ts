import type { FailureKind } from './failure.ts'

/** One try of a call at one upstream, as the access log keeps it. */
export interface AttemptRecord {
  /** `provider/model`. */
  readonly upstream: string
  readonly outcome: 'ok' | FailureKind
  /** The upstream's HTTP status, when one came. */
  readonly status: number | null
  /** Milliseconds since the call arrived. */
  readonly startedMs: number
  readonly durationMs: number
  /** Milliseconds from the attempt's start to its first content; null when none came. */
  readonly firstTokenMs: number | null
  /** Milliseconds of each network phase that took place; null when a pooled connection made it unnecessary. */
  readonly dnsMs: number | null
  readonly connectMs: number | null
  readonly tlsMs: number | null
  readonly headersMs: number | null
  /** How a broken answer was continued here; null for a first answer. */
  readonly rescue: 'prefill' | 'instruct' | 'restart' | null
  /** The failure in words, without content. */
  readonly detail: string | null
}

/** One call, as the access log keeps it: never any content (X6). */
export interface CallRecord {
  readonly id: string
  /** Wall time of arrival, ms since the epoch. */
  readonly at: number
  /** Id of the key, or `owner`. */
  readonly actor: string
  /** The model that was asked for. */
  readonly model: string
  readonly stream: boolean
  readonly outcome: 'ok' | FailureKind | 'upstreams_resting' | 'overloaded_here' | 'internal_error'
  /** What the caller got; 499 when it left. */
  readonly status: number
  /** The upstream that answered, `provider/model`; null when none did. */
  readonly upstream: string | null
  /** One plain sentence. */
  readonly reason: string
  readonly durationMs: number
  readonly firstTokenMs: number | null
  readonly promptTokens: number | null
  readonly completionTokens: number | null
  readonly attempts: readonly AttemptRecord[]
}
