import { type Clock, sleep } from '#base'
import { type AttemptRecord, type Continuation, type Failure, type RouteUpstream, UpstreamError } from '#contract'
import type { Health } from '#health'
import type { Provider } from '#providers'
import { Attempt } from './attempt.ts'
import type { Availability, Permit } from './availability.ts'
import { balanced } from './balance.ts'
import { type Call, type CallError, type Progress } from './call.ts'
import { deadlinesFor } from './deadlines.ts'
import { nothingDelivered } from './delivered.ts'
import { giveUp } from './give-up.ts'
import { Itinerary, type Step } from './itinerary.ts'
import { failureWords, reasonFor } from './reason.ts'
import { endingByLength, Relay } from './relay.ts'
import { isSpent, planRescue, type Rescue, rescuable } from './rescue.ts'
import { withModel } from './request-body.ts'

/** What a call needs of the house. */
export interface FailoverParts {
  readonly clock: Clock
  readonly health: Health
  readonly availability: Availability
  readonly providers: ReadonlyMap<string, Provider>
}

/** How long the usage of a finished answer is waited for, ms (S3). */
const USAGE_WAIT_MS = 1_000

type Leg = Extract<Step, { do: 'attempt' }>

/**
 * Answers one call: attempt after attempt until one answer is whole, going on from what was delivered where that is
 * honest (S1, S2, S6). Yields bytes for the client; throws `CallError` when no whole answer can be had.
 */
export class Failover {
  readonly #call: Call
  readonly #parts: FailoverParts
  readonly #progress: Progress
  readonly #itinerary: Itinerary
  readonly #delivered = nothingDelivered()
  readonly #failures: Failure[] = []
  readonly #startedAt: number
  #waited = 0
  /** What the answer that was delivered says it used. */
  usage: Relay['usage']
  firstTokenMs: number | null = null

  constructor(call: Call, parts: FailoverParts, progress: Progress) {
    this.#call = call
    this.#parts = parts
    this.#progress = progress
    this.#startedAt = parts.clock.monotonic()
    const { route } = call
    const load = (upstream: RouteUpstream) => ({
      inFlight: parts.health.of(upstream.id).inFlight,
      firstTokenMs: parts.health.of(upstream.id).firstTokenMs,
      remaining: parts.availability.remaining(upstream),
    })
    this.#itinerary = new Itinerary(balanced(route.upstreams, route.balance, load, parts.clock.random), route.retries)
  }

  /** Yields the answer. The signal aborts when the client leaves or the call's total deadline is over. */
  async *run(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { clock, availability } = this.#parts
    for (;;) {
      if (this.#itinerary.rescuing && isSpent(this.#call.request, this.#delivered)) {
        return yield endingByLength(this.#delivered, this.#account(this.#progress.upstream))
      }
      const step = this.#itinerary.next({
        now: clock.monotonic(),
        availableIn: (upstream) => availability.availableIn(upstream),
        spendSecond: (upstream) => availability.spendSecond(upstream, this.#call.route.retries),
        patience: this.#call.snapshot.limits.wait - this.#waited,
        chance: clock.random(),
      })
      if (step.do === 'give-up') throw this.#error()
      if (step.do === 'wait') {
        this.#waited += step.ms
        await sleep(clock, step.ms, signal)
      } else if (yield* this.#attempt(step, signal)) return
    }
  }

  /** Makes one attempt; true when the answer is whole. Throws when nothing can follow. */
  async *#attempt(leg: Leg, signal: AbortSignal): AsyncGenerator<Uint8Array, boolean> {
    const { health, availability } = this.#parts
    const { upstream } = leg
    const rescue = this.#itinerary.rescuing ? planRescue(this.#call.request, this.#delivered, leg.way) : undefined
    const attempt = this.#prepare(upstream, rescue, signal)
    const relay = this.#relay(upstream, rescue)
    const permit = availability.admit(upstream, this.#call.route)
    health.began(upstream.id)
    this.#progress.made++
    let open = true
    const settle = (outcome: 'ok' | Failure): void => {
      open = false
      this.#settle(attempt, permit, leg, rescue, outcome)
    }
    try {
      const response = await attempt.open()
      if (response.head.rateLimits) availability.noteLimits(upstream, response.head.rateLimits)
      while (!relay.ended) {
        const bytes = await this.#step(attempt, relay)
        if (relay.ended) settle('ok')
        if (bytes) {
          if (this.#progress.upstream !== upstream.id) this.#serving(upstream)
          yield bytes
        }
      }
      this.usage = relay.usage
      void attempt.drain()
      return true
    } catch (thrown) {
      attempt.close()
      const failure = failureOf(thrown, signal)
      if (open) settle(failure)
      this.#failed(leg, failure)
      return false
    } finally {
      if (open) settle({ kind: 'cancelled', message: 'The client left.' })
      if (!relay.ended) attempt.close()
    }
  }

  /** Reads one batch. Once the answer is whole, nothing that happens to the upstream matters any more (S3). */
  async #step(attempt: Attempt, relay: Relay): Promise<Uint8Array | undefined> {
    let result
    try {
      result = await attempt.next()
    } catch (thrown) {
      if (relay.finished) return relay.end()
      throw thrown
    }
    if (result.done) return relay.end()
    const before = relay.finished
    const bytes = relay.take(result.value)
    attempt.received(relay.tokens)
    if (relay.finished && !before && !relay.ended) attempt.hurry(USAGE_WAIT_MS)
    return bytes
  }

  #prepare(upstream: RouteUpstream, rescue: Rescue | undefined, signal: AbortSignal): Attempt {
    const { request, body, route } = this.#call
    const provider = this.#parts.providers.get(upstream.provider)
    if (!provider) throw new UpstreamError({ kind: 'connect', message: `No provider ${upstream.provider} is configured.` })
    return new Attempt({
      clock: this.#parts.clock,
      provider,
      upstream: upstream.id,
      body: rescue ? JSON.stringify({ ...rescue.body, model: upstream.model }) : withModel(body, request.model, upstream.model),
      stream: request.stream === true,
      deadlines: deadlinesFor(route.deadlines, upstream.model, request),
      slow: route.slow && { ...route.slow, applies: () => this.#mayMoveOn() },
      signal,
    })
  }

  #relay(upstream: RouteUpstream, rescue: Rescue | undefined): Relay {
    const { request } = this.#call
    return new Relay({
      delivered: this.#delivered,
      choices: request.n ?? 1,
      usageWanted: request.stream_options?.include_usage === true,
      joint: rescue?.joint,
      account: () => this.#account(upstream.id),
    })
  }

