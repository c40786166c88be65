export type ProviderKind = 'openai' | 'openai-compatible' | 'scripted'

/** One account at an AI service. */
export interface ProviderConfig {
  readonly id: string
  readonly kind: ProviderKind
  /** With `/v1` at the end where the service has it; without a trailing slash. */
  readonly baseUrl: string
  /** The credential itself, resolved from the environment. Never logged, stored or sent anywhere but `baseUrl` (X1, X3). */
  readonly apiKey?: string
}

/** How an upstream goes on with an answer that another one began: given it as its own, told to, or asked again. */
export type Continuation = 'prefill' | 'instruct' | 'restart'

/** One upstream of a route. */
export interface RouteUpstream {
  /** `provider/model`. */
  readonly id: string
  readonly provider: string
  /** The provider's own name for the model; may contain slashes. */
  readonly model: string
  readonly weight: number
  /** Tokens of context; undefined when not known. */
  readonly context?: number
  /** The first way that is tried when it has to continue an answer. */
  readonly continuation: Continuation
}

export type Balance = 'order' | 'weighted' | 'least-loaded' | 'fastest'

/** Deadlines in ms, only as written in the document; what is left out depends on the call. */
export interface Deadlines {
  readonly connect?: number
  readonly headers?: number
  readonly firstToken?: number
  readonly stall?: number
  readonly total?: number
}

/** Below this many tokens a second, over this many ms, an answer is taken elsewhere. */
export interface Slow {
  readonly tokensPerSecond: number
  readonly over: number
}

export interface Retries {
  /** Further attempts of one call at one upstream. */
  readonly perUpstream: number
  /** Share of an upstream's attempts over 10 s that may be second ones (F1). */
  readonly budget: number
}

export interface Breaker {
  /** Failures in a row that open it. */
  readonly failures: number
  readonly window: number
  /** Share of failures in the window that opens it, once there were `minimum` attempts. */
  readonly share: number
  readonly minimum: number
  /** Milliseconds before the first probe; doubled after each failed one, up to `maxCooldown`. */
  readonly cooldown: number
  readonly maxCooldown: number
}

/** A model that clients ask for, and how it is served. */
export interface Route {
  readonly model: string
  /** Whether it is named under `models`, or a `provider/model` asked for directly. */
  readonly named: boolean
  readonly upstreams: readonly RouteUpstream[]
  readonly balance: Balance
  readonly deadlines: Deadlines
  readonly slow?: Slow
  readonly retries: Retries
  readonly breaker: Breaker
  readonly rescue: 'auto' | 'never'
}

export interface Limits {
  /** Calls in flight. */
  readonly concurrency: number
  /** Longest wait for a place, or for a cooling upstream, ms. */
  readonly wait: number
  /** Largest request body, bytes. */
  readonly body: number
  /** A client that reads nothing for this long is closed, ms. */
  readonly slowReader: number
}

/** One valid config document, resolved and frozen. Calls keep the one that they began with (C2). */
export interface ConfigSnapshot {
  /** First characters of the document's hash. */
  readonly version: string
  /** Wall time, ms since the epoch. */
  readonly loadedAt: number
  readonly providers: ReadonlyMap<string, ProviderConfig>
  /** By public name. */
  readonly models: ReadonlyMap<string, Route>
  readonly limits: Limits
}
