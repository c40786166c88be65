import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { ManualClock } from '#base'
import type { Balance, RouteUpstream } from '#contract'
import { balanced, type Load } from './balance.ts'

const BALANCES: readonly Balance[] = ['order', 'weighted', 'least-loaded', 'fastest']
const IDLE: Load = { inFlight: 0, firstTokenMs: undefined, remaining: 1 }

function upstream(id: string, weight = 1): RouteUpstream {
  return { id, provider: id, model: 'm', weight, continuation: 'instruct' }
}

function order(upstreams: readonly RouteUpstream[], balance: Balance, loads: Readonly<Record<string, Partial<Load>>> = {}): string {
  const { random } = new ManualClock()
  return balanced(upstreams, balance, (one) => ({ ...IDLE, ...loads[one.id] }), random)
    .map((one) => one.id)
    .join('')
}

const ABC = [upstream('a'), upstream('b'), upstream('c')]

describe('balanced', () => {
  test('order: as written, whatever the load', () => {
    expect(order(ABC, 'order', { a: { inFlight: 99, firstTokenMs: 9_999 } })).toBe('abc')
  })

  test('least-loaded: by attempts under way for each unit of weight; ties as written', () => {
    expect(order(ABC, 'least-loaded', { a: { inFlight: 2 }, b: { inFlight: 1 } })).toBe('cba')
    expect(order([upstream('a', 4), upstream('b')], 'least-loaded', { a: { inFlight: 3 }, b: { inFlight: 1 } })).toBe('ab')
    expect(order(ABC, 'least-loaded')).toBe('abc')
  })

  test('fastest: by the time to the first token; one that was never tried comes first', () => {
    expect(order(ABC, 'fastest', { a: { firstTokenMs: 300 }, b: { firstTokenMs: 100 }, c: { firstTokenMs: 200 } })).toBe('bca')
    expect(order(ABC, 'fastest', { a: { firstTokenMs: 300 }, b: { firstTokenMs: 100 } })).toBe('cba')
  })

  test.each(BALANCES)('%s: an account whose limit is nearly spent is asked after the others', (balance) => {
    expect(order(ABC.slice(0, 2), balance, { a: { remaining: 0.01 } })).toBe('ba')
    expect(order(ABC.slice(0, 2), balance, { a: { remaining: 0 }, b: { remaining: 0.019 } })).toHaveLength(2)
  })

  test('weighted: each comes first about as often as its weight says', () => {
    const upstreams = [upstream('a', 6), upstream('b', 3), upstream('c', 1)]
    const { random } = new ManualClock({ seed: 5 })
    const first: Record<string, number> = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 20_000; i++) {
      const [one] = balanced(upstreams, 'weighted', () => IDLE, random)
      if (one) first[one.id] = (first[one.id] ?? 0) + 1
    }
    expect(Math.abs((first['a'] ?? 0) / 20_000 - 0.6)).toBeLessThan(0.015)
    expect(Math.abs((first['b'] ?? 0) / 20_000 - 0.3)).toBeLessThan(0.015)
    expect(Math.abs((first['c'] ?? 0) / 20_000 - 0.1)).toBeLessThan(0.015)
  })

  test('every balance keeps every upstream exactly once, and changes nothing of what it was given', () => {
    const load = fc.record({
      inFlight: fc.nat(50),
      firstTokenMs: fc.option(fc.nat(5_000), { nil: undefined }),
      remaining: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const made = fc.array(fc.tuple(fc.double({ min: 0.001, max: 1e6, noNaN: true }), load), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(made, fc.constantFrom(...BALANCES), fc.integer(), (all, balance, seed) => {
        const upstreams = Object.freeze(all.map(([weight], i) => upstream(String(i), weight)))
        const result = balanced(upstreams, balance, (one) => all[Number(one.id)]?.[1] ?? IDLE, new ManualClock({ seed }).random)
        expect(new Set(result)).toEqual(new Set(upstreams))
        expect(result).toHaveLength(upstreams.length)
      }),
    )
  })
})
