import type { ConfigSnapshot } from '#contract'
import type { Health, UpstreamHealth } from '#health'

/** The upstreams whose every recent attempt failed, of those that the config's models name: callers can make up others. */
export function failingUpstreams({ models }: ConfigSnapshot, health: Health): ReadonlyMap<string, UpstreamHealth> {
  const failing = new Map<string, UpstreamHealth>()
  for (const { upstreams } of models.values()) {
    for (const { id } of upstreams) {
      const known = health.of(id)
      if (known.failingSince !== undefined) failing.set(id, known)
    }
  }
  return failing
}
