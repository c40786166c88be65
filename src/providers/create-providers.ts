import type { Clock } from '#base'
import type { ProviderConfig } from '#contract'
import { createFetchClient } from './http/fetch-client.ts'
import type { HttpClient } from './http/http-client.ts'
import { proxyFor } from './http/proxy-choice.ts'
import { createSocketClient } from './http/socket-client.ts'
import { createOpenAiProvider, OpenAiProvider } from './openai/openai-provider.ts'
import type { Provider } from './provider.ts'
import type { Script } from './scripted/script.ts'
import { createScriptedProvider, friendlyScript } from './scripted/scripted-provider.ts'

export interface CreateProvidersOptions {
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  /** Those of the snapshot before; what has not changed is taken from it, so that connections outlive a reload. */
  readonly previous?: ReadonlyMap<string, Provider>
  /** For our `user-agent`. */
  readonly version?: string
  /** What providers of kind `scripted` do, by id. */
  readonly scripts?: ReadonlyMap<string, Script>
}

/**
 * The providers of a snapshot by id. Those of the one before that are in it no more are the caller's to close, at once:
 * calls in flight finish undisturbed.
 */
export function createProviders(configs: Iterable<ProviderConfig>, options: CreateProvidersOptions): Map<string, Provider> {
  const providers = new Map<string, Provider>()
  for (const config of configs) {
    const known = options.previous?.get(config.id)
    providers.set(config.id, known instanceof OpenAiProvider && known.serves(config) ? known : createProvider(config, options))
  }
  return providers
}

function createProvider(config: ProviderConfig, options: CreateProvidersOptions): Provider {
  const { clock, version } = options
  switch (config.kind) {
    case 'openai':
    case 'openai-compatible':
      return createOpenAiProvider(config, {
        client: createClient(config, options),
        clock,
        userAgent: version === undefined ? 'holdfast' : `holdfast/${version}`,
      })
    case 'scripted':
      return createScriptedProvider(config, options.scripts?.get(config.id) ?? friendlyScript, clock)
    default:
      return config.kind satisfies never
  }
}

/** Sockets of our own, which tell the phases apart; `fetch` where only a proxy leads out. */
function createClient(config: ProviderConfig, { clock, env }: CreateProvidersOptions): HttpClient {
  const proxy = proxyFor(new URL(config.baseUrl), env)
  return proxy === undefined ? createSocketClient({ clock }) : createFetchClient({ clock, proxy })
}
