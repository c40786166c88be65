import { type Clock, firstOf, TIMED_OUT } from '#base'
import { type Failure, type ProviderConfig, UpstreamError } from '#contract'
import { classifyResponse } from '../classify.ts'
import type { HttpClient, HttpResponse } from '../http/http-client.ts'
import type { Provider, UpstreamRequest, UpstreamResponse } from '../provider.ts'
import { readRateLimits } from '../rate-limits.ts'
import type { ReadContext } from './event-frame.ts'
import { StreamFrames, WholeFrames } from './frames.ts'
import { readModelList } from './model-list.ts'

/** How much of an error response is read, and for how long. */
const ERROR_BYTES = 65_536
const ERROR_MS = 1_000
const MODEL_LIST_BYTES = 8 * 1_024 * 1_024
const MODEL_LIST_MS = 15_000

export interface OpenAiProviderParts {
  readonly client: HttpClient
  readonly clock: Clock
  /** What we call ourselves, `holdfast/1.2.3`. */
  readonly userAgent: string
}

/** A provider that speaks OpenAI's Chat Completions: OpenAI itself and everything compatible with it. */
export function createOpenAiProvider(config: ProviderConfig, parts: OpenAiProviderParts): OpenAiProvider {
  return new OpenAiProvider(config, parts)
}

/** One account at a service that speaks OpenAI's Chat Completions. */
export class OpenAiProvider implements Provider {
  readonly id: string
  readonly #config: ProviderConfig
  readonly #client: HttpClient
  readonly #clock: Clock
  readonly #chatUrl: URL
  readonly #userAgent: string
  readonly #streamHeaders: Readonly<Record<string, string>>
  readonly #wholeHeaders: Readonly<Record<string, string>>
  readonly #context: ReadContext

  constructor(config: ProviderConfig, { client, clock, userAgent }: OpenAiProviderParts) {
    this.id = config.id
    this.#config = config
    this.#client = client
    this.#clock = clock
    this.#userAgent = userAgent
    this.#chatUrl = under(config.baseUrl, 'chat/completions')
    const headers = { ...this.#credentials(), 'content-type': 'application/json', 'user-agent': userAgent }
    this.#streamHeaders = { ...headers, accept: 'text/event-stream' }
    this.#wholeHeaders = { ...headers, accept: 'application/json' }
    this.#context = { now: () => clock.now(), credential: config.apiKey }
  }

  /** Whether it is what this config describes. */
  serves(config: ProviderConfig): boolean {
    const own = this.#config
    return own.id === config.id && own.kind === config.kind && own.baseUrl === config.baseUrl && own.apiKey === config.apiKey
  }

  async open(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    const response = await this.#client.send(
      {
        method: 'POST',
        url: this.#chatUrl,
        headers: request.stream ? this.#streamHeaders : this.#wholeHeaders,
        body: request.body,
        connectMs: request.connectMs,
        headersMs: request.headersMs,
      },
      signal,
    )
    const { status, phases, headers, body } = response
    if (!isSuccess(status)) throw new UpstreamError(await this.#classify(response))
    const rateLimits = readRateLimits(headers, this.#clock.now())
    return {
      head: rateLimits === undefined ? { status } : { status, rateLimits },
      phases,
      frames: request.stream ? new StreamFrames(body, this.#context, this.#clock) : new WholeFrames(body, this.#context),
    }
  }

  /** The models that the provider lists, `undefined` when it answers with something else; throws `UpstreamError`. */
  async listModels(options: { readonly withCredential: boolean }, signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    const credentials = options.withCredential ? this.#credentials() : {}
    const response = await this.#client.send(
      {
        method: 'GET',
        url: under(this.#config.baseUrl, 'models'),
        headers: { ...credentials, accept: 'application/json', 'user-agent': this.#userAgent },
        connectMs: MODEL_LIST_MS,
        headersMs: MODEL_LIST_MS,
      },
      signal,
    )
    if (!isSuccess(response.status)) throw new UpstreamError(await this.#classify(response))
    return readModelList(await this.#readSome(response, MODEL_LIST_BYTES, MODEL_LIST_MS))
  }

  close(): void {
    this.#client.close()
  }

  async #classify(response: HttpResponse): Promise<Failure> {
    return classifyResponse({
      status: response.status,
      headers: response.headers,
      body: await this.#readSome(response, ERROR_BYTES, ERROR_MS),
      now: this.#clock.now(),
      credential: this.#config.apiKey,
    })
  }

  /** The start of a body as text. What cannot be read in time or breaks off does not matter: what came is used. */
  async #readSome(response: HttpResponse, mostBytes: number, mostMs: number): Promise<string> {
    const reads: Uint8Array[] = []
    const end = this.#clock.monotonic() + mostMs
    let size = 0
    try {
      for (;;) {
        const read = await firstOf(this.#clock, response.body.next(), Math.max(0, end - this.#clock.monotonic()))
        if (read === TIMED_OUT || read.done === true) break
        reads.push(read.value)
        size += read.value.length
        if (size >= mostBytes) break
      }
      await response.body.return?.()
    } catch {
      // The status is known, which says more than how its body ended.
    }
    return Buffer.concat(reads).toString('utf8')
  }

  #credentials(): Readonly<Record<string, string>> {
    return this.#config.apiKey === undefined ? {} : { authorization: `Bearer ${this.#config.apiKey}` }
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** The address of a resource under a base URL, which may have a query of its own. */
function under(baseUrl: string, path: string): URL {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return url
}
