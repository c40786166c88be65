import { nearest, sha256 } from '#base'
import type { ConfigSnapshot, Deadlines, ProviderConfig, Route, RouteUpstream } from '#contract'
import { type Environment, credential } from './cross-check.ts'
import { type ConfigDocument, documentSchema, ROUTE_DEFAULTS, splitUpstream } from './document-schema.ts'

type ProviderEntry = ConfigDocument['providers'][string]
type ModelEntry = ConfigDocument['models'][string]
type UpstreamEntry = ModelEntry['upstreams'][number]

const OPENAI_URL = 'https://api.openai.com/v1'

/** The version of a document: the first characters of its text's hash. */
export function versionOf(text: string): string {
  return sha256(text).slice(0, 12)
}

/** The snapshot of a document that was judged to be valid, its references resolved, frozen. */
export function buildSnapshot(document: ConfigDocument, environment: Environment, version: string, loadedAt: number): ConfigSnapshot {
  return Object.freeze({
    version,
    loadedAt,
    providers: new Map(Object.entries(document.providers).map(([id, entry]) => [id, provider(id, entry, environment)])),
    models: new Map(Object.entries(document.models).map(([name, entry]) => [name, route(name, entry)])),
    limits: Object.freeze({ ...document.limits }),
  })
}

/** What runs when there is no document at all: it serves nothing, and its version is `none`. */
export function emptySnapshot(loadedAt: number): ConfigSnapshot {
  return buildSnapshot(documentSchema.parse({ providers: {} }), {}, 'none', loadedAt)
}

/** The route of a public name, or of a `provider/model` asked for directly; undefined when there is neither. */
export function routeFor(snapshot: ConfigSnapshot, model: string): Route | undefined {
  const named = snapshot.models.get(model)
  if (named) return named
  const parts = splitUpstream(model)
  if (!parts || !snapshot.providers.has(parts.provider)) return undefined
  return {
    model,
    named: false,
    upstreams: [{ id: model, provider: parts.provider, model: parts.model, weight: 1, continuation: 'instruct' }],
    balance: 'order',
    deadlines: {},
    retries: ROUTE_DEFAULTS.retries,
    breaker: ROUTE_DEFAULTS.breaker,
    rescue: 'auto',
  }
}

/** Up to three names that could have been asked for instead, nearest first. */
export function nearestModels(snapshot: ConfigSnapshot, model: string): string[] {
  const direct = [...snapshot.models.values()].flatMap((entry) => entry.upstreams.map((upstream) => upstream.id))
  const names = nearest(model, new Set([...snapshot.models.keys(), ...direct]))
  const parts = splitUpstream(model)
  if (names.length > 0 || !parts) return names
  return nearest(parts.provider, snapshot.providers.keys(), 1).map((provider) => `${provider}/${parts.model}`)
}

function provider(id: string, entry: ProviderEntry, environment: Environment): ProviderConfig {
  const baseUrl = entry.kind === 'scripted' ? 'scripted:' : (entry.baseUrl ?? OPENAI_URL)
  const common = { id, kind: entry.kind, baseUrl }
  return Object.freeze(entry.apiKey === undefined ? common : { ...common, apiKey: credential(environment, entry.apiKey) })
}

function route(model: string, entry: ModelEntry): Route {
  const common = {
    model,
    named: true,
    upstreams: Object.freeze(entry.upstreams.flatMap(upstream)),
    balance: entry.balance,
    deadlines: Object.freeze(deadlines(entry.deadlines)),
    retries: Object.freeze({ ...entry.retries }),
    breaker: Object.freeze({ ...entry.breaker }),
    rescue: entry.rescue,
  }
  return Object.freeze(entry.slow === undefined ? common : { ...common, slow: Object.freeze({ ...entry.slow }) })
}

function upstream(entry: UpstreamEntry): RouteUpstream[] {
  const parts = splitUpstream(entry.upstream)
  if (!parts) return []
  const common = { id: entry.upstream, ...parts, weight: entry.weight, continuation: entry.continuation }
  return [Object.freeze(entry.context === undefined ? common : { ...common, context: entry.context })]
}

/** Only what was written: what is left out depends on the call. */
function deadlines(entry: ModelEntry['deadlines']): Deadlines {
  return {
    ...(entry.connect === undefined ? {} : { connect: entry.connect }),
    ...(entry.headers === undefined ? {} : { headers: entry.headers }),
    ...(entry.firstToken === undefined ? {} : { firstToken: entry.firstToken }),
    ...(entry.stall === undefined ? {} : { stall: entry.stall }),
    ...(entry.total === undefined ? {} : { total: entry.total }),
  }
}
