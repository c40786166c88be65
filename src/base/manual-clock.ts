import { AppError } from './app-error.ts'
import type { Clock, Timer } from './clock.ts'

interface Pending {
  readonly due: number
  readonly fn: () => void
}

export interface ManualClockOptions {
  /** Wall time at the start, ms since the epoch. */
  readonly now?: number
  readonly monotonic?: number
  readonly seed?: number
}

/** Timers that one `advance` may fire: more means that something re-arms itself without end. */
const MOST_FIRED = 100_000

/** A clock that stands still until it is advanced: for replays and tests. */
export class ManualClock implements Clock {
  #now: number
  #monotonic: number
  #state: number
  #timers: Pending[] = []

  constructor(options: ManualClockOptions = {}) {
    this.#now = options.now ?? 1_700_000_000_000
    this.#monotonic = options.monotonic ?? 0
    this.#state = options.seed ?? 1
  }

  readonly now = (): number => this.#now

  readonly monotonic = (): number => this.#monotonic

  readonly after = (ms: number, fn: () => void): Timer => {
    const pending: Pending = { due: this.#monotonic + Math.max(0, ms), fn }
    const at = this.#timers.findIndex((timer) => timer.due > pending.due)
    this.#timers.splice(at === -1 ? this.#timers.length : at, 0, pending)
    return { cancel: () => void (this.#timers = this.#timers.filter((timer) => timer !== pending)) }
  }

  /** Mulberry32: the same numbers for the same seed. */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Timers that have not fired. */
  get waiting(): number {
    return this.#timers.length
  }

  /** Lets `ms` pass: timers fire in the order in which they are due, each at its own time. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (let fired = 0; this.#fireNext(end); fired++) this.#refuseEndless(fired)
    this.#moveTo(end)
  }

  /** As `advance`, and everything that a timer sets going comes to rest before the next one fires. */
  async pass(ms: number): Promise<void> {
    const end = this.#monotonic + ms
    await settled()
    for (let fired = 0; this.#fireNext(end); fired++) {
      this.#refuseEndless(fired)
      await settled()
    }
    this.#moveTo(end)
    await settled()
  }

  /** Sets the wall's time; durations and timers do not notice. */
  setWall(now: number): void {
    this.#now = now
  }

  #fireNext(end: number): boolean {
    const next = this.#timers[0]
    if (next === undefined || next.due > end) return false
    this.#timers.shift()
    this.#moveTo(next.due)
    next.fn()
    return true
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }

  #refuseEndless(fired: number): void {
    if (fired < MOST_FIRED) return
    throw new AppError(`${MOST_FIRED} timers fired at ${this.#monotonic} ms.`, { code: 'endless_timers' })
  }
}

/** Lets promises that can settle do so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
