import { abortable, AppError, type Clock, firstOf, linkSignals, type Logger, messageOf, sleep, TIMED_OUT } from '#base'
import { type Execute, kyselyOver } from '../kysely-over.ts'
import { Lane } from '../lane.ts'
import { isBehind, migrate } from '../migrations.ts'
import type { Tables } from '../schema.ts'
import type { Append, Database, OperationOptions, Store, StoreState } from '../store.ts'
import { unavailable } from '../store-error.ts'
import { isBusy, isDamaged, storeError } from './decide.ts'
import type { StatementResult } from './protocol.ts'
import { setAside } from './set-aside.ts'
import { WorkerClient } from './worker-client.ts'

export interface SqliteStoreOptions {
  readonly file: string
  readonly clock: Clock
  readonly logger: Logger
  /** Neither creates nor changes anything. */
  readonly readOnly?: boolean
  /** Sets a damaged file aside and begins a new one; the service itself does, a command does not. True when left out. */
  readonly recover?: boolean
  /** The program of the database thread. */
  readonly workerUrl?: URL
}

const DEADLINE_MS = 5_000
const OPEN_PATIENCE_MS = 500
const OPEN_DEADLINE_MS = 10_000
/** A check reads the whole file. */
const CHECK_DEADLINE_MS = 600_000
const CLOSE_DEADLINE_MS = 2_000
const FIRST_BACKOFF_MS = 100
const LAST_BACKOFF_MS = 5_000
const PING_MS = 1_000
const PING_DEADLINE_MS = 10_000
const BUSY_RETRY_MS = 10
const WAITING = 1_000

