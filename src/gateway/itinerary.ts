import type { Continuation, Failure, FailureKind, Retries, RouteUpstream } from '#contract'

/** What to do next for a call. */
export type Step =
  | { readonly do: 'attempt'; readonly upstream: RouteUpstream; readonly second: boolean; readonly way: Continuation }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'give-up' }

/** What the itinerary must know of the world. */
export interface Surroundings {
  /** Monotonic ms. */
  readonly now: number
  /** Milliseconds until an upstream may be asked; Infinity while another call probes it. */
  readonly availableIn: (upstream: RouteUpstream) => number
  /** Takes a second attempt from the upstream's budget (F1). */
  readonly spendSecond: (upstream: RouteUpstream) => boolean
  /** Milliseconds that the call may still wait. */
  readonly patience: number
  /** A number in [0, 1). */
  readonly chance: number
}

interface Trial {
  attempts: number
  /** Whether it may be asked again, and from when on (monotonic ms). */
  again: boolean
  notBefore: number
  way: Continuation
}

/** Failures after which the same upstream may well answer. A silent one is not asked again. */
const MAY_PASS: ReadonlySet<FailureKind> = new Set([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'rate_limited',
  'malformed',
  'truncated',
])

const NEXT_WAY: Readonly<Record<Continuation, Continuation | undefined>> = { prefill: 'instruct', instruct: 'restart', restart: undefined }

/** Rest before a second attempt at the same upstream, ms; between half and one and a half of it. */
const BACKOFF_MS = 100
/** How soon to look again whether somebody else's probe has ended, ms. */
const PROBE_POLL_MS = 25

/** Where one call may still go: every upstream once for free, then again within its limits (F1, F2, F5). No I/O. */
export class Itinerary {
  readonly #upstreams: readonly RouteUpstream[]
  readonly #retries: Retries
  readonly #firstWay: (upstream: RouteUpstream) => Continuation
  readonly #trials = new Map<string, Trial>()
  #attempts = 0
  /** An answer is to be continued, no longer begun. */
  rescuing = false

  /** `firstWay` is the way in which an upstream is first asked to continue an answer. */
  constructor(
    upstreams: readonly RouteUpstream[],
    retries: Retries,
    firstWay: (upstream: RouteUpstream) => Continuation = (upstream) => upstream.continuation,
  ) {
    this.#firstWay = firstWay
    this.#upstreams = upstreams
    this.#retries = retries
  }

  /** Whether an upstream is left that was not tried and that may be asked now. */
  untriedLeft(availableIn: (upstream: RouteUpstream) => number): boolean {
    return this.#mayGoOn && this.#upstreams.some((upstream) => !this.#trials.has(upstream.id) && availableIn(upstream) === 0)
  }

  /** The upstreams before the last one that was asked, or all, that were passed over because they rest. */
  passedOver(availableIn: (upstream: RouteUpstream) => number): RouteUpstream[] {
    const last = this.#upstreams.findLastIndex((upstream) => this.#trials.has(upstream.id))
    const before = last === -1 ? this.#upstreams : this.#upstreams.slice(0, last)
    return before.filter((upstream) => !this.#trials.has(upstream.id) && availableIn(upstream) > 0)
  }

  /** Decides what comes next; an attempt that it names counts as made. */
  next(world: Surroundings): Step {
    if (!this.#mayGoOn) return { do: 'give-up' }
    let soonest = Infinity
    for (const second of [false, true]) {
      for (const upstream of this.#upstreams) {
        const trial = this.#trials.get(upstream.id)
        if (second !== (trial !== undefined)) continue
        if (trial && !(trial.again && trial.attempts <= this.#retries.perUpstream)) continue
        const rest = trial ? Math.max(0, trial.notBefore - world.now) : 0
        const available = world.availableIn(upstream)
        const ready = Math.max(rest, available === Infinity ? PROBE_POLL_MS : available)
        if (ready > 0) soonest = Math.min(soonest, ready)
        else if (!second || world.spendSecond(upstream)) return this.#go(upstream, second)
        else if (trial) trial.again = false
      }
    }
    return soonest <= world.patience ? { do: 'wait', ms: Math.max(1, soonest) } : { do: 'give-up' }
  }

  /** Notes how an attempt failed. */
  failed(upstream: RouteUpstream, failure: Failure, world: { readonly now: number; readonly chance: number }): void {
    const trial = this.#trials.get(upstream.id)
    if (!trial) return
    const refusedWay = this.rescuing && (failure.kind === 'invalid_request' || failure.kind === 'not_joinable')
    const nextWay = refusedWay ? NEXT_WAY[trial.way] : undefined
    if (nextWay) {
      trial.way = nextWay
      trial.again = true
      trial.attempts = Math.min(trial.attempts, this.#retries.perUpstream)
      trial.notBefore = world.now
    } else {
      trial.again = MAY_PASS.has(failure.kind)
      trial.notBefore = world.now + (failure.retryAfterMs ?? BACKOFF_MS * (0.5 + world.chance))
    }
    if (failure.kind === 'context_length') this.#skipSmaller(upstream)
  }

  /** The soonest time at which an upstream of this route may be asked again, ms from now; for `Retry-After`. */
  returnsIn(availableIn: (upstream: RouteUpstream) => number): number | undefined {
    const waits = this.#upstreams.map(availableIn).filter((wait) => wait > 0 && wait !== Infinity)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }

  get #mayGoOn(): boolean {
    return this.#attempts < this.#upstreams.length + 2
  }

  #go(upstream: RouteUpstream, second: boolean): Step {
    this.#attempts++
    const trial = this.#trials.get(upstream.id)
    if (trial) trial.attempts++
    const way = trial?.way ?? this.#firstWay(upstream)
    if (!trial) this.#trials.set(upstream.id, { attempts: 1, again: false, notBefore: 0, way })
    return { do: 'attempt', upstream, second, way }
  }

  /** A context that was too small leaves only larger ones, and those not known. */
  #skipSmaller(than: RouteUpstream): void {
    const { context } = than
    if (context === undefined) return
    for (const upstream of this.#upstreams) {
      if (upstream.context !== undefined && upstream.context <= context && !this.#trials.has(upstream.id)) {
        this.#trials.set(upstream.id, { attempts: 0, again: false, notBefore: 0, way: upstream.continuation })
      }
    }
  }
}
