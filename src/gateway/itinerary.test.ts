import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { FAILURE_KINDS, type Continuation, type Failure, type FailureKind, type Retries, type RouteUpstream } from '#contract'
import { Itinerary, type Step, type Surroundings } from './itinerary.ts'

const RETRIES: Retries = { perUpstream: 1, budget: 0.2 }
const [A, B, C] = [upstream('a'), upstream('b'), upstream('c')]

function upstream(name: string, more: Partial<RouteUpstream> = {}): RouteUpstream {
  return { id: `${name}/m`, provider: name, model: 'm', weight: 1, continuation: 'instruct', ...more }
}

function failure(kind: FailureKind, more: Partial<Failure> = {}): Failure {
  return { kind, message: 'It failed.', ...more }
}

/** A world in which everything is allowed, except where it is said. */
function world(change: Partial<Surroundings> = {}): Surroundings {
  return { now: 0, availableIn: () => 0, spendSecond: () => true, patience: 5_000, chance: 0, ...change }
}

/** Makes every attempt fail as told, waits where waiting is called for, and writes down what was done. */
function travel(of: Itinerary, failures: (at: RouteUpstream, count: number) => Failure, change: Partial<Surroundings> = {}): string[] {
  const log: string[] = []
  let now = 0
  for (let count = 1; count < 100; count++) {
    const step = of.next(world({ ...change, now }))
    log.push(say(step))
    if (step.do === 'give-up') return log
    if (step.do === 'wait') now += step.ms
    else of.failed(step.upstream, failures(step.upstream, count), { now, chance: 0 })
  }
  return [...log, 'without end']
}

function say(step: Step): string {
  if (step.do === 'wait') return `wait ${step.ms}`
  return step.do === 'give-up' ? 'give up' : `${step.upstream.provider}${step.second ? ' again' : ''}`
}

describe('F1 the order of attempts', () => {
  test('those not yet tried first, in order, at once; then again after a rest; upstreams + 2 in all', () => {
    const of = new Itinerary([A, B, C], { ...RETRIES, perUpstream: 9 })
    expect(travel(of, () => failure('server_error'))).toEqual(['a', 'b', 'c', 'wait 50', 'a again', 'b again', 'give up'])
  })

  test('one upstream is asked three times at the most', () => {
    const of = new Itinerary([A], { ...RETRIES, perUpstream: 9 })
    expect(travel(of, () => failure('reset'))).toEqual(['a', 'wait 50', 'a again', 'wait 50', 'a again', 'give up'])
  })

  test('no more second attempts than perUpstream', () => {
    expect(travel(new Itinerary([A], RETRIES), () => failure('reset'))).toEqual(['a', 'wait 50', 'a again', 'give up'])
    expect(travel(new Itinerary([A, B], { ...RETRIES, perUpstream: 0 }), () => failure('reset'))).toEqual(['a', 'b', 'give up'])
  })

  test('moving on is free; a second attempt needs the budget, and is not asked for again when it is spent', () => {
    let asked = 0
    const spendSecond = (): boolean => {
      asked++
      return false
    }
    expect(travel(new Itinerary([A, B], RETRIES), () => failure('reset'), { spendSecond })).toEqual(['a', 'b', 'wait 50', 'give up'])
    expect(asked).toBe(2)
  })

  test('a second attempt that the budget refused is not made up for later', () => {
    const of = new Itinerary([A, B], { ...RETRIES, perUpstream: 9 })
    const answers = [false]
    const failures = (at: RouteUpstream): Failure => failure('reset', at === B ? { retryAfterMs: 1_000 } : {})
    const log = travel(of, failures, { spendSecond: () => answers.shift() ?? true })
    expect(log).toEqual(['a', 'b', 'wait 50', 'wait 950', 'b again', 'wait 1000', 'b again', 'give up'])
  })

  const PASSES: ReadonlySet<FailureKind> = new Set([
    'connect',
    'reset',
    'server_error',
    'overloaded',
    'rate_limited',
    'malformed',
    'truncated',
  ])
  test.each(Object.keys(FAILURE_KINDS) as FailureKind[])('%s: whether the same upstream is asked again', (kind) => {
    const log = travel(new Itinerary([A], RETRIES), () => failure(kind))
    expect(log.includes('a again')).toBe(PASSES.has(kind))
  })

  test('a silent one is left, and the others get its attempts', () => {
    const of = new Itinerary([A, B], RETRIES)
    const log = travel(of, (at) => failure(at === A ? 'timeout_first_token' : 'reset'))
    expect(log).toEqual(['a', 'b', 'wait 50', 'b again', 'give up'])
  })

  test('untriedLeft tells whether anything new is left', () => {
    const of = new Itinerary([A, B], RETRIES)
    expect(of.untriedLeft(() => 0)).toBe(true)
    expect(of.untriedLeft(() => 1)).toBe(false)
    of.next(world())
    expect(of.untriedLeft(() => 0)).toBe(true)
    expect(of.untriedLeft((upstream) => (upstream === B ? 120_000 : 0))).toBe(false)
    of.next(world())
    expect(of.untriedLeft(() => 0)).toBe(false)
  })

  test('the rest before a second attempt lies between half and one and a half of 100 ms', () => {
    const restAt = (chance: number): string => {
      const of = new Itinerary([A], RETRIES)
      of.next(world())
      of.failed(A, failure('reset'), { now: 0, chance })
      return say(of.next(world()))
    }
    expect([restAt(0), restAt(0.5), restAt(0.999)]).toEqual(['wait 50', 'wait 100', 'wait 149.9'])
  })
})

