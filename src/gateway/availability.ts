import { BoundedMap, type Clock, SlidingWindow } from '#base'
import { FAILURE_KINDS, type Failure, type Retries, type Route, type RouteUpstream } from '#contract'
import type { RateLimits } from '#providers'
import { admitsIn, type BreakerEvent, type BreakerState, CLOSED, reduce } from './breaker.ts'

/** How an attempt ended, as far as breakers are concerned; `neutral` says nothing about the upstream. */
export type Verdict = 'ok' | 'neutral' | Failure

/** A place at an upstream, to be given back once with how the attempt ended. */
export interface Permit {
  done(verdict: Verdict): void
}

/** What one key (an upstream or an account) has been through. */
interface Record {
  breaker: BreakerState
  /** Counts the breaker's changes of state: an outcome counts only in the stage that its attempt began in. */
  stage: number
  /** Monotonic ms before which it asked not to be called. */
  coolingUntil: number
  /** What it said was left of its rate limit, and until when that holds. */
  limits: (RateLimits & { readonly until: number }) | undefined
}

/** Upstreams that are remembered: callers can make up names of models. */
const MOST_KNOWN = 2_000
/** Second attempts that are always allowed within the window (F1). */
const ALWAYS_ALLOWED = 10
const BUDGET_WINDOW_MS = 10_000
/** Rest after a 429 that names no time. */
const DEFAULT_REST_MS = 1_000

/**
 * Whether an upstream may be asked now, in milliseconds from now: breakers per upstream and per account, what the account
 * asked for in `Retry-After`, and the budget for second attempts. Memory only; keyed by our own names, never by host.
 */
export class Availability {
  readonly #clock: Clock
  readonly #upstreams = new BoundedMap<string, Record>(MOST_KNOWN)
  readonly #accounts = new BoundedMap<string, Record>(MOST_KNOWN)
  readonly #budgets = new BoundedMap<string, SlidingWindow<'all' | 'second'>>(MOST_KNOWN)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until `upstream` may be asked; 0 is now. Infinity: not before somebody else's probe has ended. */
  availableIn(upstream: RouteUpstream): number {
    return Math.max(this.#wait(this.#upstreams, upstream.id), this.#wait(this.#accounts, upstream.provider))
  }

  /** What is left of the account's rate limit, in [0, 1]. */
  remaining(upstream: RouteUpstream): number {
    const limits = this.#accounts.get(upstream.provider)?.limits
    return limits && limits.until > this.#clock.monotonic() ? limits.remaining : 1
  }

  /** The state of an upstream's own breaker and of its account's. */
  states(upstream: RouteUpstream): { upstream: BreakerState['state']; account: BreakerState['state'] } {
    return {
      upstream: this.#upstreams.get(upstream.id)?.breaker.state ?? 'closed',
      account: this.#accounts.get(upstream.provider)?.breaker.state ?? 'closed',
    }
  }

  /** Takes a place at an upstream that is available now. */
  admit(upstream: RouteUpstream, route: Route): Permit {
    const own = record(this.#upstreams, upstream.id)
    const account = record(this.#accounts, upstream.provider)
    this.#apply(own, 'admit', route)
    this.#apply(account, 'admit', route)
    this.#budget(upstream.id).add('all')
    const ownStage = own.stage
    const accountStage = account.stage
    return {
      done: (verdict) => {
        const charged = typeof verdict === 'string' ? verdict : chargedTo(verdict)
        if (own.stage === ownStage) this.#apply(own, charged === 'upstream' ? 'failed' : charged === 'ok' ? 'ok' : 'neutral', route)
        if (account.stage === accountStage) {
          this.#apply(account, charged === 'account' ? 'failed' : charged === 'ok' ? 'ok' : 'neutral', route)
        }
        if (typeof verdict !== 'string') this.#rest(account, verdict)
      },
    }
  }

  /** Remembers what the account said of its limits. */
  noteLimits(upstream: RouteUpstream, limits: RateLimits): void {
    record(this.#accounts, upstream.provider).limits = { ...limits, until: this.#clock.monotonic() + limits.resetMs }
  }

  /** Takes one second attempt from the upstream's budget; false when it is spent (F1). */
  spendSecond(upstream: RouteUpstream, retries: Retries): boolean {
    const budget = this.#budget(upstream.id)
    if (budget.sum('second') >= Math.max(ALWAYS_ALLOWED, Math.floor(budget.sum('all') * retries.budget))) return false
    budget.add('second')
    return true
  }

  #rest(account: Record, failure: Failure): void {
    const rest = failure.retryAfterMs ?? (failure.kind === 'rate_limited' ? DEFAULT_REST_MS : 0)
    if (rest > 0) account.coolingUntil = Math.max(account.coolingUntil, this.#clock.monotonic() + rest)
  }

  #wait(records: ReadonlyMap<string, Record>, key: string): number {
    const found = records.get(key)
    if (!found) return 0
    const now = this.#clock.monotonic()
    return Math.max(admitsIn(found.breaker, now), found.coolingUntil - now, 0)
  }

  #apply(to: Record, event: BreakerEvent, route: Route): void {
    const next = reduce(to.breaker, event, route.breaker, this.#clock.monotonic())
    if (next.state !== to.breaker.state) to.stage++
    to.breaker = next
  }

  #budget(upstream: string): SlidingWindow<'all' | 'second'> {
    return this.#budgets.entry(upstream, () => new SlidingWindow(this.#clock, BUDGET_WINDOW_MS))
  }
}

/** Whose breaker a failure charges. The caller's own fault shows that the upstream works; a busy account only rests. */
function chargedTo(failure: Failure): 'upstream' | 'account' | 'ok' | 'neutral' {
  const { scope } = FAILURE_KINDS[failure.kind]
  if (failure.kind === 'rate_limited') return 'neutral'
  if (scope === 'request') return failure.status === undefined ? 'neutral' : 'ok'
  return scope === 'upstream' ? 'upstream' : 'account'
}

function record(records: BoundedMap<string, Record>, key: string): Record {
  return records.entry(key, () => ({ breaker: CLOSED, stage: 0, coolingUntil: -Infinity, limits: undefined }))
}
