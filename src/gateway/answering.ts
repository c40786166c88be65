import type { Admission } from './admission.ts'
import { type Call, CallError } from './call.ts'
import type { Failover } from './failover.ts'

/** How a call ended, once. */
export interface Ending {
  readonly outcome: 'ok' | CallError['code']
  readonly status: number
}

export interface AnsweringOptions {
  readonly call: Call
  readonly admission: Admission
  readonly failover: Failover
  /** Told once, when the call has ended. */
  readonly ended: (ending: Ending) => void
}

const OVER: IteratorResult<Uint8Array> = { done: true, value: undefined }

/** The bytes of one answer: takes a place, lets failover do the work, gives the place back however it ends. */
export class Answering implements AsyncIterableIterator<Uint8Array> {
  readonly #options: AnsweringOptions
  #state: 'new' | 'entered' | 'over' = 'new'

  constructor(options: AnsweringOptions) {
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#state === 'over') return Promise.resolve(OVER)
    if (this.#state === 'entered') return this.#options.failover.next().then(this.#hand, this.#fail)
    const waiting = this.#enter()
    return waiting ? waiting.then(this.#entered, this.#fail) : this.next()
  }

  readonly #hand = (bytes: Uint8Array | undefined): IteratorResult<Uint8Array> => {
    if (bytes) return { done: false, value: bytes }
    this.#end({ outcome: 'ok', status: 200 })
    return OVER
  }

  readonly #fail = (thrown: unknown): never => {
    const error = this.#cutShort(thrown)
    this.#end({ outcome: error.code, status: error.status })
    throw error
  }

  /** The client wants no more. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#options.failover.cancel()
    this.#end({ outcome: 'cancelled', status: 499 })
    return Promise.resolve(OVER)
  }

  /** Takes a place; returns a promise when that has to be waited for. */
  #enter(): Promise<void> | undefined {
    const { admission, call } = this.#options
    const { concurrency, wait } = call.snapshot.limits
    const waiting = admission.enter(concurrency, wait, call.signal)
    if (!waiting) this.#state = 'entered'
    return waiting
  }

  readonly #entered = (): Promise<IteratorResult<Uint8Array>> => {
    if (this.#state === 'new') this.#state = 'entered'
    else this.#options.admission.leave()
    return this.next()
  }

  #end(ending: Ending): void {
    if (this.#state === 'over') return
    if (this.#state === 'entered') this.#options.admission.leave()
    this.#state = 'over'
    this.#options.ended(ending)
  }

  #cutShort(thrown: unknown): CallError {
    if (thrown instanceof CallError) return thrown
    const { call, failover } = this.#options
    failover.cancel()
    if (call.signal.aborted) return new CallError('The client left.', { code: 'cancelled', status: 499, cause: thrown })
    return new CallError('Holdfast itself failed on this call.', {
      code: 'internal_error',
      status: 500,
      remedy: 'The log names the fault under this call’s id.',
      cause: thrown,
    })
  }
}
