/** Where calls go: a port of this machine, a path, and the name of the model in the body. */
export interface Target {
  readonly port: number
  readonly path: string
  readonly model: string
}

/** What the load process is asked to do. */
export type Job =
  | CallsJob
  /** Opens streams and leaves them open until `release`. */
  | { readonly kind: 'hold'; readonly target: Target; readonly streams: number }
  | { readonly kind: 'release' }

export interface CallsJob {
  readonly kind: 'calls'
  readonly target: Target
  readonly stream: boolean
  /** Connections; each makes one call after the other. */
  readonly connections: number
  /** Calls in all; or, with `forMs`, as many as fit. */
  readonly calls: number
  readonly forMs?: number
  /** Tokens of each answer. */
  readonly tokens: number
  /** Whether each answer's text is compared with what it must be, and not only its status and its end. */
  readonly check: boolean
}

/** How a job went; times in ms. */
export interface JobReport {
  readonly calls: number
  /** Calls with a whole answer. */
  readonly whole: number
  readonly seconds: number
  /** Of calls with a whole answer: from the first byte of the request to the last of the answer, and to its first token. */
  readonly latency: Spread
  readonly firstToken: Spread
}

export interface Spread {
  readonly p50: number
  readonly p99: number
}

/** What the upstream process says when it listens: the port of each behaviour. */
export type UpstreamPorts = Readonly<Record<Behaviour, number>>

export const BEHAVIOURS = ['good', 'resetting', 'unavailable', 'silent', 'cutting', 'idle'] as const

/** How an upstream of the bench treats a request. */
export type Behaviour = (typeof BEHAVIOURS)[number]

/** A port below those that the system hands out and where nothing listens: connections to it are refused. */
export const REFUSING_PORT = 1
