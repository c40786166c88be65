import type { Clock } from '#base'
import type { AttemptRecord, Continuation, Failure, RouteUpstream } from '#contract'
import type { Health } from '#health'
import type { Frame, UpstreamResponse } from '#providers'
import type { Attempt } from './attempt.ts'
import type { Permit } from './availability.ts'
import type { Relay } from './relay.ts'

/** How long the usage of a finished answer is waited for, ms (S3). */
const USAGE_WAIT_MS = 1_000

export interface LegOptions {
  readonly clock: Clock
  readonly health: Health
  readonly upstream: RouteUpstream
  readonly attempt: Attempt
  readonly relay: Relay
  readonly permit: Permit
  readonly stream: boolean
  /** Whether a model of the config names the upstream. */
  readonly named: boolean
  /** How it continues an answer that another upstream began; undefined for a first answer. */
  readonly way: Continuation | undefined
  /** Monotonic ms of the call's arrival. */
  readonly callStartedAt: number
}

/** Of a call that is not streamed: a read that brought something of the answer. */
function isProgress(frame: Frame): boolean {
  return frame.type !== 'comment'
}

/** One stretch of a call: an attempt, what it lets through to the client, and its place at the upstream until it is settled. */
export class Leg {
  readonly #options: LegOptions
  #settled = false

  constructor(options: LegOptions) {
    this.#options = options
    options.health.began(options.upstream.id, options.named)
  }

  get upstream(): RouteUpstream {
    return this.#options.upstream
  }

  /** How it continues an answer that another upstream began. */
  get way(): Continuation | undefined {
    return this.#options.way
  }

  /** Everything was sent. */
  get ended(): boolean {
    return this.#options.relay.ended
  }

  get usage(): Relay['usage'] {
    return this.#options.relay.usage
  }

  /** Ms from the call's arrival to this attempt's first token. */
  get firstTokenMs(): number | null {
    const { attempt, callStartedAt } = this.#options
    return attempt.firstTokenMs === null ? null : attempt.startedAt - callStartedAt + attempt.firstTokenMs
  }

  /** Sends the request. Throws `UpstreamError`. */
  open(): Promise<UpstreamResponse> {
    return this.#options.attempt.open()
  }

  /** Reads one batch and returns what of it is to be sent. Once the answer is whole, nothing that happens upstream matters (S3). */
  read(): Promise<Uint8Array | undefined> {
    const { attempt, relay } = this.#options
    return relay.fault === undefined ? attempt.next().then(this.#take, this.#lost) : Promise.reject(relay.fault)
  }

  readonly #take = (result: IteratorResult<readonly Frame[]>): Uint8Array | undefined => {
    const { attempt, relay, permit } = this.#options
    if (result.done === true) return relay.end()
    const finishedBefore = relay.finished
    const bytes = relay.take(result.value)
    const silentBefore = attempt.firstTokenMs === null
    attempt.received(relay.tokens, result.value.every(isProgress))
    if (silentBefore && attempt.firstTokenMs !== null) permit.answers()
    if (relay.finished && !finishedBefore && !relay.ended) attempt.hurry(USAGE_WAIT_MS)
    return bytes
  }

  readonly #lost = (thrown: unknown): Uint8Array | undefined => {
    const { relay } = this.#options
    if (relay.finished) return relay.end()
    throw thrown
  }

  /** Ends the attempt and gives its place back; undefined when that was done before. */
  settle(outcome: 'ok' | Failure): AttemptRecord | undefined {
    if (this.#settled) return undefined
    this.#settled = true
    const { clock, health, upstream, attempt, permit, stream, way, callStartedAt } = this.#options
    if (outcome === 'ok') void attempt.drain()
    else attempt.close()
    const neutral = outcome !== 'ok' && (outcome.kind === 'cancelled' || outcome.kind === 'timeout_total')
    const verdict = neutral ? 'neutral' : outcome
    permit.done(verdict)
    // The first token of an answer that is not streamed is its last: it says nothing beside the others.
    health.ended(upstream.id, verdict, stream ? attempt.firstTokenMs : null)
    const { phases } = attempt
    return {
      upstream: upstream.id,
      outcome: outcome === 'ok' ? 'ok' : outcome.kind,
      status: outcome === 'ok' ? 200 : (outcome.status ?? null),
      startedMs: attempt.startedAt - callStartedAt,
      durationMs: clock.monotonic() - attempt.startedAt,
      firstTokenMs: attempt.firstTokenMs,
      dnsMs: phases?.dns ?? null,
      connectMs: phases?.connect ?? null,
      tlsMs: phases?.tls ?? null,
      headersMs: phases?.headers ?? null,
      rescue: way ?? null,
      detail: outcome === 'ok' ? null : outcome.message,
    }
  }
}
