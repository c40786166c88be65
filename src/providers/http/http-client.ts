import type { Phases } from '../provider.ts'

/** One request to an upstream. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly connectMs: number
  readonly headersMs: number
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names; values of repeated headers joined by a comma and a space. */
  readonly headers: ReadonlyMap<string, string>
  readonly phases: Phases
  /**
   * The decoded body, one element for each read of the socket. Throws `UpstreamError`: `truncated` when it ends before
   * its length or its last chunk, `malformed` when its framing is broken. Reading pauses the socket when nobody reads on.
   * Returning early closes the connection. The response must be read or returned.
   */
  readonly body: AsyncIterableIterator<Uint8Array>
}

/**
 * Sends HTTP/1.1 requests. Never follows a redirect (X3). Throws `UpstreamError` with kinds dns, connect, tls, reset,
 * timeout_connect, timeout_headers, malformed, too_large; the reason of `signal` once that aborts.
 */
export interface HttpClient {
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>
  /** Closes idle connections at once, and those of requests in flight when their responses have ended by themselves. */
  close(): void
}