describe('F2 Retry-After', () => {
  test('nothing is asked again before it, and another one is not kept waiting by it', () => {
    const of = new Itinerary([A, B], RETRIES)
    const log = travel(of, (at) => failure(at === A ? 'rate_limited' : 'timeout_stall', { retryAfterMs: 3_000 }))
    expect(log).toEqual(['a', 'b', 'wait 3000', 'a again', 'give up'])
  })

  test('beyond the patience the call ends at once', () => {
    const of = new Itinerary([A], RETRIES)
    expect(travel(of, () => failure('rate_limited', { retryAfterMs: 5_001 }))).toEqual(['a', 'give up'])
  })
})

describe('F5 all upstreams cooling', () => {
  const cooling = (ms: Readonly<Record<string, number>>) => (at: RouteUpstream) => ms[at.provider] ?? 0

  test('waits for the first that returns, if that is in time', () => {
    const of = new Itinerary([A, B], RETRIES)
    expect(say(of.next(world({ availableIn: cooling({ a: 4_000, b: 900 }) })))).toBe('wait 900')
    expect(say(of.next(world({ availableIn: cooling({ a: 3_100 }) })))).toBe('b')
  })

  test('gives up at once if it is not', () => {
    const of = new Itinerary([A, B], RETRIES)
    expect(say(of.next(world({ availableIn: cooling({ a: 5_001, b: 6_000 }) })))).toBe('give up')
    expect(say(of.next(world({ availableIn: cooling({ a: 5_000, b: 6_000 }) })))).toBe('wait 5000')
    expect(say(of.next(world({ availableIn: cooling({ a: 100, b: 100 }), patience: 99 })))).toBe('give up')
  })

  test('one that cools is passed over for one that does not', () => {
    expect(say(new Itinerary([A, B], RETRIES).next(world({ availableIn: cooling({ a: 1 }) })))).toBe('b')
  })

  test('somebody else’s probe is looked at again soon, and not entered', () => {
    const of = new Itinerary([A], RETRIES)
    expect(say(of.next(world({ availableIn: () => Infinity })))).toBe('wait 25')
    expect(say(of.next(world({ availableIn: () => Infinity, patience: 24 })))).toBe('give up')
  })

  test('returnsIn is the soonest that is known', () => {
    const of = new Itinerary([A, B, C], RETRIES)
    expect(of.returnsIn(cooling({ a: 4_000, b: 900, c: Infinity }))).toBe(900)
    expect(of.returnsIn(cooling({ a: Infinity }))).toBeUndefined()
    expect(of.returnsIn(cooling({}))).toBeUndefined()
  })
})

describe('a context that was too small', () => {
  test('leaves only larger ones and those not known', () => {
    const upstreams = [
      upstream('small', { context: 8_000 }),
      upstream('same', { context: 8_000 }),
      upstream('smaller', { context: 4_000 }),
      upstream('unknown'),
      upstream('large', { context: 128_000 }),
    ]
    expect(travel(new Itinerary(upstreams, RETRIES), () => failure('context_length'))).toEqual(['small', 'unknown', 'large', 'give up'])
  })

  test('of which nothing is known, all others are tried', () => {
    const upstreams = [upstream('unknown'), upstream('small', { context: 4_000 })]
    expect(travel(new Itinerary(upstreams, RETRIES), () => failure('context_length'))).toEqual(['unknown', 'small', 'give up'])
  })
})

