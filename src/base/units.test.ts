import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { formatDuration, parseBytes, parseDuration, parseShare } from './units.ts'

describe('durations', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0s', 0],
    ['250ms', 250],
    ['2s', 2_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
  ]
  test.each(good)('%s', (text, ms) => expect(parseDuration(text)).toBe(ms))

  test.each(['', 's', '2', '2 s', '-2s', '+2s', '2S', '2sec', '1e3s', '.5s', '2.s', '2s ', '0x2s', '١s', '2s3s'])(
    '"%s" is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  const shown: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [90, '90 ms'],
    [999, '999 ms'],
    [999.7, '1 s'],
    [1_000, '1 s'],
    [4_200, '4.2 s'],
    [119_999, '120 s'],
    [120_000, '2 min'],
    [180_000, '3 min'],
    [90 * 60_000, '90 min'],
    [7_200_000, '2 h'],
  ]
  test.each(shown)('%d ms is shown as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  test('what is shown, read again, is the same within its last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const back = parseDuration(formatDuration(ms).replace(' min', 'm').replace(' ', '')) ?? Number.NaN
        expect(Math.abs(back - ms)).toBeLessThanOrEqual(Math.max(0.51, ms * 0.06))
      }),
    )
  })

  test('whole numbers survive in every unit', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (amount) => {
        expect(parseDuration(`${amount}ms`)).toBe(amount)
        expect(parseDuration(`${amount}s`)).toBe(amount * 1_000)
        expect(parseBytes(`${amount}KiB`)).toBe(amount * 1_024)
      }),
    )
  })
})

describe('bytes', () => {
  const good: readonly (readonly [string, number])[] = [
    ['512B', 512],
    ['256KiB', 262_144],
    ['1.5KiB', 1_536],
    ['32MiB', 33_554_432],
    ['1GiB', 1_073_741_824],
    ['0.3B', 0],
  ]
  test.each(good)('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes))
  test.each(['', '12', '1KB', '1kib', '1 MiB', '-1B', 'B', '1TiB'])('"%s" is none', (text) => expect(parseBytes(text)).toBeUndefined())
})

describe('shares', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0%', 0],
    ['20%', 0.2],
    ['12.5%', 0.125],
    ['100%', 1],
  ]
  test.each(good)('%s', (text, share) => expect(parseShare(text)).toBe(share))
  test.each(['', '20', '0.2', '101%', '100.1%', '-1%', '20 %', '%'])('"%s" is none', (text) => expect(parseShare(text)).toBeUndefined())
})
