import { AppError } from '#base'

/** At most `calls` in any `windowMs`. */
export interface CallLimit {
  readonly calls: number
  readonly windowMs: number
}

const LIMIT = /^(\d{1,6})\/([smh])$/
const WINDOWS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }
const MOST = 100_000

/** Reads `60/m`; throws `bad_limit` for anything else. */
export function parseCallLimit(text: string): CallLimit {
  const match = LIMIT.exec(text)
  const calls = Number(match?.[1])
  const windowMs = WINDOWS[match?.[2] ?? '']
  if (windowMs === undefined || !(calls >= 1 && calls <= MOST)) {
    throw new AppError(`"${text.slice(0, 80)}" is not a limit.`, {
      code: 'bad_limit',
      remedy: `Expected calls per second, minute or hour, such as 5/s, 60/m or 1000/h; at most ${MOST} calls.`,
    })
  }
  return { calls, windowMs }
}

/** The text that `parseCallLimit` reads. */
export function formatCallLimit(limit: CallLimit): string {
  const unit = Object.entries(WINDOWS).find(([, windowMs]) => windowMs === limit.windowMs)?.[0] ?? 's'
  return `${limit.calls}/${unit}`
}

/** The times of a key's last calls: exact in every window, not only in those that begin on the minute. */
export class CallTimes {
  readonly #limit: CallLimit
  readonly #times: Float64Array
  #next = 0

  constructor(limit: CallLimit) {
    this.#limit = limit
    this.#times = new Float64Array(limit.calls).fill(Number.NEGATIVE_INFINITY)
  }

  /** Counts a call made now and returns 0, or returns the milliseconds until one may be made. */
  take(now: number): number {
    const waitMs = (this.#times[this.#next] ?? 0) + this.#limit.windowMs - now
    if (waitMs > 0) return waitMs
    this.#times[this.#next] = now
    this.#next = (this.#next + 1) % this.#limit.calls
    return 0
  }
}
