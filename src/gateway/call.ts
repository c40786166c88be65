import { AppError } from '#base'
import type { Actor, AttemptRecord, ChatRequest, ConfigSnapshot, FailureKind, Route } from '#contract'

/** What a client asked for, once. */
export interface Call {
  readonly id: string
  readonly actor: Actor
  readonly request: ChatRequest
  /** The request's own text, so that what we do not know reaches the upstream untouched. */
  readonly body: string
  /** The config that serves this call to its end (C2). */
  readonly snapshot: ConfigSnapshot
  readonly route: Route
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** Who answers a call, as far as is known by now. */
export interface Progress {
  /** `provider/model` that serves the answer; undefined before its first content. */
  upstream: string | undefined
  /** Attempts made, the one under way included. */
  made: number
  /** The attempts that have ended. */
  readonly attempts: AttemptRecord[]
  /** One plain sentence; empty when there is nothing to tell. */
  reason: string
}

/** An answer on its way: bytes as they are to be sent, and who sends them. */
export interface Answer {
  readonly progress: Progress
  /**
   * Streamed: batches of server-sent events, to the end with `[DONE]`. Not streamed: the whole body, once. Throws
   * `CallError` when no whole answer can be had; nothing may be sent after it but that error (S1).
   */
  readonly bytes: AsyncIterableIterator<Uint8Array>
}

export type CallErrorCode = FailureKind | 'upstreams_resting' | 'overloaded_here' | 'internal_error'

/** How a call that could not be answered ends: the HTTP status and code that the caller gets. */
export class CallError extends AppError {
  override readonly name = 'CallError'
  declare readonly code: CallErrorCode
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly param: string | undefined
  /** Attempts that were made, and in one sentence how they went. */
  readonly attempts: number
  readonly reason: string

  constructor(
    message: string,
    options: {
      readonly code: CallErrorCode
      readonly status: number
      readonly retryAfterMs?: number | undefined
      readonly param?: string | undefined
      readonly attempts?: number
      readonly reason?: string
      readonly remedy?: string
      readonly cause?: unknown
    },
  ) {
    super(message, options)
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
    this.param = options.param
    this.attempts = options.attempts ?? 0
    this.reason = options.reason ?? ''
  }
}
