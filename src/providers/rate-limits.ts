import type { RateLimits } from './provider.ts'
import { readReset } from './retry-after.ts'

const LIMIT = 'x-ratelimit-limit'
/** Where a limit's reset is not told: most are counted by the minute. */
const USUAL_RESET_MS = 60_000

/** What a response's head says about the account's limits: the one with the smallest share left; undefined when it says nothing. */
export function readRateLimits(headers: ReadonlyMap<string, string>, now: number): RateLimits | undefined {
  let tightest: RateLimits | undefined
  for (const [name, value] of headers) {
    if (!name.startsWith(LIMIT)) continue
    const suffix = name.slice(LIMIT.length)
    const limit = Number.parseFloat(value)
    const left = Number.parseFloat(headers.get(`x-ratelimit-remaining${suffix}`) ?? '')
    if (!(limit > 0) || Number.isNaN(left)) continue
    const remaining = Math.min(Math.max(left / limit, 0), 1)
    if (tightest !== undefined && tightest.remaining <= remaining) continue
    const resetMs = readReset(headers.get(`x-ratelimit-reset${suffix}`), now) ?? USUAL_RESET_MS
    tightest = { remaining, resetMs: Math.max(0, Math.round(resetMs)) }
  }
  return tightest
}
