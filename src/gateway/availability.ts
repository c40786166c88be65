import { BoundedMap, type Clock, SlidingWindow } from '#base'
import { type Continuation, FAILURE_KINDS, type Failure, type Retries, type Route, type RouteUpstream } from '#contract'
import type { RateLimits } from '#providers'
import { admitsIn, type BreakerEvent, type BreakerState, CLOSED, reduce } from './breaker.ts'

/** How an attempt ended, as far as breakers are concerned; `neutral` says nothing about the upstream. */
export type Verdict = 'ok' | 'neutral' | Failure

/** A place at an upstream, to be given back once with how the attempt ended. */
export interface Permit {
  /** The first content has come: a probe has shown what it was sent for, however long its answer takes (F4). */
  answers(): void
  done(verdict: Verdict): void
}

/** What one key (an upstream or an account) has been through. */
interface Track {
  breaker: BreakerState
  /** Counts the breaker's changes of state: an outcome counts only in the stage that its attempt began in. */
  stage: number
  /** Monotonic ms before which it asked not to be called. */
  coolingUntil: number
  /** Monotonic ms until which it is taken to refuse a prefill. */
  noPrefillUntil: number
  /** What it said was left of its rate limit, and until when that holds. */
  limits: (RateLimits & { readonly until: number }) | undefined
  /** Attempts of the last seconds, and how many of them were second ones (F1). */
  readonly budget: SlidingWindow<'all' | 'second'>
}

/** Upstreams that no model names and that are remembered all the same: callers can make up as many as they like. */
const MOST_MADE_UP = 1_000
/** Second attempts that are always allowed within the window (F1). */
const ALWAYS_ALLOWED = 10
/** How long it is remembered that an upstream refused a prefill. */
const NO_PREFILL_MS = 600_000
const BUDGET_WINDOW_MS = 10_000
/** Rest after a 429 that names no time. */
const DEFAULT_REST_MS = 1_000

/**
 * Whether an upstream may be asked now, in milliseconds from now: breakers per upstream and per account, what the account
 * asked for in `Retry-After`, and the budget for second attempts. Memory only; keyed by our own names, never by host.
 */
