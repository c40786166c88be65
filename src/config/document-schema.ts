import type { Balance, Continuation, ProviderKind } from '#contract'
import { z } from 'zod'
import { readBaseUrl } from './base-url.ts'
import { amount, bytes, choice, duration, leaf, share, whole } from './leaf.ts'
import type { Path } from './problem.ts'
import { referenceName } from './secrets.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const DAY = 24 * HOUR

const KINDS = ['openai', 'openai-compatible', 'scripted'] as const satisfies readonly ProviderKind[]
const BALANCES = ['order', 'weighted', 'least-loaded', 'fastest'] as const satisfies readonly Balance[]
const CONTINUATIONS = ['prefill', 'instruct', 'restart'] as const satisfies readonly Continuation[]

/** A name of an upstream's model: visible ASCII, since it travels in headers. */
const UPSTREAM_MODEL = /^[\x21-\x7e]{1,256}$/

/** Splits `provider/model` at its first slash; undefined when it is none. */
export function splitUpstream(text: string): { provider: string; model: string } | undefined {
  const slash = text.indexOf('/')
  const model = text.slice(slash + 1)
  return slash < 1 || !UPSTREAM_MODEL.test(model) ? undefined : { provider: text.slice(0, slash), model }
}

const apiKey = leaf((found) => {
  const name = typeof found === 'string' ? referenceName(found) : undefined
  if (name !== undefined) return { value: name }
  return {
    code: 'literal_secret',
    says: 'is not a reference; what was found is not shown',
    expected: 'one reference to an environment variable, `"${NAME}"`',
    remedy: 'Put the credential into an environment variable and write `apiKey: "${NAME}"` with its name.',
    secret: true,
  }
})

const upstream = leaf((found) => {
  if (typeof found === 'string' && splitUpstream(found)) return { value: found }
  return {
    code: 'bad_upstream',
    expected: '`provider/model`',
    remedy: 'Write the name of a provider, a slash, and its name for the model.',
  }
})

const SHAPES = {
  provider: { kind: choice(KINDS), baseUrl: leaf(readBaseUrl).optional(), apiKey: apiKey.optional() },
  upstream: {
    upstream,
    weight: amount(0.001, 1_000_000).default(1),
    context: whole(1, 1_000_000_000).optional(),
    continuation: choice(CONTINUATIONS).default('instruct'),
  },
  deadlines: {
    connect: duration(1, HOUR).optional(),
    headers: duration(1, DAY).optional(),
    firstToken: duration(1, DAY).optional(),
    stall: duration(1, DAY).optional(),
    total: duration(1, DAY).optional(),
  },
  slow: { tokensPerSecond: amount(0.01, 1_000_000), over: duration(1, HOUR) },
  retries: { perUpstream: whole(0, 10).default(1), budget: share(0).default(0.2) },
  breaker: {
    failures: whole(1, 1_000_000).default(5),
    window: duration(10, HOUR).default(10_000),
    share: share(0.01).default(0.5),
    minimum: whole(1, 1_000_000).default(10),
    cooldown: duration(1, HOUR).default(1_000),
    maxCooldown: duration(1, DAY).default(5_000),
  },
  limits: {
    concurrency: whole(1, 1_000_000).default(2_000),
    wait: duration(0, HOUR).default(5_000),
    body: bytes(1024, 1024 ** 3).default(32 * 1024 ** 2),
    slowReader: duration(1, HOUR).default(30_000),
  },
}

const upstreamEntry = z.preprocess((entry) => (typeof entry === 'string' ? { upstream: entry } : entry), z.strictObject(SHAPES.upstream))

const MODEL_SHAPE = {
  upstreams: z.array(upstreamEntry).min(1),
  balance: choice(BALANCES).default('order'),
  deadlines: z.strictObject(SHAPES.deadlines).prefault({}),
  slow: z.strictObject(SHAPES.slow).optional(),
  retries: z.strictObject(SHAPES.retries).prefault({}),
  breaker: z.strictObject(SHAPES.breaker).prefault({}),
  rescue: choice(['auto', 'never']).default('auto'),
}

const version = leaf((found) =>
  found === 1
    ? { value: found }
    : { code: 'bad_version', expected: '`1`', remedy: 'Write `version: 1`, or leave it out. A newer document needs a newer Holdfast.' },
)

const DOCUMENT_SHAPE = {
  version: version.optional(),
  providers: z.record(z.string(), z.strictObject(SHAPES.provider)),
  models: z.record(z.string(), z.strictObject(MODEL_SHAPE)).default({}),
  limits: z.strictObject(SHAPES.limits).prefault({}),
}

/** The config document: strict everywhere, with its defaults. What its parts say about each other is judged by `crossCheck`. */
export const documentSchema = z.strictObject(DOCUMENT_SHAPE)

/** The document as the schema reads it. `apiKey` is the name of the variable. */
export type ConfigDocument = z.output<typeof documentSchema>

/** What a direct `provider/model` gets, and a route that leaves things out. */
export const ROUTE_DEFAULTS = {
  retries: z.strictObject(SHAPES.retries).parse({}),
  breaker: z.strictObject(SHAPES.breaker).parse({}),
}

/** The keys that every map of the document may have, by its path with `*` for names. */
export const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', Object.keys(DOCUMENT_SHAPE)],
  ['providers.*', Object.keys(SHAPES.provider)],
  ['models.*', Object.keys(MODEL_SHAPE)],
  ['models.*.upstreams.*', Object.keys(SHAPES.upstream)],
  ['models.*.deadlines', Object.keys(SHAPES.deadlines)],
  ['models.*.slow', Object.keys(SHAPES.slow)],
  ['models.*.retries', Object.keys(SHAPES.retries)],
  ['models.*.breaker', Object.keys(SHAPES.breaker)],
  ['limits', Object.keys(SHAPES.limits)],
])

/** The path in the form of `KNOWN_KEYS`. */
export function shapeOf(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' || (index === 1 && (path[0] === 'providers' || path[0] === 'models')) ? '*' : step))
    .join('.')
}
