import { BoundedMap, type Clock } from '#base'
import { FAILURE_KINDS, type Failure } from '#contract'

/** What is known of an upstream at this moment. */
export interface UpstreamHealth {
  /** Attempts under way. */
  readonly inFlight: number
  /** Moving average of the time to the first content, ms; undefined before the first answer. */
  readonly firstTokenMs: number | undefined
  /** Wall time since when every attempt has failed, ms since the epoch; undefined when the last one worked. */
  readonly failingSince: number | undefined
  readonly lastFailure: Failure | undefined
}

interface Entry {
  inFlight: number
  firstTokenMs: number | undefined
  failingSince: number | undefined
  lastFailure: Failure | undefined
}

const UNKNOWN: UpstreamHealth = { inFlight: 0, firstTokenMs: undefined, failingSince: undefined, lastFailure: undefined }

/** Upstreams that are remembered: callers can make up names of models. */
const MOST_KNOWN = 2_000
/** Share of the newest value in the moving average. */
const NEWEST = 0.2

/** The health view that routing reads: memory only, so the data path never waits for it. */
export class Health {
  readonly #clock: Clock
  readonly #upstreams = new BoundedMap<string, Entry>(MOST_KNOWN)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes that an attempt at `upstream` begins; must be followed by one `ended`. */
  began(upstream: string): void {
    this.#entry(upstream).inFlight++
  }

  /** Notes how an attempt ended. Faults of the caller and cancelled attempts say nothing about the upstream. */
  ended(upstream: string, outcome: 'ok' | 'neutral' | Failure, firstTokenMs: number | null): void {
    const entry = this.#entry(upstream)
    entry.inFlight = Math.max(0, entry.inFlight - 1)
    if (firstTokenMs !== null) {
      entry.firstTokenMs = entry.firstTokenMs === undefined ? firstTokenMs : entry.firstTokenMs * (1 - NEWEST) + firstTokenMs * NEWEST
    }
    if (outcome === 'neutral' || (outcome !== 'ok' && FAILURE_KINDS[outcome.kind].scope === 'request')) return
    if (outcome === 'ok') {
      entry.failingSince = undefined
      entry.lastFailure = undefined
    } else {
      entry.failingSince ??= this.#clock.now()
      entry.lastFailure = outcome
    }
  }

  /** The view of one upstream. */
  of(upstream: string): UpstreamHealth {
    return this.#upstreams.get(upstream) ?? UNKNOWN
  }

  /** All upstreams that were ever tried. */
  all(): Iterable<[string, UpstreamHealth]> {
    return this.#upstreams.entries()
  }

  #entry(upstream: string): Entry {
    return this.#upstreams.entry(upstream, () => ({ ...UNKNOWN }))
  }
}
