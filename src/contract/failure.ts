import { AppError } from '#base'

/** Who a failure says something about. It decides whose breaker is charged. */
export type FailureScope = 'request' | 'upstream' | 'account' | 'provider'

interface KindTraits {
  readonly scope: FailureScope
  /** Whether another attempt, there or elsewhere, can bring an answer. */
  readonly retryable: boolean
  /** The HTTP status that a caller gets when this is how the call ended. */
  readonly status: number
}

/** Every way an attempt can fail. Infrastructure faults are 502, 503 or 504, whatever the upstream said (law 4). */
export const FAILURE_KINDS = {
  dns: { scope: 'provider', retryable: true, status: 502 },
  connect: { scope: 'provider', retryable: true, status: 502 },
  tls: { scope: 'provider', retryable: true, status: 502 },
  reset: { scope: 'upstream', retryable: true, status: 502 },
  timeout_connect: { scope: 'provider', retryable: true, status: 504 },
  timeout_headers: { scope: 'upstream', retryable: true, status: 504 },
  timeout_first_token: { scope: 'upstream', retryable: true, status: 504 },
  timeout_stall: { scope: 'upstream', retryable: true, status: 504 },
  timeout_total: { scope: 'request', retryable: false, status: 504 },
  slow: { scope: 'upstream', retryable: true, status: 504 },
  rate_limited: { scope: 'account', retryable: true, status: 503 },
  quota: { scope: 'account', retryable: true, status: 503 },
  overloaded: { scope: 'upstream', retryable: true, status: 503 },
  server_error: { scope: 'upstream', retryable: true, status: 502 },
  auth: { scope: 'account', retryable: true, status: 502 },
  upstream_model_not_found: { scope: 'upstream', retryable: true, status: 502 },
  redirect: { scope: 'provider', retryable: true, status: 502 },
  malformed: { scope: 'upstream', retryable: true, status: 502 },
  truncated: { scope: 'upstream', retryable: true, status: 502 },
  too_large: { scope: 'upstream', retryable: true, status: 502 },
  context_length: { scope: 'request', retryable: true, status: 400 },
  content_policy: { scope: 'request', retryable: false, status: 400 },
  invalid_request: { scope: 'request', retryable: false, status: 400 },
  /** A second upstream's words that do not go on with the answer of the first: nobody's outage. */
  not_joinable: { scope: 'request', retryable: true, status: 502 },
  cancelled: { scope: 'request', retryable: false, status: 499 },
} as const satisfies Readonly<Record<string, KindTraits>>

export type FailureKind = keyof typeof FAILURE_KINDS

/** How an attempt failed: decided once, at the border to the provider (F3). */
export interface Failure {
  readonly kind: FailureKind
  /** Plain words, without credentials and without any text of the request (X1, X6). */
  readonly message: string
  /**
   * The provider's own words, scrubbed, for the caller's own faults. They can quote the request: they go to the caller
   * and nowhere else, never to a log or a record (X6).
   */
  readonly callerMessage?: string
  /** The upstream's HTTP status, where it gave one. */
  readonly status?: number
  /** The provider's own code or type for it. */
  readonly providerCode?: string
  /** The request's field that the provider named; for the caller's own faults. */
  readonly param?: string
  /** Milliseconds that the provider asked to wait. */
  readonly retryAfterMs?: number
}

/** Thrown by a provider when an attempt fails, and the reason of the signal that ends one. */
export class UpstreamError extends AppError {
  override readonly name = 'UpstreamError'
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.message, { code: failure.kind, cause })
    this.failure = failure
  }
}
