import { type Clock, linkSignals } from '#base'
import { type Failure, type FailureKind, type ProviderConfig, UpstreamError } from '#contract'
import { OpenAiProvider } from './openai/openai-provider.ts'
import type { Provider } from './provider.ts'

export type ProbeResult = { readonly ok: true } | { readonly failure: Failure }

const CONNECT_MS = 10_000
const HEADERS_MS = 60_000
const TOTAL_MS = 90_000
/** Answers that come only from a service that we reached, that took our credential and knows the model. */
const UNDERSTOOD: ReadonlySet<FailureKind> = new Set(['invalid_request', 'content_policy', 'context_length'])
/** Failures of the list that a call would meet too. Others (no list at that path) say nothing about the model. */
const FINAL: ReadonlySet<FailureKind> = new Set([
  'dns',
  'connect',
  'tls',
  'reset',
  'timeout_connect',
  'timeout_headers',
  'timeout_total',
  'cancelled',
  'auth',
  'redirect',
])

/**
 * Whether a provider can be reached, takes our credential and knows a model, by the cheapest check that is true: its
 * list of models, where that names the model and is closed to strangers, else one call for one token.
 */
export async function probeUpstream(
  provider: Provider,
  config: ProviderConfig,
  model: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { controller, unlink } = linkSignals(signal)
  const failure: Failure = { kind: 'timeout_total', message: `The probe took longer than ${TOTAL_MS / 1_000} s.` }
  const timer = clock.after(TOTAL_MS, () => controller.abort(new UpstreamError(failure)))
  try {
    if (await isListed(provider, config, model, controller.signal)) return { ok: true }
    await callOnce(provider, model, controller.signal)
    return { ok: true }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    return UNDERSTOOD.has(error.failure.kind) ? { ok: true } : { failure: error.failure }
  } finally {
    timer.cancel()
    unlink()
  }
}

async function isListed(provider: Provider, config: ProviderConfig, model: string, signal: AbortSignal): Promise<boolean> {
  if (!(provider instanceof OpenAiProvider)) return false
  try {
    const models = await provider.listModels({ withCredential: true }, signal)
    if (models?.has(model) !== true) return false
  } catch (error) {
    if (!(error instanceof UpstreamError) || FINAL.has(error.failure.kind)) throw error
    return false
  }
  return config.apiKey === undefined || !(await isOpenToStrangers(provider, signal))
}

/** Some services show their list to everyone, so that it proves nothing about the credential. */
async function isOpenToStrangers(provider: OpenAiProvider, signal: AbortSignal): Promise<boolean> {
  try {
    return (await provider.listModels({ withCredential: false }, signal)) !== undefined
  } catch (error) {
    if (error instanceof UpstreamError) return error.failure.kind !== 'auth'
    throw error
  }
}

async function callOnce(provider: Provider, model: string, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 })
  const response = await provider.open({ body, stream: false, connectMs: CONNECT_MS, headersMs: HEADERS_MS }, signal)
  for await (const _ of response.frames) continue
}
