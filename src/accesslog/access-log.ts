import { type Clock, firstOf, type Logger, messageOf, sleep, type Timer } from '#base'
import type { CallRecord } from '#contract'
import { isUnavailable, type SqlValue, type Store } from '#store'
import { bounded, CALL_COLUMNS, rowOf } from './call-row.ts'
import { pruneCalls, type Retention } from './prune-calls.ts'
import { type CallFilter, queryCalls, type StoredCall } from './query-calls.ts'

export interface AccessLogOptions {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly retention?: Retention
  /** Calls that wait in memory while they cannot be written; further ones are dropped and counted. */
  readonly capacity?: number
}

const DAY_MS = 86_400_000
const RETENTION: Retention = { ageMs: 30 * DAY_MS, calls: 1_000_000 }
const CAPACITY = 20_000
const BATCH = 500
const FLUSH_MS = 250
const RETRY_MS = 1_000
const DEADLINE_MS = 5_000
const LAST_FLUSH_MS = 2_000
const PRUNE_FIRST_MS = 30_000
const PRUNE_MS = 600_000

/** One record per call with its attempts and no content (X6), written in batches off the data path. */
export class AccessLog implements AsyncDisposable {
  readonly #options: AccessLogOptions
  readonly #clock: Clock
  readonly #capacity: number
  readonly #closing = new AbortController()
  readonly #pruning: Promise<void>
  #pending: CallRecord[] = []
  /** Rows on their way, or that have to be sent again. */
  #batch: readonly (readonly SqlValue[])[] = []
  #flushing: Promise<void> | undefined
  #timer: Timer | undefined
  #written = 0
  #dropped = 0
  #failing = false

  constructor(options: AccessLogOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#capacity = options.capacity ?? CAPACITY
    this.#pruning = this.#prune()
  }

  /** Calls that wait to be written. */
  get pending(): number {
    return this.#pending.length + this.#batch.length
  }

  /** Calls that were written. */
  get written(): number {
    return this.#written
  }

  /** Calls that nobody will read about, because there was no room or no database for them. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes note of a call. Never waits and never throws. */
  record(call: CallRecord): void {
    if (this.#closing.signal.aborted || this.pending >= this.#capacity) {
      this.#dropped++
      return
    }
    this.#pending.push(bounded(call))
    if (this.#pending.length >= BATCH && !this.#failing) this.#start()
    else this.#timer ??= this.#clock.after(FLUSH_MS, () => this.#start())
  }

  /** Calls that were written, in the order of writing. */
  query(filter: CallFilter, signal?: AbortSignal): Promise<StoredCall[]> {
    return queryCalls(this.#options.store, filter, signal ? { signal } : {})
  }

  /** Writes what is pending, for at most two seconds; the rest is dropped and counted. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#timer?.cancel()
    const deadline = this.#clock.monotonic() + LAST_FLUSH_MS
    if (this.#flushing) await firstOf(this.#clock, this.#flushing, LAST_FLUSH_MS)
    while (this.pending > 0) {
      const left = deadline - this.#clock.monotonic()
      if (left <= 0 || !(await this.#writeBatch(left))) break
    }
    this.#closing.abort()
    this.#dropped += this.pending
    this.#pending = []
    this.#batch = []
    await this.#pruning
  }

  #start(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined))
  }

  async #flush(): Promise<void> {
    do {
      const done = await this.#writeBatch(DEADLINE_MS)
      if (done === this.#failing) this.#turn(!done)
      if (done) continue
      this.#timer ??= this.#clock.after(RETRY_MS, () => this.#start())
      return
    } while (this.#pending.length >= BATCH)
    if (this.#pending.length > 0) this.#timer ??= this.#clock.after(FLUSH_MS, () => this.#start())
  }

  /** Writes one batch; resolves to false when the database was not there for it. */
  async #writeBatch(deadlineMs: number): Promise<boolean> {
    if (this.#batch.length === 0) {
      const calls = this.#pending.splice(0, BATCH)
      this.#batch = calls.map(rowOf)
    }
    const rows = this.#batch
    try {
      await this.#options.store.append({ table: 'call', columns: CALL_COLUMNS, rows }, { deadlineMs })
      this.#written += rows.length
    } catch (error) {
      if (isUnavailable(error)) return false
      this.#dropped += rows.length
      this.#options.logger.error('Records of calls were refused by the database.', { calls: rows.length, cause: messageOf(error) })
    }
    this.#batch = []
    return true
  }

  #turn(failing: boolean): void {
    this.#failing = failing
    if (failing)
      this.#options.logger.warn('Calls cannot be recorded at the moment. They are kept in memory, and dropped when there are too many.')
    else this.#options.logger.info('Calls are recorded again.', { dropped: this.#dropped })
  }

  async #prune(): Promise<void> {
    const { store, logger, retention = RETENTION } = this.#options
    const { signal } = this.#closing
    let wait = PRUNE_FIRST_MS
    while (!signal.aborted) {
      try {
        await sleep(this.#clock, wait, signal)
        wait = PRUNE_MS
        const deleted = await pruneCalls(store, this.#clock, retention, signal)
        if (deleted > 0) logger.info('Old records of calls were deleted.', { deleted })
      } catch (error) {
        if (!signal.aborted && !isUnavailable(error))
          logger.error('Old records of calls could not be deleted.', { cause: messageOf(error) })
      }
    }
  }
}
