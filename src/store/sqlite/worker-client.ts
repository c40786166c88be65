import { SqliteFault, type WorkerFault } from './sqlite-fault.ts'
import type { StatementResult, WorkerReply, WorkerRequest, WorkerTask } from './protocol.ts'

interface Waiter {
  resolve(result: StatementResult): void
  reject(error: SqliteFault): void
}

/** One worker thread, from its start to its end. It answers in the order of asking. */
export class WorkerClient {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiter>()
  #nextId = 1
  readonly #gone = Promise.withResolvers<WorkerFault>()
  readonly #closed = Promise.withResolvers<void>()
  #ended: WorkerFault | undefined

  constructor(url: URL) {
    this.#worker = new Worker(url, { smol: true, name: 'holdfast-store' })
    this.#worker.onmessage = (event: MessageEvent<WorkerReply>): void => this.#receive(event.data)
    this.#worker.onerror = (event: ErrorEvent): void => {
      event.preventDefault()
      this.#end(`The database thread failed: ${event.message}`)
      this.#worker.terminate()
    }
    this.#worker.addEventListener('close', () => {
      this.#end('The database thread ended.')
      this.#closed.resolve()
    })
  }

  /** Resolves to the reason when the worker is gone or given up. */
  get ended(): Promise<WorkerFault> {
    return this.#gone.promise
  }

  /** Resolves when the thread itself is no more, which may be long after it was given up. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Resolves when the worker did it; rejects with a `SqliteFault`. */
  perform(task: WorkerTask): Promise<StatementResult> {
    if (this.#ended) return Promise.reject(new SqliteFault(this.#ended))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, task } satisfies WorkerRequest)
    })
  }

  /** Ends the thread at once. */
  terminate(): void {
    this.#end('The database thread was ended.')
    this.#worker.terminate()
  }

  #end(message: string): void {
    const fault: WorkerFault = { code: 'HOLDFAST_WORKER_LOST', message }
    this.#ended ??= fault
    for (const waiter of this.#waiting.values()) waiter.reject(new SqliteFault(this.#ended))
    this.#waiting.clear()
    this.#gone.resolve(this.#ended)
  }

  #receive(reply: WorkerReply): void {
    const waiter = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if ('result' in reply) waiter?.resolve(reply.result)
    else waiter?.reject(new SqliteFault(reply.fault))
  }
}
