import type { ChatChunk, ChatCompletion } from '#contract'

/** What is sent to an upstream. */
export interface UpstreamRequest {
  /** The body for this upstream, JSON text with its own name of the model in it. */
  readonly body: string
  readonly stream: boolean
  /** Milliseconds to connect (DNS, TCP and TLS together), and from then to the response's head. */
  readonly connectMs: number
  readonly headersMs: number
}

/** Milliseconds of each network phase; null when a pooled connection made it unnecessary. */
export interface Phases {
  readonly dns: number | null
  readonly connect: number | null
  readonly tls: number | null
  /** From the request's last byte to the end of the response's head. */
  readonly headers: number | null
}

/** One event from an upstream: its bytes and one parsed view of them. `answer` is the whole body of a call that is not streamed. */
export type Frame =
  | { readonly type: 'chunk'; readonly bytes: Uint8Array; readonly chunk: ChatChunk }
  | { readonly type: 'answer'; readonly bytes: Uint8Array; readonly answer: ChatCompletion }
  | { readonly type: 'done'; readonly bytes: Uint8Array }
  | { readonly type: 'comment'; readonly bytes: Uint8Array }

/** What the response's head said about this account's limits. */
export interface RateLimits {
  /** Calls or tokens that are left, whichever share is smaller, in [0, 1]. */
  readonly remaining: number
  /** Milliseconds until they are given anew. */
  readonly resetMs: number
}

export interface UpstreamResponse {
  readonly head: { readonly status: number; readonly rateLimits?: RateLimits }
  readonly phases: Phases
  /**
   * Batches of frames, one batch for each read of the socket. Throws `UpstreamError` when the stream breaks, carries an
   * error, or holds a frame that cannot be read (S3). Ending the iteration early cancels the upstream.
   */
  readonly frames: AsyncIterableIterator<readonly Frame[]>
}

/** One account at an AI service. */
export interface Provider {
  readonly id: string
  /**
   * Sends the request and resolves when the response's head is there and is a success. Throws `UpstreamError` for
   * everything else, the signal's abort included, when its reason is one.
   */
  open(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  /** Closes idle connections at once, and those of calls in flight when these have ended by themselves. */
  close(): void
}
