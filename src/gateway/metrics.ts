import type { CallRecord } from '#contract'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Seconds; from a cached answer to the longest call. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600]

/** The gateway's figures for Prometheus: no label holds anything that a caller can make up. */
export class GatewayMetrics {
  readonly #calls: Counter<'model' | 'outcome' | 'stream'>
  readonly #duration: Histogram<'model' | 'stream'>
  readonly #firstToken: Histogram<'model'>
  readonly #attempts: Counter<'upstream' | 'outcome' | 'rescue'>
  readonly #attemptDuration: Histogram<'upstream'>

  constructor(registry: Registry, figures: { readonly inFlight: () => number; readonly waiting: () => number }) {
    const registers = [registry]
    this.#calls = new Counter({
      name: 'holdfast_calls_total',
      help: 'Calls by how they ended.',
      labelNames: ['model', 'outcome', 'stream'],
      registers,
    })
    this.#duration = new Histogram({
      name: 'holdfast_call_duration_seconds',
      help: 'From a call’s arrival to its end.',
      labelNames: ['model', 'stream'],
      buckets: BUCKETS,
      registers,
    })
    this.#firstToken = new Histogram({
      name: 'holdfast_first_token_seconds',
      help: 'From a call’s arrival to its first token.',
      labelNames: ['model'],
      buckets: BUCKETS,
      registers,
    })
    this.#attempts = new Counter({
      name: 'holdfast_attempts_total',
      help: 'Attempts at upstreams by outcome, and by how a broken answer was continued.',
      labelNames: ['upstream', 'outcome', 'rescue'],
      registers,
    })
    this.#attemptDuration = new Histogram({
      name: 'holdfast_attempt_duration_seconds',
      help: 'Duration of attempts at upstreams.',
      labelNames: ['upstream'],
      buckets: BUCKETS,
      registers,
    })
    gauge(registry, 'holdfast_calls_in_flight', 'Calls being answered.', figures.inFlight)
    gauge(registry, 'holdfast_calls_waiting', 'Calls waiting for a place.', figures.waiting)
  }

  /** Counts one call that has ended. `model` is the route's name, or `other` where the caller named the upstream itself. */
  observe(record: CallRecord, model: string): void {
    const stream = String(record.stream)
    this.#calls.inc({ model, outcome: record.outcome, stream })
    this.#duration.observe({ model, stream }, record.durationMs / 1_000)
    if (record.firstTokenMs !== null) this.#firstToken.observe({ model }, record.firstTokenMs / 1_000)
    for (const attempt of record.attempts) {
      const upstream = model === 'other' ? 'other' : attempt.upstream
      this.#attempts.inc({ upstream, outcome: attempt.outcome, rescue: attempt.rescue ?? 'no' })
      this.#attemptDuration.observe({ upstream }, attempt.durationMs / 1_000)
    }
  }
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}
