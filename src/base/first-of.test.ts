import { describe, expect, test } from 'bun:test'
import { firstOf, TIMED_OUT } from './first-of.ts'
import { ManualClock } from './manual-clock.ts'

describe('firstOf', () => {
  test('the value, when it comes in time; no timer stays behind', async () => {
    const clock = new ManualClock()
    expect(await firstOf(clock, Promise.resolve('here'), 100)).toBe('here')
    expect(clock.waiting).toBe(0)
  })

  test('the error, when it comes in time; no timer stays behind', async () => {
    const clock = new ManualClock()
    expect(await firstOf(clock, Promise.reject(new TypeError('broken')), 100).catch(String)).toBe('TypeError: broken')
    expect(clock.waiting).toBe(0)
  })

  test('TIMED_OUT at the time and not before; the promise may be waited for again', async () => {
    const clock = new ManualClock()
    const late = Promise.withResolvers<string>()
    const first = firstOf(clock, late.promise, 100)
    let settled = false
    void first.then(() => (settled = true))
    await clock.pass(99)
    expect(settled).toBe(false)
    await clock.pass(1)
    expect(await first).toBe(TIMED_OUT)
    const second = firstOf(clock, late.promise, 100)
    late.resolve('at last')
    expect(await second).toBe('at last')
  })

  test('an error that comes after the time is nobody’s unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', onUnhandled)
    const clock = new ManualClock()
    const late = Promise.withResolvers<never>()
    const first = firstOf(clock, late.promise, 100)
    await clock.pass(100)
    expect(await first).toBe(TIMED_OUT)
    late.reject(new TypeError('too late'))
    await clock.pass(1)
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })
})
