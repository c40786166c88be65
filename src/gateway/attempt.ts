import { type Clock, linkSignals, type Timer } from '#base'
import { type FailureKind, UpstreamError } from '#contract'
import type { Frame, Phases, Provider, UpstreamResponse } from '#providers'
import type { StagedDeadlines } from './deadlines.ts'

export interface AttemptOptions {
  readonly clock: Clock
  readonly provider: Provider
  /** `provider/model`, for messages. */
  readonly upstream: string
  readonly body: string
  readonly stream: boolean
  readonly deadlines: StagedDeadlines
  /** What is left of the call's time, ms. */
  readonly totalLeft: number
  /** Slowest allowed pace; asked when it is time, because it holds only while another upstream is left. */
  readonly slow: { readonly tokensPerSecond: number; readonly over: number; readonly applies: () => boolean } | undefined
  readonly signal: AbortSignal
}

/** How long an upstream may take to end after its answer was whole, ms: its connection is worth keeping. */
const DRAIN_MS = 1_000
/** Time that nobody waited for that does not matter to an upstream's pace, ms. */
const LEAST_MISSED_MS = 20
/** Reads that are made for it at the most. */
const DRAIN_READS = 1_000

/**
 * One try of a call at one upstream, with a deadline for each stage. Reading pauses the upstream when nobody reads, and
 * time in which nobody read is not held against it. Must be closed or drained.
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #controller: AbortController
  readonly #unlink: () => void
  #timer: Timer | undefined
  #slowTimer: Timer | undefined
  #response: UpstreamResponse | undefined
  /** Since when nobody waits for a frame, because the client does not read; undefined while somebody does. */
  #pausedAt: number | undefined
  /** When the last token came, put off by the time in which nobody waited. */
  #lastTokenAt: number
  /** All the time in which nobody waited, up to the last read, ms. */
  #pausedMs = 0
  #tokens = 0
  /** Something of the answer has come: from then on it is the stall that is watched. */
  #began = false

  /** Monotonic ms. */
  readonly startedAt: number
  /** Ms from the start to the first token. */
  firstTokenMs: number | null = null

  constructor(options: AttemptOptions) {
    this.#options = options
    const { controller, unlink } = linkSignals(options.signal)
    this.#controller = controller
    this.#unlink = unlink
    this.startedAt = options.clock.monotonic()
    this.#lastTokenAt = this.startedAt
  }

  get phases(): Phases | undefined {
    return this.#response?.phases
  }

  /** Sends the request; resolves when the upstream's head is a success. Throws `UpstreamError`. */
  async open(): Promise<UpstreamResponse> {
    const { provider, body, stream, deadlines } = this.#options
    this.#watch(stream ? deadlines.firstToken : deadlines.connect + deadlines.headers)
    const request = { body, stream, connectMs: deadlines.connect, headersMs: deadlines.headers }
    this.#response = await provider.open(request, this.#controller.signal)
    return this.#response
  }

  /** The next batch of frames. Throws `UpstreamError`. */
  next(): Promise<IteratorResult<readonly Frame[]>> {
    if (this.#pausedAt !== undefined) {
      const paused = this.#options.clock.monotonic() - this.#pausedAt
      this.#lastTokenAt += paused
      this.#pausedMs += paused
      this.#pausedAt = undefined
    }
    return this.#response ? this.#response.frames.next() : Promise.resolve({ done: true, value: undefined })
  }

  /**
   * Notes a batch that has come, and how many tokens came in this attempt up to now. Of an answer that is not streamed only
   * `progress` can be seen until it is whole.
   */
  received(tokens: number, progress: boolean): void {
    const { clock, deadlines, stream } = this.#options
    const now = clock.monotonic()
    this.#pausedAt = now
    if (stream ? tokens === this.#tokens : !progress) return
    this.#lastTokenAt = now
    this.#tokens = tokens
    if (!this.#began) {
      this.#began = true
      this.#timer?.cancel()
      this.#watch(deadlines.stall)
      if (stream) this.#watchPace(tokens)
    }
    if (tokens > 0) this.firstTokenMs ??= now - this.startedAt
  }

  /** From now on only the usage is missing: it is waited for `ms`. */
  hurry(ms: number): void {
    this.#stopWatching()
    this.#timer = this.#options.clock.after(ms, () => this.#fail('timeout_stall', 'No usage came after the finish.'))
  }

  /** Cancels the upstream, if it has not ended. */
  close(): void {
    this.#stopWatching()
    this.#unlink()
    if (this.#response) void this.#response.frames.return?.().catch(ignore)
    else this.#controller.abort(new UpstreamError({ kind: 'cancelled', message: 'The attempt is over.' }))
  }

  /** Lets the upstream end by itself, so that its connection can be used again. Never throws. */
  async drain(): Promise<void> {
    this.#stopWatching()
    const frames = this.#response?.frames
    if (!frames) return this.close()
    const timer = this.#options.clock.after(DRAIN_MS, () => this.close())
    try {
      for (let left = DRAIN_READS; left > 0; left--) if ((await frames.next()).done) return
      this.close()
    } catch {
      // The answer was whole before: how its connection ends concerns nobody.
    } finally {
      timer.cancel()
      this.#unlink()
    }
  }

  /** Looks again after `ms`, or when the call's time is over. */
  #watch(ms: number): void {
    const { clock, totalLeft } = this.#options
    const left = totalLeft - (clock.monotonic() - this.startedAt)
    this.#timer = clock.after(Math.max(0, Math.min(ms, left)), this.#check)
  }

  #stopWatching(): void {
    this.#timer?.cancel()
    this.#slowTimer?.cancel()
  }

  readonly #check = (): void => {
    const { clock, deadlines, upstream, stream, totalLeft } = this.#options
    const now = clock.monotonic()
    const began = this.#began
    const spent = now - this.startedAt
    const toBegin = stream ? deadlines.firstToken : deadlines.connect + deadlines.headers
    const silence = this.#pausedAt === undefined ? now - this.#lastTokenAt : 0
    const left = began ? deadlines.stall - silence : toBegin - spent
    if (spent >= totalLeft) this.#fail('timeout_total', `The call's time of ${deadlines.total} ms is over.`)
    else if (left > 0) this.#watch(left)
    else if (!this.#response) this.#fail('timeout_headers', `${upstream} sent no response within ${Math.round(spent)} ms.`)
    else if (began) this.#fail('timeout_stall', `${upstream} sent nothing for ${deadlines.stall} ms in the middle of its answer.`)
    else this.#fail('timeout_first_token', `${upstream} sent nothing of its answer within ${Math.round(spent)} ms.`)
  }

  /** Counts tokens from now on for `ms`, and longer by the time in which nobody waited. */
  #watchPace(tokensBefore: number, ms = this.#options.slow?.over): void {
    const { clock, slow, upstream } = this.#options
    if (!slow || ms === undefined) return
    const pausedBefore = this.#pausedUpToNow()
    this.#slowTimer = clock.after(ms, () => {
      const wanted = (slow.tokensPerSecond * slow.over) / 1_000
      const missed = this.#pausedUpToNow() - pausedBefore
      if (this.#tokens - tokensBefore >= wanted) this.#watchPace(this.#tokens)
      else if (missed > LEAST_MISSED_MS) this.#watchPace(tokensBefore, missed)
      else if (slow.applies())
        this.#fail('slow', `${upstream} sent fewer than ${slow.tokensPerSecond} tokens a second over ${slow.over} ms.`)
      else this.#watchPace(this.#tokens)
    })
  }

  #pausedUpToNow(): number {
    return this.#pausedMs + (this.#pausedAt === undefined ? 0 : this.#options.clock.monotonic() - this.#pausedAt)
  }

  #fail(kind: FailureKind, message: string): void {
    this.#controller.abort(new UpstreamError({ kind, message }))
  }
}

function ignore(): void {}
