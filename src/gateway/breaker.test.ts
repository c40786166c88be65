import { describe, expect, test } from 'bun:test'
import type { Breaker } from '#contract'
import { admitsIn, type BreakerEvent, type BreakerState, CLOSED, reduce } from './breaker.ts'

const POLICY: Breaker = { failures: 5, window: 10_000, share: 0.5, minimum: 10, cooldown: 1_000, maxCooldown: 5_000 }
const NOW = 50_000

type Name = BreakerState['state']

/** A state of each kind, as it is just before something happens at NOW. */
const BEFORE: Readonly<Record<Name, BreakerState>> = {
  closed: CLOSED,
  open: { state: 'open', until: NOW, cooldown: 1_000 },
  'half-open': { state: 'half-open', probing: true, cooldown: 1_000 },
}

/** What follows: every state with every event, or it does not compile. */
const AFTER: Readonly<Record<Name, Readonly<Record<BreakerEvent, Partial<BreakerState>>>>> = {
  closed: {
    admit: CLOSED,
    ok: { state: 'closed', inARow: 0, recent: [{ index: 50, ok: 1, failed: 0 }] },
    failed: { state: 'closed', inARow: 1, recent: [{ index: 50, ok: 0, failed: 1 }] },
    neutral: CLOSED,
  },
  open: {
    admit: { state: 'half-open', probing: true, cooldown: 1_000 },
    ok: BEFORE.open,
    failed: BEFORE.open,
    neutral: BEFORE.open,
  },
  'half-open': {
    admit: { state: 'half-open', probing: true, cooldown: 1_000 },
    ok: CLOSED,
    failed: { state: 'open', until: NOW + 2_000, cooldown: 2_000 },
    neutral: { state: 'half-open', probing: false, cooldown: 1_000 },
  },
}

const NAMES: readonly Name[] = ['closed', 'open', 'half-open']
const EVENTS: readonly BreakerEvent[] = ['admit', 'ok', 'failed', 'neutral']

function run(events: readonly (readonly [BreakerEvent, number])[], policy = POLICY, from: BreakerState = CLOSED): BreakerState {
  return events.reduce((state, [event, at]) => reduce(state, event, policy, at), from)
}

function times(count: number, event: BreakerEvent, at = NOW): (readonly [BreakerEvent, number])[] {
  return Array.from({ length: count }, () => [event, at] as const)
}

describe('every state and every event', () => {
  for (const name of NAMES) {
    for (const event of EVENTS) {
      test(`${name}, ${event}`, () => expect(reduce(BEFORE[name], event, POLICY, NOW)).toEqual(AFTER[name][event] as BreakerState))
    }
  }

  test('an open breaker is not entered before its time', () => {
    expect(reduce(BEFORE.open, 'admit', POLICY, NOW - 1)).toEqual(BEFORE.open)
  })
})

describe('F4 admitsIn', () => {
  const table: readonly (readonly [string, BreakerState, number])[] = [
    ['closed: now', CLOSED, 0],
    ['open: when it is due', { state: 'open', until: NOW + 750, cooldown: 1_000 }, 750],
    ['open and due: now', { state: 'open', until: NOW - 1, cooldown: 1_000 }, 0],
    ['half-open without a probe: now', { state: 'half-open', probing: false, cooldown: 1_000 }, 0],
    ['half-open with one: nobody knows when', { state: 'half-open', probing: true, cooldown: 1_000 }, Infinity],
  ]
  test.each(table)('%s', (_, state, wait) => expect(admitsIn(state, NOW)).toBe(wait))
})

describe('what opens it', () => {
  test('failures in a row, and not one fewer', () => {
    expect(run(times(4, 'failed')).state).toBe('closed')
    expect(run(times(5, 'failed'))).toEqual({ state: 'open', until: NOW + 1_000, cooldown: 1_000 })
  })

  test('one answer between begins the row anew; a neutral end does not', () => {
    expect(run([...times(4, 'failed'), ['ok', NOW], ...times(4, 'failed')]).state).toBe('closed')
    expect(run([...times(4, 'failed'), ['neutral', NOW], ['failed', NOW]]).state).toBe('open')
  })

  test('a row that is older than the window counts no more', () => {
    expect(run([...times(4, 'failed', 0), ['failed', 10_500]]).state).toBe('closed')
    expect(run([...times(4, 'failed', 0), ['failed', 8_900]]).state).toBe('open')
  })

  test('the share, once there were enough attempts', () => {
    const half = (pairs: number): (readonly [BreakerEvent, number])[] =>
      Array.from({ length: pairs }, () => [['ok', NOW] as const, ['failed', NOW] as const]).flat()
    expect(run(half(4)).state).toBe('closed')
    expect(run(half(5)).state).toBe('open')
    expect(run([...times(6, 'ok'), ...half(4), ['failed', NOW]]).state).toBe('closed')
  })

  test('only a failure opens it, though the share be reached', () => {
    const seven = run([...times(3, 'failed'), ...times(1, 'ok'), ...times(3, 'failed'), ...times(2, 'ok')])
    expect(seven.state).toBe('closed')
    expect(reduce(seven, 'ok', POLICY, NOW).state).toBe('closed')
    expect(
      run(
        [
          ['ok', NOW],
          ['failed', NOW],
        ],
        POLICY,
        seven,
      ).state,
    ).toBe('open')
  })

  test('the share forgets what left the window', () => {
    const old = run([...times(20, 'ok', 0)])
    const events = [...times(4, 'failed', 12_000), ['ok', 12_000] as const, ...times(4, 'failed', 12_000)] as const
    expect(run(events, POLICY, old).state).toBe('closed')
    expect(run([...events, ['ok', 12_000], ['failed', 12_000]], POLICY, old).state).toBe('open')
  })
})

describe('how long it rests', () => {
  test('doubles after each failed probe up to the most, and begins anew after an answer', () => {
    let state = run(times(5, 'failed', 0))
    const rests: number[] = []
    let now = 0
    for (let i = 0; i < 5; i++) {
      const wait = admitsIn(state, now)
      rests.push(wait)
      now += wait
      state = run(
        [
          ['admit', now],
          ['failed', now],
        ],
        POLICY,
        state,
      )
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
    state = run([['admit', now + 5_000], ['ok', now + 5_000], ...times(5, 'failed', now + 5_000)], POLICY, state)
    expect(admitsIn(state, now + 5_000)).toBe(1_000)
  })

  test('is never longer than the most, from the first time on', () => {
    expect(run(times(5, 'failed', 0), { ...POLICY, cooldown: 60_000 })).toEqual({ state: 'open', until: 5_000, cooldown: 5_000 })
  })
})