export class Availability {
  readonly #clock: Clock
  readonly #upstreams = new Map<string, Track>()
  readonly #madeUp = new BoundedMap<string, Track>(MOST_MADE_UP)
  readonly #accounts = new Map<string, Track>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until `upstream` may be asked; 0 is now. Infinity: not before somebody else's probe has ended. */
  availableIn(upstream: RouteUpstream): number {
    return Math.max(this.#wait(this.#known(upstream)), this.#wait(this.#accounts.get(upstream.provider)))
  }

  /** What is left of the account's rate limit, in [0, 1]. */
  remaining(upstream: RouteUpstream): number {
    const limits = this.#accounts.get(upstream.provider)?.limits
    return limits && limits.until > this.#clock.monotonic() ? limits.remaining : 1
  }

  /** The state of an upstream's own breaker and of its account's. */
  states(upstream: RouteUpstream): { upstream: BreakerState['state']; account: BreakerState['state'] } {
    return {
      upstream: this.#known(upstream)?.breaker.state ?? 'closed',
      account: this.#accounts.get(upstream.provider)?.breaker.state ?? 'closed',
    }
  }

  /** Takes a place at an upstream that is available now. */
  admit(upstream: RouteUpstream, route: Route): Permit {
    const own = this.#known(upstream) ?? this.#track(route.named ? this.#upstreams : this.#madeUp, upstream.id)
    const account = this.#accounts.get(upstream.provider) ?? this.#track(this.#accounts, upstream.provider)
    own.budget.add('all')
    const places = [this.#enter(own, route), this.#enter(account, route)] as const
    return {
      answers: () => places.forEach((place) => place.answers()),
      done: (verdict) => {
        const charged = typeof verdict === 'string' ? verdict : chargedTo(verdict)
        places[0].done(charged === 'upstream' ? 'failed' : charged === 'ok' ? 'ok' : 'neutral')
        places[1].done(charged === 'account' ? 'failed' : charged === 'ok' ? 'ok' : 'neutral')
        if (typeof verdict !== 'string') this.#rest(verdict.kind === 'rate_limited' || charged === 'account' ? account : own, verdict)
      },
    }
  }

  /** Remembers what the account said of its limits. */
  noteLimits(upstream: RouteUpstream, limits: RateLimits): void {
    const account = this.#accounts.get(upstream.provider) ?? this.#track(this.#accounts, upstream.provider)
    account.limits = { ...limits, until: this.#clock.monotonic() + limits.resetMs }
  }

  /** Remembers for a while that an upstream refused to continue a prefill. */
  notePrefillRefused(upstream: RouteUpstream): void {
    const track = this.#known(upstream)
    if (track) track.noPrefillUntil = this.#clock.monotonic() + NO_PREFILL_MS
  }

  /** The way in which an upstream is first asked to continue an answer. */
  firstWay(upstream: RouteUpstream): Continuation {
    const refuses = (this.#known(upstream)?.noPrefillUntil ?? -Infinity) > this.#clock.monotonic()
    return refuses && upstream.continuation === 'prefill' ? 'instruct' : upstream.continuation
  }

  /** Takes one second attempt from the upstream's budget; false when it is spent (F1). */
  spendSecond(upstream: RouteUpstream, retries: Retries): boolean {
    const { budget } = this.#known(upstream) ?? this.#track(this.#madeUp, upstream.id)
    if (budget.sum('second') >= Math.max(ALWAYS_ALLOWED, Math.floor(budget.sum('all') * retries.budget))) return false
    budget.add('second')
    return true
  }

  /** A place at one breaker. An outcome counts only in the stage that the attempt began in, or that it brought about. */
  #enter(track: Track, route: Route): { answers(): void; done(event: BreakerEvent): void } {
    this.#apply(track, 'admit', route)
    let { stage } = track
    return {
      answers: () => {
        if (track.stage !== stage || track.breaker.state !== 'half-open') return
        this.#apply(track, 'ok', route)
        stage = track.stage
      },
      done: (event) => {
        if (track.stage === stage) this.#apply(track, event, route)
      },
    }
  }

  #known(upstream: RouteUpstream): Track | undefined {
    return this.#upstreams.get(upstream.id) ?? this.#madeUp.get(upstream.id)
  }

  #track(tracks: Map<string, Track>, key: string): Track {
    const track = {
      breaker: CLOSED,
      stage: 0,
      coolingUntil: -Infinity,
      noPrefillUntil: -Infinity,
      limits: undefined,
      budget: new SlidingWindow<'all' | 'second'>(this.#clock, BUDGET_WINDOW_MS),
    }
    if (tracks instanceof BoundedMap) return tracks.entry(key, () => track)
    tracks.set(key, track)
    return track
  }

  #rest(track: Track, failure: Failure): void {
    const rest = failure.retryAfterMs ?? (failure.kind === 'rate_limited' ? DEFAULT_REST_MS : 0)
    if (rest > 0) track.coolingUntil = Math.max(track.coolingUntil, this.#clock.monotonic() + rest)
  }

  #wait(track: Track | undefined): number {
    if (!track) return 0
    const now = this.#clock.monotonic()
    return Math.max(admitsIn(track.breaker, now), track.coolingUntil - now, 0)
  }

  #apply(to: Track, event: BreakerEvent, route: Route): void {
    const next = reduce(to.breaker, event, route.breaker, this.#clock.monotonic())
    if (next.state !== to.breaker.state) to.stage++
    to.breaker = next
  }
}

/** Whose breaker a failure charges. The caller's own fault shows that the upstream works; a busy account only rests. */
function chargedTo(failure: Failure): 'upstream' | 'account' | 'ok' | 'neutral' {
  const { scope } = FAILURE_KINDS[failure.kind]
  if (failure.kind === 'rate_limited') return 'neutral'
  if (scope === 'request') return failure.status === undefined ? 'neutral' : 'ok'
  return scope === 'upstream' ? 'upstream' : 'account'
}
