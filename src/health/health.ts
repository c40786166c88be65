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
  /** Monotonic ms of the last first token. */
  measuredAt: number
  inFlight: number
  firstTokenMs: number | undefined
  failingSince: number | undefined
  lastFailure: Failure | undefined
}

const UNKNOWN: UpstreamHealth = { inFlight: 0, firstTokenMs: undefined, failingSince: undefined, lastFailure: undefined }

/** Upstreams that no model names and that are remembered all the same: callers can make up as many as they like. */
const MOST_MADE_UP = 1_000
/** How long a figure holds, ms: an upstream that was slow once must be able to show that it no longer is. */
const FIGURE_MS = 30_000
/** Share of the newest value in the moving average. */
const NEWEST = 0.2

/** The health view that routing reads: memory only, so the data path never waits for it. */
export class Health {
  readonly #clock: Clock
  readonly #upstreams = new Map<string, Entry>()
  readonly #madeUp = new BoundedMap<string, Entry>(MOST_MADE_UP)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes that an attempt at `upstream` begins; must be followed by one `ended`. `named`: a model of the config names it. */
  began(upstream: string, named = true): void {
    this.#entry(upstream, named).inFlight++
  }

  /** Notes how an attempt ended. Faults of the caller and cancelled attempts say nothing about the upstream. */
  ended(upstream: string, outcome: 'ok' | 'neutral' | Failure, firstTokenMs: number | null): void {
    const entry = this.#entry(upstream, false)
    entry.inFlight = Math.max(0, entry.inFlight - 1)
    if (firstTokenMs !== null) {
      entry.measuredAt = this.#clock.monotonic()
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
    const entry = this.#known(upstream)
    if (!entry) return UNKNOWN
    if (entry.firstTokenMs !== undefined && this.#clock.monotonic() - entry.measuredAt > FIGURE_MS) entry.firstTokenMs = undefined
    return entry
  }

  #known(upstream: string): Entry | undefined {
    return this.#upstreams.get(upstream) ?? this.#madeUp.get(upstream)
  }

  #entry(upstream: string, named: boolean): Entry {
    const known = this.#known(upstream)
    if (known) return known
    const entry = { ...UNKNOWN, measuredAt: 0 }
    if (named) this.#upstreams.set(upstream, entry)
    else this.#madeUp.entry(upstream, () => entry)
    return entry
  }
}
