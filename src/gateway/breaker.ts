import type { Breaker } from '#contract'

/** Outcomes of a tenth of the window. */
interface Slice {
  readonly index: number
  readonly ok: number
  readonly failed: number
}

/** Slices of a window. */
const SLICES = 10

/**
 * A breaker's state; each carries only its own fields. `cooldown` is how long the current opening lasts, ms; times are
 * monotonic ms.
 */
export type BreakerState =
  | { readonly state: 'closed'; readonly inARow: number; readonly recent: readonly Slice[] }
  | { readonly state: 'open'; readonly until: number; readonly cooldown: number }
  | { readonly state: 'half-open'; readonly probing: boolean; readonly cooldown: number }

export type BreakerEvent = 'admit' | 'ok' | 'failed' | 'neutral'

export const CLOSED: BreakerState = { state: 'closed', inARow: 0, recent: [] }

/**
 * The next state. `admit` is a caller that was let in (see `admitsIn`); `ok`, `failed` and `neutral` are how it ended;
 * `neutral` frees a probe's place without a verdict. While it is open outcomes change nothing; in half-open they are taken for
 * the probe's, so that those of attempts from before must not be told.
 */
export function reduce(state: BreakerState, event: BreakerEvent, policy: Breaker, now: number): BreakerState {
  switch (state.state) {
    case 'closed':
      return event === 'ok' || event === 'failed' ? count(state, event === 'ok', policy, now) : state
    case 'open':
      return event === 'admit' && now >= state.until ? { state: 'half-open', probing: true, cooldown: state.cooldown } : state
    case 'half-open':
      if (event === 'admit') return { ...state, probing: true }
      if (event === 'ok') return CLOSED
      if (event === 'neutral') return { ...state, probing: false }
      return open(Math.min(state.cooldown * 2, policy.maxCooldown), now)
    default:
      return state satisfies never
  }
}

/** Milliseconds until this breaker lets a caller in; 0 when it does so now; Infinity while another one is probing. */
export function admitsIn(state: BreakerState, now: number): number {
  if (state.state === 'closed') return 0
  if (state.state === 'open') return Math.max(0, state.until - now)
  return state.probing ? Infinity : 0
}

function count(state: BreakerState & { state: 'closed' }, ok: boolean, policy: Breaker, now: number): BreakerState {
  const index = Math.floor((now / policy.window) * SLICES)
  const recent = state.recent.filter((slice) => slice.index > index - SLICES && slice.index !== index)
  const current = state.recent.find((slice) => slice.index === index) ?? { index, ok: 0, failed: 0 }
  recent.push(ok ? { ...current, ok: current.ok + 1 } : { ...current, failed: current.failed + 1 })
  let attempts = 0
  let failed = 0
  for (const slice of recent) {
    attempts += slice.ok + slice.failed
    failed += slice.failed
  }
  const inARow = ok ? 0 : Math.min(state.inARow + 1, failed)
  const tripped = !ok && (inARow >= policy.failures || (attempts >= policy.minimum && failed / attempts >= policy.share))
  return tripped ? open(Math.min(policy.cooldown, policy.maxCooldown), now) : { state: 'closed', inARow, recent }
}

function open(cooldown: number, now: number): BreakerState {
  return { state: 'open', until: now + cooldown, cooldown }
}
