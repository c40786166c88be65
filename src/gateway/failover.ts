import { type Clock, sleep } from '#base'
import { type AttemptRecord, type Continuation, type Failure, type RouteUpstream, UpstreamError } from '#contract'
import type { Health } from '#health'
import type { Provider } from '#providers'
import { Attempt } from './attempt.ts'
import type { Availability } from './availability.ts'
import { balanced, type Load } from './balance.ts'
import type { Call, CallError, Progress } from './call.ts'
import { deadlinesFor } from './deadlines.ts'
import { nothingDelivered } from './rescue/delivered.ts'
import { giveUp } from './give-up.ts'
import { Itinerary, type Step } from './itinerary.ts'
import { Leg } from './leg.ts'
import { failureWords, reasonFor } from './reason.ts'
import { endingByLength, Relay } from './relay.ts'
import { withModel } from './request-body.ts'
import { isSpent, planRescue, rescuable } from './rescue/rescue.ts'

/** What a call needs of the house. */
export interface FailoverParts {
  readonly clock: Clock
  readonly health: Health
  readonly availability: Availability
  readonly providers: ReadonlyMap<string, Provider>
}

/**
 * Answers one call: attempt after attempt until one answer is whole, going on from what was delivered where that is
 * honest (S1, S2, S6). Not a generator: each batch of frames passes here.
 */
export class Failover {
  readonly #call: Call
  readonly #parts: FailoverParts
  readonly #progress: Progress
  readonly #itinerary: Itinerary
  readonly #delivered = nothingDelivered()
  readonly #failures: Failure[] = []
  readonly #startedAt: number
  readonly #totalMs: number
  #waited = 0
  #leg: Leg | undefined
  #over = false

  /** What the answer that was delivered says it used. */
  usage: Relay['usage']
  /** Ms from the call's arrival to its first token. */
  firstTokenMs: number | null = null

  constructor(call: Call, parts: FailoverParts, progress: Progress) {
    this.#call = call
    this.#parts = parts
    this.#progress = progress
    this.#startedAt = parts.clock.monotonic()
    const { route } = call
    this.#totalMs = deadlinesFor(route.deadlines, '', call.request).total
    const ordered =
      route.upstreams.length === 1 ? route.upstreams : balanced(route.upstreams, route.balance, this.#load, parts.clock.random)
    this.#itinerary = new Itinerary(ordered, route.retries, (upstream) => parts.availability.firstWay(upstream))
  }

  /** The next bytes for the client; undefined when all were sent. Throws `CallError` when no whole answer can be had. */
  next(): Promise<Uint8Array | undefined> {
    return this.#leg ? this.#leg.read().then(this.#received, this.#broke) : this.#goOn()
  }

  readonly #received = (bytes: Uint8Array | undefined): Uint8Array | undefined | Promise<Uint8Array | undefined> => {
    const leg = this.#leg
    if (!leg) return undefined
    if (leg.ended) this.#whole(leg)
    if (!bytes) return this.next()
    if (this.#progress.upstream !== leg.upstream.id) this.#serving(leg.upstream)
    return bytes
  }

  readonly #broke = (thrown: unknown): Promise<Uint8Array | undefined> => {
    if (this.#leg) this.#failed(this.#leg, failureOf(thrown, this.#call.signal))
    return this.#goOn()
  }

  /** Looks for an attempt to read from; undefined when the call is over. */
  async #goOn(): Promise<Uint8Array | undefined> {
    while (!this.#over) {
      if (this.#tokensAreSpent()) return this.#endByLength()
      if (await this.#begin()) return this.next()
    }
    return undefined
  }

  /** The client wants no more: whatever is under way is cancelled. */
  cancel(): void {
    this.#over = true
    if (this.#leg) this.#settle(this.#leg, { kind: 'cancelled', message: 'The client left.' })
  }

  /** Waits, or begins the next attempt; undefined when there is none to read from yet. */
  async #begin(): Promise<Leg | undefined> {
    const { clock, availability } = this.#parts
    const timeLeft = this.#timeLeft()
    if (timeLeft <= 0) throw this.#error({ kind: 'timeout_total', message: `The call's time of ${this.#totalMs} ms is over.` })
    const step = this.#itinerary.next({
      now: clock.monotonic(),
      availableIn: this.#availableIn,
      spendSecond: this.#spendSecond,
      patience: this.#call.snapshot.limits.wait - this.#waited,
      chance: clock.random(),
    })
    if (step.do === 'give-up') throw this.#error()
    if (step.do === 'wait') {
      const ms = Math.min(step.ms, timeLeft)
      this.#waited += ms
      await sleep(clock, ms, this.#call.signal)
      return undefined
    }
    const leg = this.#depart(step)
    this.#leg = leg
    this.#progress.made++
    try {
      const { head } = await leg.open()
      if (head.rateLimits) availability.noteLimits(step.upstream, head.rateLimits)
      return leg
    } catch (thrown) {
      this.#failed(leg, failureOf(thrown, this.#call.signal))
      return undefined
    }
  }

  #depart({ upstream, way }: Extract<Step, { do: 'attempt' }>): Leg {
    const { clock, health, availability, providers } = this.#parts
    const { request, route, body, signal } = this.#call
    const provider = providers.get(upstream.provider)
    if (!provider) throw new UpstreamError({ kind: 'connect', message: `No provider ${upstream.provider} is configured.` })
    const rescue = this.#itinerary.rescuing ? planRescue(request, this.#delivered, way) : undefined
    const relay = new Relay({
      delivered: this.#delivered,
      choices: request.n ?? 1,
      usageWanted: request.stream_options?.include_usage === true,
      joint: rescue?.joint,
      account: () => this.#account(upstream.id),
    })
    const attempt = new Attempt({
      clock,
      provider,
      upstream: upstream.id,
      body: rescue ? JSON.stringify({ ...rescue.body, model: upstream.model }) : withModel(body, request.model, upstream.model),
      stream: request.stream === true,
      deadlines: deadlinesFor(route.deadlines, upstream.model, request),
      totalLeft: this.#timeLeft(),
      slow: route.slow && { ...route.slow, applies: () => this.#mayMoveOn() },
      signal,
    })
    const permit = availability.admit(upstream, route)
    const callStartedAt = this.#startedAt
    const { named } = route
    const stream = request.stream === true
    return new Leg({ clock, health, upstream, attempt, relay, permit, stream, named, way: rescue && way, callStartedAt })
  }

  #whole(leg: Leg): void {
    this.#over = true
    this.usage = leg.usage
    this.#settle(leg, 'ok')
  }

