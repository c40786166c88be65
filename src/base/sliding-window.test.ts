import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { ManualClock } from './manual-clock.ts'
import { SlidingWindow } from './sliding-window.ts'

describe('SlidingWindow', () => {
  test('counts by key, and knows nothing of others', () => {
    const window = new SlidingWindow<'a' | 'b'>(new ManualClock(), 10_000)
    window.add('a')
    window.add('a', 4)
    expect([window.sum('a'), window.sum('b')]).toEqual([5, 0])
  })

  test('forgets after the window, and not before nine tenths of it', () => {
    const clock = new ManualClock({ monotonic: 999 })
    const window = new SlidingWindow<'a'>(clock, 10_000)
    window.add('a')
    clock.advance(9_000)
    expect(window.sum('a')).toBe(1)
    clock.advance(1_001)
    expect(window.sum('a')).toBe(0)
  })

  test('a slot that is used again holds nothing of its last round', () => {
    const clock = new ManualClock()
    const window = new SlidingWindow<'a' | 'b'>(clock, 10_000)
    window.add('a', 100)
    clock.advance(10_000)
    window.add('b')
    expect([window.sum('a'), window.sum('b')]).toEqual([0, 1])
  })

  test('at any time the sum lies between the counts of nine tenths of the window and of all of it', () => {
    const step = fc.record({ wait: fc.nat(4_000), amount: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(20_000), (steps, start) => {
        const clock = new ManualClock({ monotonic: start })
        const window = new SlidingWindow<'a'>(clock, 10_000)
        const added: { at: number; amount: number }[] = []
        for (const { wait, amount } of steps) {
          clock.advance(wait)
          const within = (ms: number): number =>
            added.filter(({ at }) => at > clock.monotonic() - ms).reduce((sum, { amount: one }) => sum + one, 0)
          const check = (): void => {
            expect(window.sum('a')).toBeGreaterThanOrEqual(within(9_000))
            expect(window.sum('a')).toBeLessThanOrEqual(within(10_000))
          }
          check()
          window.add('a', amount)
          added.push({ at: clock.monotonic(), amount })
          check()
        }
      }),
    )
  })
})