/** SQLite in a thread of its own, so that neither a slow disk nor a lock ever holds up the event loop. */
export class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #writing = new Lane(WAITING)
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #state: StoreState = { status: 'opening' }
  /** Resolved when the first try to open has ended, either way. */
  readonly #tried = Promise.withResolvers<void>()
  /** The thread whose connections are open. */
  #worker: WorkerClient | undefined
  #suspect = false
  #reopen: () => void = () => undefined
  #operations = 0

  constructor(options: SqliteStoreOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#logger = options.logger
    this.#running = this.#keepOpen()
  }

  get state(): StoreState {
    return this.#state
  }

  read<T>(fn: (database: Database) => Promise<T>, options: OperationOptions = {}): Promise<T> {
    return this.#operation(options, (worker, signal) => fn(this.#reading(worker, signal)))
  }

  transact<T>(fn: (database: Database) => Promise<T>, options: OperationOptions = {}): Promise<T> {
    return this.#operation(options, (worker, signal) => this.#transaction(worker, signal, fn))
  }

  append<Table extends keyof Tables>(append: Append<Table>, options: OperationOptions = {}): Promise<number> {
    const { table, columns, rows } = append
    const names = columns.map((column) => `"${column}"`).join(', ')
    const sql = `insert into "${table}" (${names}) values (${columns.map(() => '?').join(', ')}) on conflict do nothing`
    return this.#operation(options, async (worker, signal) => {
      const leave = await this.#writing.enter(signal)
      try {
        const result = await this.#patiently(signal, () => worker.perform({ type: 'append', sql, rows }))
        return result.changes
      } finally {
        leave()
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.status === 'closed') return
    this.#state = { status: 'closed' }
    this.#tried.resolve()
    this.#closing.abort(unavailable('it was closed.'))
    await this.#running
  }

  /** Runs `work` when the database is open, under a deadline and the caller's signal. */
  async #operation<T>(options: OperationOptions, work: (worker: WorkerClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, deadlineMs = DEADLINE_MS } = options
    signal?.throwIfAborted()
    if (this.#operations >= WAITING) throw unavailable(`${WAITING} operations are waiting already.`)
    const { controller, unlink } = linkSignals(signal ?? new AbortController().signal)
    const timer = this.#clock.after(deadlineMs, () => controller.abort(unavailable(`it did not answer within ${deadlineMs} ms.`)))
    this.#operations++
    try {
      if (this.#state.status === 'opening') await abortable(this.#tried.promise, controller.signal)
      const worker = this.#opened()
      return await abortable(work(worker, controller.signal), controller.signal)
    } catch (error) {
      if (isDamaged(error)) this.#suspected()
      throw storeError(error)
    } finally {
      this.#operations--
      timer.cancel()
      unlink()
    }
  }

  #opened(): WorkerClient {
    const state = this.#state
    if (state.status === 'ready' && this.#worker) return this.#worker
    throw unavailable(state.status === 'unavailable' ? state.reason : state.status === 'closed' ? 'it was closed.' : 'it is being opened.')
  }

  #reading(worker: WorkerClient, signal: AbortSignal): Database {
    return kyselyOver((sql, parameters) =>
      this.#patiently(signal, () => worker.perform({ type: 'query', connection: 'read', sql, parameters })),
    )
  }

  async #transaction<T>(worker: WorkerClient, signal: AbortSignal, fn: (database: Database) => Promise<T>): Promise<T> {
    const leave = await this.#writing.enter(signal)
    const perform = (sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> =>
      worker.perform({ type: 'query', connection: 'write', sql, parameters })
    let over = false
    try {
      await this.#patiently(signal, () => perform('begin immediate'))
      const execute: Execute = async (sql, parameters) => {
        if (over) throw new AppError('The transaction is over.', { code: 'store_query_failed' })
        signal.throwIfAborted()
        return perform(sql, parameters)
      }
      signal.throwIfAborted()
      const value = await abortable(fn(kyselyOver(execute)), signal)
      over = true
      signal.throwIfAborted()
      await perform('commit')
      return value
    } catch (error) {
      over = true
      // Without an open transaction this fails, and nothing is lost by that.
      await perform('rollback').catch(() => undefined)
      throw error
    } finally {
      leave()
    }
  }

  /** Waits for a lock that another process holds, as long as the signal allows. */
  async #patiently(signal: AbortSignal, work: () => Promise<StatementResult>): Promise<StatementResult> {
    while (true) {
      signal.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        if (!isBusy(error)) throw error
        try {
          await sleep(this.#clock, BUSY_RETRY_MS, signal)
        } catch {
          throw error
        }
      }
    }
  }

  #suspected(): void {
    this.#suspect = true
    this.#reopen()
  }

  /** Opens, watches, and opens again, until the store is closed. */
  async #keepOpen(): Promise<void> {
    const closing = this.#closing.signal
    let backoff = FIRST_BACKOFF_MS
    let worker: WorkerClient | undefined
    while (!closing.aborted) {
      try {
        worker = new WorkerClient(this.#options.workerUrl ?? new URL('./sqlite-worker.ts', import.meta.url))
        await this.#open(worker)
        this.#become({ status: 'ready' }, worker)
        backoff = FIRST_BACKOFF_MS
        const reason = await this.#watch(worker)
        this.#become({ status: 'unavailable', reason })
      } catch (error) {
        if (isDamaged(error)) this.#suspect = true
        this.#become({ status: 'unavailable', reason: reasonOf(error) })
      } finally {
        this.#worker = undefined
        await this.#end(worker)
      }
      await sleep(this.#clock, backoff, closing).catch(() => undefined)
      backoff = Math.min(backoff * 2, LAST_BACKOFF_MS)
    }
  }

  async #open(worker: WorkerClient): Promise<void> {
    const { file, readOnly = false, recover = true } = this.#options
    const { controller, unlink } = linkSignals(this.#closing.signal)
    const { signal } = controller
    const deadlineMs = this.#suspect ? CHECK_DEADLINE_MS : OPEN_DEADLINE_MS
    const timer = this.#clock.after(deadlineMs, () => controller.abort(unavailable('it could not be opened in time.')))
    // Others that open the same file at the same moment lock it for an instant; that is not worth a word.
    const patientUntil = this.#clock.monotonic() + OPEN_PATIENCE_MS
    const open = async (): Promise<void> => {
      try {
        await abortable(worker.perform({ type: 'open', file, readOnly, check: this.#suspect }), signal)
      } catch (error) {
        if (!isBusy(error) || this.#clock.monotonic() > patientUntil) throw error
        await sleep(this.#clock, BUSY_RETRY_MS, signal)
        await open()
      }
    }
    try {
      try {
        await open()
      } catch (error) {
        if (!isDamaged(error) || readOnly || !recover) throw error
        const kept = setAside(file, this.#clock.now())
        this.#logger.error(
          `The database is damaged. It was set aside, and a new one was begun: what it held is missing until it is restored.`,
          {
            file,
            kept,
            cause: messageOf(error),
          },
        )
        await open()
      }
      this.#suspect = false
      const behind = await isBehind(this.#reading(worker, signal))
      if (behind && readOnly) throw unavailable('it was made by an older version of Holdfast, or is being made. Start the server once.')
      if (behind) await migrate(this.#clock, (fn) => this.#transaction(worker, signal, fn))
    } finally {
      timer.cancel()
      unlink()
    }
  }

  /** Resolves to the reason when the open database can no longer be used. */
  async #watch(worker: WorkerClient): Promise<string> {
    const broken = Promise.withResolvers<string>()
    this.#reopen = () => broken.resolve('its file seems damaged and is being checked.')
    worker.ended.then((fault) => broken.resolve(fault.message))
    const onClose = (): void => broken.resolve('it was closed.')
    this.#closing.signal.addEventListener('abort', onClose, { once: true })
    const watching = new AbortController()
    this.#ping(worker, watching.signal).catch((error: unknown) => broken.resolve(reasonOf(error)))
    try {
      return await broken.promise
    } finally {
      watching.abort()
      this.#reopen = () => undefined
      this.#closing.signal.removeEventListener('abort', onClose)
    }
  }

  async #ping(worker: WorkerClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#clock, PING_MS, signal)
      const answer = await abortable(firstOf(this.#clock, worker.perform({ type: 'ping' }), PING_DEADLINE_MS), signal)
      if (answer === TIMED_OUT) throw unavailable('its thread does not answer, so it is replaced. The disk may hang.')
    }
  }

  async #end(worker: WorkerClient | undefined): Promise<void> {
    if (!worker) return
    const enough = new AbortController()
    const timer = this.#clock.after(CLOSE_DEADLINE_MS, () => enough.abort())
    await abortable(worker.perform({ type: 'close' }), enough.signal).catch(() => undefined)
    timer.cancel()
    worker.terminate()
    // A thread that hangs in the system ends only when the system lets go of it. Starting others meanwhile would pile them up.
    await abortable(worker.closed, this.#closing.signal).catch(() => undefined)
  }

  #become(state: StoreState, worker?: WorkerClient): void {
    const before = this.#state
    if (before.status === 'closed') return
    this.#state = state
    this.#worker = worker
    this.#tried.resolve()
    if (state.status === 'ready') {
      if (before.status === 'unavailable') this.#logger.info('The database is available again.', { file: this.#options.file })
    } else if (state.status === 'unavailable' && !(before.status === 'unavailable' && before.reason === state.reason)) {
      this.#logger.error(`The database is not available: ${state.reason} It is tried again until it is.`, { file: this.#options.file })
    }
  }
}

/** The words of an error without the prefix that `unavailable` gives them. */
function reasonOf(error: unknown): string {
  return messageOf(storeError(error)).replace('The database is not available: ', '')
}
