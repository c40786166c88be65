import type { AccessLog } from '#accesslog'
import { type Clock, formatDuration, linkSignals, sleep } from '#base'
import { type CallRecord, type ConfigSnapshot, UpstreamError } from '#contract'
import type { Health } from '#health'
import { createProviders, type Provider } from '#providers'
import type { Registry } from 'prom-client'
import { Admission } from './admission.ts'
import { Availability } from './availability.ts'
import { type Answer, type Call, CallError, type Progress } from './call.ts'
import { deadlinesFor } from './deadlines.ts'
import { Failover } from './failover.ts'
import { GatewayMetrics } from './metrics.ts'

export interface GatewayParts {
  readonly clock: Clock
  readonly health: Health
  readonly accesslog: AccessLog
  readonly registry: Registry
  readonly env: Readonly<Record<string, string | undefined>>
}

const DRAIN_POLL_MS = 50

/** Answers calls: admission, then failover over the call's route. Needs memory only (law 3). */
export class Gateway {
  readonly #parts: GatewayParts
  readonly #admission: Admission
  readonly #availability: Availability
  readonly #metrics: GatewayMetrics
  #draining = false
  #providers: { readonly snapshot: ConfigSnapshot; readonly map: ReadonlyMap<string, Provider> } | undefined

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.#admission = new Admission(parts.clock)
    this.#availability = new Availability(parts.clock)
    this.#metrics = new GatewayMetrics(parts.registry, {
      inFlight: () => this.#admission.inFlight,
      waiting: () => this.#admission.waiting,
    })
  }

  /** Whether the process is to end. */
  get draining(): boolean {
    return this.#draining
  }

  /** Resolves when no call is under way any more. */
  async drain(): Promise<void> {
    this.#draining = true
    while (this.#admission.inFlight > 0) await sleep(this.#parts.clock, DRAIN_POLL_MS)
  }

  /** What the breakers and accounts allow, for those who show it. */
  get availability(): Availability {
    return this.#availability
  }

  /** Begins a call. Nothing happens before its bytes are asked for. */
  open(call: Call): Answer {
    const progress: Progress = { upstream: undefined, made: 0, attempts: [], reason: '' }
    return { progress, bytes: this.#run(call, progress) }
  }

  async *#run(call: Call, progress: Progress): AsyncGenerator<Uint8Array> {
    const { clock } = this.#parts
    const startedAt = clock.monotonic()
    const { controller, unlink } = linkSignals(call.signal)
    const total = deadlinesFor(call.route.deadlines, '', call.request).total
    const timer = clock.after(total, () =>
      controller.abort(new UpstreamError({ kind: 'timeout_total', message: `No whole answer within ${formatDuration(total)}.` })),
    )
    const { limits } = call.snapshot
    const failover = new Failover(call, { ...this.#parts, availability: this.#availability, providers: this.#providersOf(call.snapshot) }, progress)
    let entered = this.#admission.tryEnter(limits.concurrency)
    let outcome: CallRecord['outcome'] = 'cancelled'
    let status = 499
    try {
      if (!entered) {
        await this.#admission.enter(limits.concurrency, limits.wait, controller.signal)
        entered = true
      }
      yield* failover.run(controller.signal)
      outcome = 'ok'
      status = 200
    } catch (thrown) {
      const error = thrown instanceof CallError ? thrown : cutShort(thrown, call.signal)
      outcome = error.code
      status = error.status
      throw error
    } finally {
      timer.cancel()
      unlink()
      if (entered) this.#admission.leave()
      this.#record(call, progress, { startedAt, outcome, status, failover })
    }
  }

  #record(
    call: Call,
    progress: Progress,
    end: { readonly startedAt: number; readonly outcome: CallRecord['outcome']; readonly status: number; readonly failover: Failover },
  ): void {
    const { clock, accesslog } = this.#parts
    const durationMs = clock.monotonic() - end.startedAt
    const record: CallRecord = {
      id: call.id,
      at: clock.now() - durationMs,
      actor: call.actor.id,
      model: call.route.model,
      stream: call.request.stream === true,
      outcome: end.outcome,
      status: end.status,
      upstream: end.outcome === 'ok' ? (progress.upstream ?? null) : null,
      reason: progress.reason,
      durationMs,
      firstTokenMs: end.failover.firstTokenMs,
      promptTokens: end.failover.usage?.prompt_tokens ?? null,
      completionTokens: end.failover.usage?.completion_tokens ?? null,
      attempts: progress.attempts,
    }
    accesslog.record(record)
    this.#metrics.observe(record, call.route.named ? call.route.model : 'other')
  }

  /** The providers of a snapshot; those that did not change keep their connections. */
  #providersOf(snapshot: ConfigSnapshot): ReadonlyMap<string, Provider> {
    if (this.#providers?.snapshot !== snapshot) {
      const { clock, env } = this.#parts
      const previous = this.#providers?.map
      const map = createProviders(snapshot.providers.values(), { clock, env, ...(previous ? { previous } : {}) })
      this.#providers = { snapshot, map }
    }
    return this.#providers.map
  }
}

/** What a call that was ended from outside ends with: the client left, or the time is over. */
function cutShort(thrown: unknown, signal: AbortSignal): CallError {
  if (signal.aborted) return new CallError('The client left.', { code: 'cancelled', status: 499, cause: thrown })
  if (thrown instanceof UpstreamError && thrown.failure.kind === 'timeout_total') {
    return new CallError(thrown.message, { code: 'timeout_total', status: 504, cause: thrown })
  }
  return new CallError('Holdfast itself failed on this call.', {
    code: 'internal_error',
    status: 500,
    remedy: 'The log names the fault under this call’s id.',
    cause: thrown,
  })
}
