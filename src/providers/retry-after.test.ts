import { describe, expect, test } from 'bun:test'
import { readRateLimits } from './rate-limits.ts'
import { readHint, readRetryAfter } from './retry-after.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const wait = (headers: Readonly<Record<string, string>>, hint?: number): number | undefined =>
  readRetryAfter(new Map(Object.entries(headers)), hint, NOW)

describe('F2: how long a provider asks to wait', () => {
  const headers: readonly (readonly [Readonly<Record<string, string>>, number | undefined])[] = [
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after': '3, 3' }, 3_000],
    [{ 'retry-after': '999999' }, 3_600_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': 'Thu, 01 Jan 2026 12:00:09 GMT' }, 9_000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after': 'Thu, 01 Jan 2026 15:00:10 GMT', date: 'Thu, 01 Jan 2026 15:00:00 GMT' }, 10_000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 08:00:10 GMT', date: 'nonsense' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-reset-tokens': '1h0m0s' }, 360_000],
    [
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '20ms',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1s',
      },
      1_000,
    ],
    [{ 'x-ratelimit-remaining-requests': '5', 'x-ratelimit-reset-requests': '6m0s' }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 4_000) }, 4_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1_000 + 5) }, 5_000],
    [{}, undefined],
  ]
  for (const [given, expected] of headers) {
    test(`headers ${JSON.stringify(given)}`, () => expect(wait(given)).toBe(expected))
  }

  const words: readonly (readonly [string, number | undefined])[] = [
    ['Please try again in 1.5s. Visit the page to learn more.', 1_500],
    ['Please try again in 20ms.', 20],
    ['Please try again in 6m0s.', 60_000],
    ['Please try again in 1h2m3.5s.', 60_000],
    ['Please retry after 8 seconds.', 8_000],
    ['please wait 2 minutes', 60_000],
    ['please wait  for  30 s', 30_000],
    ['Please try again later.', undefined],
    ['There were 300 retries in 2024', undefined],
  ]
  for (const [given, expected] of words) {
    test(`words "${given}"`, () => expect(readHint(given, undefined)).toBe(expected))
  }

  test('a field for it says more than words', () => expect(readHint('try again in 9s', '34.4s')).toBe(34_400))
  test('a header says more than words', () => expect(wait({ 'retry-after': '2' }, 9_000)).toBe(2_000))
  test('words say more than the reset of a limit', () => {
    expect(wait({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '90' }, 9_000)).toBe(9_000)
  })
})

describe("the account's limits", () => {
  const limits = (headers: Readonly<Record<string, string>>): unknown => readRateLimits(new Map(Object.entries(headers)), NOW)

  test('are the tightest of those that the head names', () => {
    expect(
      limits({
        'x-ratelimit-limit-requests': '100',
        'x-ratelimit-remaining-requests': '50',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-limit-tokens': '40000',
        'x-ratelimit-remaining-tokens': '4000',
        'x-ratelimit-reset-tokens': '6m0s',
      }),
    ).toEqual({ remaining: 0.1, resetMs: 360_000 })
  })

  test('are unknown where a limit or what is left of it is not said', () => {
    expect(limits({})).toBeUndefined()
    expect(limits({ 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0' })).toBeUndefined()
    expect(limits({ 'x-ratelimit-remaining-requests': '5' })).toBeUndefined()
    expect(limits({ 'x-ratelimit-limit-requests': 'many', 'x-ratelimit-remaining-requests': 'few' })).toBeUndefined()
  })

  test('stay within bounds', () => {
    expect(limits({ 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '99', 'x-ratelimit-reset': '-4' })).toEqual({
      remaining: 1,
      resetMs: 0,
    })
    expect(limits({ 'x-ratelimit-limit-req-minute': '10', 'x-ratelimit-remaining-req-minute': '-1' })).toEqual({
      remaining: 0,
      resetMs: 60_000,
    })
  })
})
