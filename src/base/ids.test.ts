import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { newId, randomSecret, sha256 } from './ids.ts'
import { ManualClock } from './manual-clock.ts'

describe('newId', () => {
  test('has its prefix, 9 characters of time and 8 of chance', () => {
    expect(newId(new ManualClock(), 'call')).toMatch(/^call_[0-9a-hjkmnp-tv-z]{17}$/)
  })

  test('sorts by time as text, however long between', () => {
    const time = fc.integer({ min: 0, max: 32 ** 9 - 1 })
    fc.assert(
      fc.property(time, time, fc.integer(), (a, b, seed) => {
        const idAt = (now: number): string => newId(new ManualClock({ now, seed }), 'call')
        const [early, late] = a < b ? [a, b] : [b, a]
        if (early < late) expect(idAt(early) < idAt(late)).toBe(true)
      }),
    )
  })

  test('ten thousand of one millisecond are all different', () => {
    const clock = new ManualClock()
    expect(new Set(Array.from({ length: 10_000 }, () => newId(clock, 'call'))).size).toBe(10_000)
  })
})

describe('secrets', () => {
  test('are long, different, and safe in a URL', () => {
    expect(randomSecret()).toMatch(/^[\w-]{43}$/)
    expect(randomSecret(16)).toHaveLength(22)
    expect(randomSecret()).not.toBe(randomSecret())
  })

  test('SHA-256 in hex', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})
