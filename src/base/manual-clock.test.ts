import { describe, expect, test } from 'bun:test'
import { sleep } from './abort.ts'
import { ManualClock } from './manual-clock.ts'

describe('ManualClock', () => {
  test('stands still until it is advanced, and moves both times alike', () => {
    const clock = new ManualClock({ now: 5_000, monotonic: 70 })
    expect([clock.now(), clock.monotonic()]).toEqual([5_000, 70])
    clock.advance(1_250)
    expect([clock.now(), clock.monotonic()]).toEqual([6_250, 1_320])
    clock.setWall(0)
    expect([clock.now(), clock.monotonic()]).toEqual([0, 1_320])
  })

  test('timers fire in the order in which they are due, each at its own time; those of one instant in the order of their making', () => {
    const clock = new ManualClock()
    const fired: string[] = []
    const note = (name: string) => (): void => void fired.push(`${name}@${clock.monotonic()}`)
    clock.after(30, note('c'))
    clock.after(10, note('a'))
    clock.after(30, note('d'))
    clock.after(20, () => clock.after(5, note('b')))
    clock.after(31, note('late'))
    clock.advance(30)
    expect(fired).toEqual(['a@10', 'b@25', 'c@30', 'd@30'])
    expect(clock.waiting).toBe(1)
  })

  test('a cancelled timer does not fire, and cancelling it again changes nothing', () => {
    const clock = new ManualClock()
    let fired = 0
    const timer = clock.after(10, () => fired++)
    clock.after(10, () => fired++)
    timer.cancel()
    timer.cancel()
    clock.advance(10)
    expect(fired).toBe(1)
  })

  test('what a timer sets going comes to rest before the next one fires', async () => {
    const clock = new ManualClock()
    const at: number[] = []
    const work = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 10)
        at.push(clock.monotonic())
      }
    })()
    await clock.pass(35)
    await work
    expect(at).toEqual([10, 20, 30])
  })

  test('a timer that re-arms itself without end is an error, not a hang', () => {
    const clock = new ManualClock()
    const again = (): void => void clock.after(0, again)
    again()
    expect(() => clock.advance(1)).toThrow('timers fired at 0 ms')
  })

  test('the same seed gives the same numbers, all of them in [0, 1)', () => {
    const draw = (seed: number): number[] => {
      const clock = new ManualClock({ seed })
      return Array.from({ length: 1_000 }, clock.random)
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true)
    const mean = draw(7).reduce((a, b) => a + b, 0) / 1_000
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05)
  })
})