describe('ways to continue an answer', () => {
  function ways(upstreams: readonly RouteUpstream[], kinds: readonly FailureKind[], retries = RETRIES): string[] {
    const of = new Itinerary(upstreams, retries)
    of.rescuing = true
    const log: string[] = []
    for (const kind of [...kinds, 'auth' as const]) {
      const step = of.next(world())
      if (step.do !== 'attempt') return [...log, say(step)]
      log.push(`${step.upstream.provider} ${step.way}`)
      of.failed(step.upstream, failure(kind), { now: 0, chance: 0 })
    }
    return log
  }
  const prefilling = upstream('p', { continuation: 'prefill' })

  test('a refused way is followed by the next one at the same upstream, at once', () => {
    expect(ways([prefilling], ['invalid_request', 'not_joinable'])).toEqual(['p prefill', 'p instruct', 'p restart'])
  })

  test('though no second attempts are configured', () => {
    const none = { ...RETRIES, perUpstream: 0 }
    expect(ways([prefilling], ['invalid_request', 'not_joinable'], none)).toEqual(['p prefill', 'p instruct', 'p restart'])
  })

  test('behind restart nothing follows', () => {
    expect(ways([upstream('r', { continuation: 'restart' })], ['invalid_request'])).toEqual(['r restart', 'give up'])
  })

  test('those not yet tried come first', () => {
    expect(ways([prefilling, A], ['not_joinable', 'not_joinable'])).toEqual(['p prefill', 'a instruct', 'p instruct'])
  })

  test('an upstream that fails otherwise keeps its way', () => {
    const of = new Itinerary([prefilling], RETRIES)
    of.rescuing = true
    of.next(world())
    of.failed(prefilling, failure('reset'), { now: 0, chance: 0 })
    expect(of.next(world({ now: 50 }))).toEqual({ do: 'attempt', upstream: prefilling, second: true, way: 'prefill' })
  })

  test('a first answer that was malformed refused no way', () => {
    const of = new Itinerary([prefilling], RETRIES)
    of.next(world())
    of.failed(prefilling, failure('malformed'), { now: 0, chance: 0 })
    of.rescuing = true
    expect(of.next(world({ now: 50 }))).toMatchObject({ do: 'attempt', way: 'prefill' })
  })
})

describe('whatever happens', () => {
  const kinds = fc.constantFrom(...(Object.keys(FAILURE_KINDS) as FailureKind[]))
  const wait = fc.constantFrom(0, 0, 0, 10, 900, 6_000, Infinity)
  const route = fc.array(
    fc.record({
      context: fc.option(fc.constantFrom(4_000, 8_000), { nil: null }),
      continuation: fc.constantFrom<Continuation>('prefill', 'instruct', 'restart'),
    }),
    { minLength: 1, maxLength: 5 },
  )

  test('a call makes at most upstreams + 2 attempts, waits no longer than it may, and ends', () => {
    fc.assert(
      fc.property(
        route,
        fc.nat(4),
        fc.boolean(),
        fc.infiniteStream(kinds),
        fc.infiniteStream(wait),
        fc.infiniteStream(fc.boolean()),
        (made, perUpstream, rescuing, failures, waits, budget) => {
          const upstreams = made.map(({ context, continuation }, i) =>
            upstream(`u${i}`, { continuation, ...(context === null ? {} : { context }) }),
          )
          const of = new Itinerary(upstreams, { perUpstream, budget: 0.2 })
          of.rescuing = rescuing
          let [now, patience, attempts, steps] = [0, 5_000, 0, 0]
          const tried = new Set<RouteUpstream>()
          for (;;) {
            expect(++steps).toBeLessThan(1_000)
            const availableIn = (): number => waits.next().value ?? 0
            const step = of.next(world({ now, patience, availableIn, spendSecond: () => budget.next().value ?? false }))
            if (step.do === 'give-up') break
            if (step.do === 'wait') {
              expect(step.ms).toBeGreaterThan(0)
              now += step.ms
              patience -= step.ms
              continue
            }
            attempts++
            expect(step.second).toBe(tried.has(step.upstream))
            tried.add(step.upstream)
            of.failed(step.upstream, failure(failures.next().value ?? 'reset'), { now, chance: 0.5 })
          }
          expect(attempts).toBeLessThanOrEqual(upstreams.length + 2)
          expect(patience).toBeGreaterThanOrEqual(-1)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
