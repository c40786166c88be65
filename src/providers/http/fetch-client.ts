import { abortReason, type Clock, formatDuration, linkSignals } from '#base'
import { UpstreamError } from '#contract'
import { connectFailure, dnsFailure, tlsFailure } from './connect-failure.ts'
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
import { type Target, targetOf } from './request-head.ts'

export interface FetchClientOptions {
  readonly clock: Clock
  /** PEM of the authorities to trust instead of the usual ones. */
  readonly ca?: string
  /** The proxy's URL. What NO_PROXY lists is still reached directly. Without one, the environment decides. */
  readonly proxy?: string
}

const MAX_HEADER_BYTES = 65_536
const MAX_HEADERS = 200
const END: IteratorResult<Uint8Array, undefined> = Object.freeze({ done: true, value: undefined })

/**
 * An HTTP client on `fetch`, for upstreams behind a proxy. It cannot time DNS, connecting and TLS apart, so both
 * deadlines are one, and at most 256 requests of the process are open at once unless Bun was told otherwise.
 */
export function createFetchClient(options: FetchClientOptions): HttpClient {
  return new FetchClient(options)
}

class FetchClient implements HttpClient {
  readonly #clock: Clock
  readonly #session: Bun.FetchSession
  #isClosed = false

  constructor(options: FetchClientOptions) {
    this.#clock = options.clock
    this.#session = new Bun.FetchSession({
      tls: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
    })
  }

  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    if (signal.aborted) throw abortReason(signal)
    const target = targetOf(request.url)
    const { controller, unlink: unlinkSignals } = linkSignals(signal)
    const unlink = (): void => {
      unlinkSignals()
      // A response that ends after closing has given its connection back all the same.
      if (this.#isClosed) this.#session.close()
    }
    const started = this.#clock.monotonic()
    const limit = request.connectMs + request.headersMs
    const deadline = this.#clock.after(limit, () => {
      const message = `${target.peer} sent no response headers within ${formatDuration(limit)}, connecting included.`
      controller.abort(new UpstreamError({ kind: 'timeout_headers', message }))
    })
    try {
      const response = await this.#session.fetch(request.url, {
        method: request.method,
        headers: { ...request.headers, 'accept-encoding': 'identity' },
        redirect: 'manual',
        signal: controller.signal,
        timeout: false,
        ...(request.body === undefined ? {} : { body: request.body }),
      })
      const headers = headersOf(response, target)
      const phases = { dns: null, connect: null, tls: null, headers: this.#clock.monotonic() - started }
      const body = new FetchBody(response.body, { target, controller, unlink })
      return { status: response.status, headers, phases, body }
    } catch (error) {
      unlink()
      if (controller.signal.aborted) throw abortReason(controller.signal)
      controller.abort()
      throw headFailure(error, target)
    } finally {
      deadline.cancel()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#session.close()
  }
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
}

/** The body of a `fetch`, with the failures of this contract. */
class FetchBody implements AsyncIterableIterator<Uint8Array> {
  readonly #reader: Reader | undefined
  readonly #target: Target
  readonly #controller: AbortController
  readonly #unlink: () => void
  #isReturned = false

  constructor(stream: ReadableStream<Uint8Array> | null, request: { target: Target; controller: AbortController; unlink: () => void }) {
    this.#reader = stream?.getReader()
    this.#target = request.target
    this.#controller = request.controller
    this.#unlink = request.unlink
    if (!stream) this.#unlink()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isReturned || !this.#reader) return END
    try {
      const signal = this.#controller.signal
      if (signal.aborted) throw abortReason(signal)
      const result = await this.#reader.read()
      if (result.value !== undefined) return { done: false, value: result.value }
      this.#unlink()
      return END
    } catch (error) {
      this.#unlink()
      if (this.#isReturned) return END
      if (this.#controller.signal.aborted) throw abortReason(this.#controller.signal)
      throw bodyFailure(error, this.#target)
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isReturned = true
    this.#unlink()
    this.#controller.abort()
    return Promise.resolve(END)
  }
}

function headersOf(response: Response, target: Target): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  let bytes = 0
  let count = 0
  response.headers.forEach((value, name) => {
    count++
    bytes += name.length + value.length + 4
    const known = headers.get(name)
    headers.set(name, known === undefined ? value : `${known}, ${value}`)
  })
  if (bytes > MAX_HEADER_BYTES) throw tooLarge(target, `${MAX_HEADER_BYTES / 1_024} KiB of`)
  if (count > MAX_HEADERS) throw tooLarge(target, MAX_HEADERS)
  return headers
}

function headFailure(error: unknown, target: Target): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = codeOf(error)
  if (/^(ENOTFOUND|EAI_|DNS_|ENODATA|ESERVFAIL)/.test(code)) return dnsFailure(target, error)
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT|EMFILE|ENFILE|FailedToOpenSocket|ConnectionRefused)$/.test(code)) {
    return connectFailure(target, error, 1)
  }
  if (/CERT|TLS|SSL|EPROTO|ISSUER|SELF_SIGNED|HOSTNAME_MISMATCH|LEAF_SIGNATURE/.test(code)) return tlsFailure(target, error)
  if (/TooLarge|OVERFLOW/i.test(code)) return tooLarge(target, 'the permitted amount of', error)
  if (isBadHttp(code)) return malformed(target, code, error)
  return new UpstreamError({ kind: 'reset', message: `${target.peer} closed the connection before it answered${inBrackets(code)}.` }, error)
}

function bodyFailure(error: unknown, target: Target): UpstreamError {
  const code = codeOf(error)
  if (isBadHttp(code) || /Zlib|Brotli|Zstd|Decompression/i.test(code)) return malformed(target, code, error)
  return new UpstreamError(
    { kind: 'truncated', message: `${target.peer} closed the connection in the middle of its answer${inBrackets(code)}.` },
    error,
  )
}

function isBadHttp(code: string): boolean {
  return /Malformed|Invalid|Unrequested|Unsupported/i.test(code)
}

function tooLarge(target: Target, limit: string | number, cause?: unknown): UpstreamError {
  return new UpstreamError({ kind: 'too_large', message: `${target.peer} sent more than ${limit} response headers.` }, cause)
}

function malformed(target: Target, code: string, cause: unknown): UpstreamError {
  return new UpstreamError(
    { kind: 'malformed', message: `${target.peer} did not answer in HTTP/1.1 that can be read${inBrackets(code)}.` },
    cause,
  )
}

function inBrackets(code: string): string {
  return code === '' ? '' : ` (${code})`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
