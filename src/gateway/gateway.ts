import type { AccessLog } from '#accesslog'
import { type Clock, sleep } from '#base'
import type { CallRecord, ConfigSnapshot } from '#contract'
import type { Health } from '#health'
import { createProviders, type Provider } from '#providers'
import type { Registry } from 'prom-client'
import { Admission } from './admission.ts'
import { Answering, type Ending } from './answering.ts'
import { Availability } from './availability.ts'
import type { Answer, Call, Progress } from './call.ts'
import { Failover } from './failover.ts'
import { GatewayMetrics } from './metrics.ts'

export interface GatewayParts {
  readonly clock: Clock
  readonly health: Health
  readonly accesslog: AccessLog
  readonly registry: Registry
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the program; upstreams are told. */
  readonly version: string | undefined
}

const DRAIN_POLL_MS = 50

/** Answers calls: admission, then failover over the call's route. Needs memory only (law 3). */
export class Gateway {
  readonly #parts: GatewayParts
  readonly #admission: Admission
  readonly #availability: Availability
  readonly #metrics: GatewayMetrics
  #draining = false
  readonly #providers = new WeakMap<ConfigSnapshot, ReadonlyMap<string, Provider>>()
  #newest: ReadonlyMap<string, Provider> | undefined

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

  /** Begins a call. Nothing happens before its bytes are asked for. */
  open(call: Call): Answer {
    const { clock, health } = this.#parts
    const startedAt = clock.monotonic()
    const progress: Progress = { upstream: undefined, made: 0, attempts: [], reason: '' }
    const providers = this.#providersOf(call.snapshot)
    const failover = new Failover(call, { clock, health, availability: this.#availability, providers }, progress)
    const ended = (ending: Ending): void => this.#record(call, progress, failover, { ...ending, startedAt })
    return { progress, bytes: new Answering({ call, admission: this.#admission, failover, ended }) }
  }

  #record(call: Call, progress: Progress, failover: Failover, end: Ending & { readonly startedAt: number }): void {
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
      firstTokenMs: failover.firstTokenMs,
      promptTokens: failover.usage?.prompt_tokens ?? null,
      completionTokens: failover.usage?.completion_tokens ?? null,
      attempts: progress.attempts,
    }
    accesslog.record(record)
    try {
      this.#metrics.observe(record, call.route.named ? call.route.model : 'other')
    } catch {
      // A figure that cannot be counted must not reach the client behind its answer (law 3).
    }
  }

  /** The providers of a snapshot; those that did not change keep their connections, those that are gone close theirs. */
  #providersOf(snapshot: ConfigSnapshot): ReadonlyMap<string, Provider> {
    const known = this.#providers.get(snapshot)
    if (known) return known
    const { clock, env, version } = this.#parts
    const previous = this.#newest
    const map = createProviders(snapshot.providers.values(), {
      clock,
      env,
      ...(previous ? { previous } : {}),
      ...(version === undefined ? {} : { version }),
    })
    const kept = new Set(map.values())
    for (const provider of previous?.values() ?? []) if (!kept.has(provider)) provider.close()
    this.#providers.set(snapshot, map)
    this.#newest = map
    return map
  }
}
