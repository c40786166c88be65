import { systemClock } from '#base'
import type { ProviderConfig } from '#contract'
import { createProviders, probeUpstream } from '#providers'
import type { ProbeResult } from './check.ts'

/** Asks an upstream of a checked document, over a connection of its own. */
export function probeConfigured(
  env: Readonly<Record<string, string | undefined>>,
): (config: ProviderConfig, model: string) => Promise<ProbeResult> {
  return async (config, model) => {
    const provider = createProviders([config], { clock: systemClock, env }).get(config.id)
    if (!provider) return { ok: false, message: `${config.id} is no provider.` }
    try {
      const result = await probeUpstream(provider, config, model, systemClock, new AbortController().signal)
      return 'ok' in result ? result : { ok: false, message: result.failure.message }
    } finally {
      provider.close()
    }
  }
}
