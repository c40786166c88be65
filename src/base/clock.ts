/** A pending callback; disposing cancels it. */
export interface Timer {
  cancel(): void
}

/** The only source of time and chance, so that everything can be replayed. */
export interface Clock {
  /** Wall time, ms since the epoch. May jump. */
  now(): number
  /** Milliseconds that never go back; for durations and deadlines. */
  monotonic(): number
  /** Calls `fn` once after `ms`. Does not keep the process alive. */
  after(ms: number, fn: () => void): Timer
  /** A number in [0, 1). */
  random(): number
}

/** The longest delay that a 32-bit timer can hold, ms. */
const LONGEST = 2_147_483_647

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(ms, LONGEST))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  random: () => Math.random(),
}
