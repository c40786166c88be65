import { type Continuation, UpstreamError } from '#contract'
import { JsonPrefix } from './json-prefix.ts'
import { Seam } from './seam.ts'
import { StopScan } from './stop-sequences.ts'

export interface JointOptions {
  /** The text that the client has. */
  readonly delivered: string
  readonly way: Continuation
  /** The words that the upstream was asked to begin with. */
  readonly anchor: string | undefined
  readonly stop: string | readonly string[] | null | undefined
  /** Whether the whole text must be one JSON value. */
  readonly json: boolean
}

/**
 * Joins a continuing answer's text to what was delivered: the seam, the caller's stop sequences across it, and JSON that
 * stays JSON. Throws `UpstreamError` as soon as there is no honest way to join them (S2).
 */
export class Joint {
  readonly #seam: Seam
  readonly #stops: StopScan
  readonly #json: JsonPrefix | undefined
  #stopped = false

  constructor(options: JointOptions) {
    this.#seam = new Seam(options.delivered, options.way, options.anchor)
    this.#stops = new StopScan(options.stop, options.delivered)
    if (options.json) {
      this.#json = new JsonPrefix()
      this.#json.push(options.delivered)
    }
  }

  /** Whether a stop sequence ended the answer. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Takes a piece of the reply; returns what may be sent now. */
  push(text: string): string {
    const joined = this.#seam.push(text)
    if (this.#seam.state === 'broken') throw notJoinable()
    return this.#pass(joined)
  }

  /** The reply is over, by itself or because it reached a limit; returns the rest. */
  end(byItself: boolean): string {
    if (this.#stopped) return ''
    const end = this.#seam.end()
    if ('broken' in end) throw notJoinable()
    const text = this.#pass(end.text)
    if (byItself && this.#json && !this.#json.complete) throw notJoinable()
    return this.#stopped ? text : text + this.#stops.end()
  }

  #pass(text: string): string {
    if (this.#json && !this.#json.push(text)) throw notJoinable()
    const result = this.#stops.push(text)
    this.#stopped = result.stopped
    return result.text
  }
}

function notJoinable(): UpstreamError {
  return new UpstreamError({ kind: 'not_joinable', message: 'The reply does not continue the answer that was begun.' })
}
