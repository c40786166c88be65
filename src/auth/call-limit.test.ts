import { describe, expect, test } from 'bun:test'
import { AppError } from '#base'
import { CallTimes, formatCallLimit, parseCallLimit } from './call-limit.ts'

describe('limits of keys', () => {
  test.each(['5/s', '60/m', '1000/h'])('%s is read and written the same', (text) => {
    expect(formatCallLimit(parseCallLimit(text))).toBe(text)
  })

  test.each(['', '0/m', '60', '60/d', '-1/m', '1.5/s', '60/m ', '100001/h', '1e3/s'])('"%s" is refused', (text) => {
    expect(() => parseCallLimit(text)).toThrow(AppError)
  })

  test('no window of its length ever holds more than its calls, and the wait that it tells is exact', () => {
    const times = new CallTimes({ calls: 3, windowMs: 1_000 })
    expect([0, 400, 900].map((now) => times.take(now))).toEqual([0, 0, 0])
    expect(times.take(950)).toBe(50)
    expect(times.take(1_000)).toBe(0)
    expect(times.take(1_001)).toBe(399)
    expect(times.take(1_400)).toBe(0)
    expect(times.take(1_400)).toBe(500)
  })
})
