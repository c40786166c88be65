import type { Clock } from './clock.ts'

/** Counts of the last `windowMs`, kept in `buckets` slices: constant memory, whatever the rate. */
export class SlidingWindow<Key extends string> {
  readonly #clock: Clock
  readonly #sliceMs: number
  readonly #slices: { slice: number; counts: Map<Key, number> }[]

  constructor(clock: Clock, windowMs: number, buckets = 10) {
    this.#clock = clock
    this.#sliceMs = windowMs / buckets
    this.#slices = Array.from({ length: buckets }, () => ({ slice: -1, counts: new Map<Key, number>() }))
  }

  /** Adds `amount` to a count, now. */
  add(key: Key, amount = 1): void {
    const slice = Math.floor(this.#clock.monotonic() / this.#sliceMs)
    const bucket = this.#slices[slice % this.#slices.length]
    if (!bucket) return
    if (bucket.slice !== slice) {
      bucket.slice = slice
      bucket.counts.clear()
    }
    bucket.counts.set(key, (bucket.counts.get(key) ?? 0) + amount)
  }

  /** What was counted within the window. */
  sum(key: Key): number {
    const oldest = Math.floor(this.#clock.monotonic() / this.#sliceMs) - this.#slices.length
    let sum = 0
    for (const bucket of this.#slices) if (bucket.slice > oldest) sum += bucket.counts.get(key) ?? 0
    return sum
  }
}
