/** What may be sent, and whether the answer ends with it. */
export interface StopResult {
  readonly text: string
  readonly stopped: boolean
}

/**
 * Looks for the caller's stop sequences where two answers meet. Each upstream looks within its own text; only a sequence that
 * begins in what was delivered, or in white space that the next one was not shown, is seen by neither.
 */
export class StopScan {
  readonly #stops: readonly string[]
  /** The delivered end that a sequence could have begun in. */
  #seen: string
  #held = ''
  #stopped = false

  constructor(stops: string | readonly string[] | null | undefined, delivered: string) {
    const list = typeof stops === 'string' ? [stops] : (stops ?? [])
    this.#stops = list.filter((stop) => stop !== '')
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length))
    this.#seen = longest > 1 ? delivered.slice(-(longest - 1)) : ''
  }

  /** The part of `text` that no stop sequence can begin in or reach; nothing after one was found. */
  push(text: string): StopResult {
    if (this.#stopped) return { text: '', stopped: true }
    if (this.#stops.length === 0) return { text, stopped: false }
    const fresh = this.#held + text
    const known = this.#seen + fresh
    const start = this.#firstStop(known)
    if (start !== undefined) {
      this.#stopped = true
      return { text: fresh.slice(0, Math.max(0, start - this.#seen.length)), stopped: true }
    }
    const safe = Math.max(this.#seen.length, this.#firstPossible(known))
    this.#held = known.slice(safe)
    this.#seen = this.#keep(known.slice(0, safe))
    return { text: fresh.slice(0, fresh.length - this.#held.length), stopped: false }
  }

  /** What was held back, when the answer ended without a stop sequence. */
  end(): string {
    const rest = this.#stopped ? '' : this.#held
    this.#held = ''
    return rest
  }

  /** Where the sequence begins that is complete first. */
  #firstStop(known: string): number | undefined {
    let best: { start: number; end: number } | undefined
    for (const stop of this.#stops) {
      const start = known.indexOf(stop, Math.max(0, this.#seen.length - stop.length + 1))
      if (start === -1) continue
      const end = start + stop.length
      if (!best || end < best.end || (end === best.end && start < best.start)) best = { start, end }
    }
    return best?.start
  }

  /** Where the earliest tail begins that is the beginning of a stop sequence. */
  #firstPossible(known: string): number {
    let earliest = known.length
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, known.length); length > 0; length--) {
        if (!stop.startsWith(known.slice(-length))) continue
        earliest = Math.min(earliest, known.length - length)
        break
      }
    }
    return earliest
  }

  #keep(seen: string): string {
    const longest = Math.max(...this.#stops.map((stop) => stop.length))
    return longest > 1 ? seen.slice(-(longest - 1)) : ''
  }
}