  /** What `x_holdfast` says: who served, after how many attempts, and what the failed ones met. */
  #account(upstream: string | undefined): object {
    const { made } = this.#progress
    const failed = this.#progress.attempts.map(briefly)
    return { upstream, attempts: made, reason: this.#reason(upstream), ...(failed.length > 0 ? { failed } : {}) }
  }

  #mayMoveOn(): boolean {
    return this.#itinerary.untriedLeft && (!this.#delivered.committed || this.#rescuable())
  }

  #rescuable(): boolean {
    return this.#call.route.rescue === 'auto' && rescuable(this.#call.request, this.#delivered)
  }

  #serving(upstream: RouteUpstream): void {
    this.#progress.upstream = upstream.id
    this.#progress.reason = this.#reason(upstream.id)
  }

  #reason(upstream: string | undefined): string {
    return reasonFor(this.#progress.attempts, upstream, this.#itinerary.rescuing, (id) => this.#parts.health.of(id))
  }

  #settle(attempt: Attempt, permit: Permit, leg: Leg, rescue: Rescue | undefined, outcome: 'ok' | Failure): void {
    const { clock, health } = this.#parts
    const verdict = outcome !== 'ok' && (outcome.kind === 'cancelled' || outcome.kind === 'timeout_total') ? 'neutral' : outcome
    permit.done(verdict)
    health.ended(leg.upstream.id, verdict, attempt.firstTokenMs)
    if (attempt.firstTokenMs !== null) this.firstTokenMs ??= attempt.startedAt - this.#startedAt + attempt.firstTokenMs
    this.#progress.attempts.push({
      upstream: leg.upstream.id,
      outcome: outcome === 'ok' ? 'ok' : outcome.kind,
      status: outcome === 'ok' ? 200 : (outcome.status ?? null),
      startedMs: attempt.startedAt - this.#startedAt,
      durationMs: clock.monotonic() - attempt.startedAt,
      firstTokenMs: attempt.firstTokenMs,
      dnsMs: attempt.phases?.dns ?? null,
      connectMs: attempt.phases?.connect ?? null,
      tlsMs: attempt.phases?.tls ?? null,
      headersMs: attempt.phases?.headers ?? null,
      rescue: rescue ? leg.way : null,
      detail: outcome === 'ok' ? null : outcome.message,
    })
  }

  /** Decides whether anything can follow a failed attempt; throws when not. */
  #failed(leg: Leg, failure: Failure): void {
    this.#failures.push(failure)
    const { clock } = this.#parts
    const refused = failure.kind === 'invalid_request' || failure.kind === 'content_policy'
    if (failure.kind === 'cancelled' || failure.kind === 'timeout_total') throw this.#error()
    if (refused && !this.#itinerary.rescuing) throw this.#error()
    if (this.#delivered.committed) {
      if (!this.#rescuable()) throw this.#error()
      this.#itinerary.rescuing = true
    }
    this.#itinerary.failed(leg.upstream, failure, { now: clock.monotonic(), chance: clock.random() })
  }

  #error(): CallError {
    const returnsIn = this.#itinerary.returnsIn((upstream) => this.#parts.availability.availableIn(upstream))
    this.#progress.reason = this.#reason(undefined)
    return giveUp({
      model: this.#call.route.model,
      attempts: this.#progress.made,
      failures: this.#failures,
      reason: this.#progress.reason,
      committed: this.#delivered.committed,
      returnsIn,
    })
  }
}

/** A failed attempt for the client's eyes. */
function briefly(attempt: AttemptRecord): { upstream: string; outcome: string; rescue?: Continuation } {
  const outcome = attempt.outcome === 'ok' ? 'ok' : failureWords(attempt.outcome, attempt.status)
  return { upstream: attempt.upstream, outcome, ...(attempt.rescue ? { rescue: attempt.rescue } : {}) }
}

/** The failure behind what was thrown; a fault of our own is thrown on. */
function failureOf(thrown: unknown, signal: AbortSignal): Failure {
  if (signal.aborted && signal.reason instanceof UpstreamError) return signal.reason.failure
  if (signal.aborted) return { kind: 'cancelled', message: 'The client left.' }
  if (thrown instanceof UpstreamError) return thrown.failure
  throw thrown
}