  #settle(leg: Leg, outcome: 'ok' | Failure): void {
    this.#leg = undefined
    this.firstTokenMs ??= leg.firstTokenMs
    const record = leg.settle(outcome)
    if (record) this.#progress.attempts.push(record)
  }

  /** Decides whether anything can follow a failed attempt; throws when not. */
  #failed(leg: Leg, failure: Failure): void {
    this.#settle(leg, failure)
    const { clock } = this.#parts
    const refused = failure.kind === 'invalid_request' || failure.kind === 'content_policy'
    if (failure.kind === 'cancelled' || failure.kind === 'timeout_total') throw this.#error(failure)
    if (refused && !this.#itinerary.rescuing) throw this.#error(failure)
    this.#failures.push(failure)
    if (this.#delivered.committed && !this.#rescuable()) throw this.#error()
    if (failure.kind === 'invalid_request' && leg.way === 'prefill') this.#parts.availability.notePrefillRefused(leg.upstream)
    this.#itinerary.failed(leg.upstream, failure, { now: clock.monotonic(), chance: clock.random() })
    // Only from here on: what broke the first answer says nothing about a way to continue it.
    if (this.#delivered.committed) this.#itinerary.rescuing = true
  }

  #error(last: Failure | undefined = this.#tellingFailure()): CallError {
    this.#over = true
    this.#progress.reason = this.#reason(undefined)
    return giveUp({
      model: this.#call.route.model,
      attempts: this.#progress.made,
      failure: last,
      reason: this.#progress.reason,
      committed: this.#delivered.committed,
      returnsIn: this.#itinerary.returnsIn(this.#availableIn),
    })
  }

  /** The failure that the caller is told of: a context that was too small is the caller's fault only if nothing else went wrong (law 4). */
  #tellingFailure(): Failure | undefined {
    return this.#failures.findLast(({ kind }) => kind !== 'context_length' && kind !== 'not_joinable') ?? this.#failures.at(-1)
  }

  #tokensAreSpent(): boolean {
    return this.#itinerary.rescuing && !this.#over && this.#leg === undefined && isSpent(this.#call.request, this.#delivered)
  }

  #endByLength(): Uint8Array {
    this.#over = true
    return endingByLength(this.#delivered, this.#account(this.#progress.upstream))
  }

  #serving(upstream: RouteUpstream): void {
    this.#progress.upstream = upstream.id
    this.#progress.reason = this.#reason(upstream.id)
  }

  /** What `x_holdfast` says: who served, after how many attempts, and what the failed ones met. */
  #account(upstream: string | undefined): object {
    const failed = this.#progress.attempts.map(briefly)
    const account = { upstream, attempts: this.#progress.made, reason: this.#reason(upstream) }
    return failed.length === 0 ? account : { ...account, failed }
  }

  #reason(upstream: string | undefined): string {
    const { attempts } = this.#progress
    const resting = this.#itinerary.passedOver(this.#availableIn).map(({ id }) => id)
    if (attempts.length === 0 && resting.length === 0) return ''
    return reasonFor({ attempts, resting, answeredBy: upstream, rescued: this.#itinerary.rescuing }, (id) => this.#parts.health.of(id))
  }

  #mayMoveOn(): boolean {
    return this.#itinerary.untriedLeft(this.#availableIn) && (!this.#delivered.committed || this.#rescuable())
  }

  #rescuable(): boolean {
    return this.#call.route.rescue === 'auto' && rescuable(this.#call.request, this.#delivered)
  }

  #timeLeft(): number {
    return this.#totalMs - (this.#parts.clock.monotonic() - this.#startedAt)
  }

  readonly #availableIn = (upstream: RouteUpstream): number => this.#parts.availability.availableIn(upstream)

  readonly #spendSecond = (upstream: RouteUpstream): boolean => this.#parts.availability.spendSecond(upstream, this.#call.route.retries)

  readonly #load = (upstream: RouteUpstream): Load => {
    const { inFlight, firstTokenMs } = this.#parts.health.of(upstream.id)
    return { inFlight, firstTokenMs, remaining: this.#parts.availability.remaining(upstream) }
  }
}

/** A failed attempt for the client's eyes. */
function briefly(attempt: AttemptRecord): { upstream: string; outcome: string; rescue?: Continuation } {
  const outcome = attempt.outcome === 'ok' ? 'ok' : failureWords(attempt.outcome, attempt.status)
  return { upstream: attempt.upstream, outcome, ...(attempt.rescue ? { rescue: attempt.rescue } : {}) }
}

/** The failure behind what was thrown; a fault of our own is thrown on. */
function failureOf(thrown: unknown, signal: AbortSignal): Failure {
  if (thrown instanceof UpstreamError) return thrown.failure
  if (signal.aborted) return { kind: 'cancelled', message: 'The client left.' }
  throw thrown
}
