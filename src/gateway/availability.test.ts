import { describe, expect, test } from 'bun:test'
import { ManualClock } from '#base'
import { FAILURE_KINDS, type Failure, type FailureKind, type Retries, type Route, type RouteUpstream } from '#contract'
import { Availability, type Verdict } from './availability.ts'

const BREAKER = { failures: 1, window: 10_000, share: 0.5, minimum: 10, cooldown: 1_000, maxCooldown: 4_000 }
const RETRIES: Retries = { perUpstream: 1, budget: 0.2 }
const A1 = upstream('a/one', 'a')
const A2 = upstream('a/two', 'a')
const B1 = upstream('b/one', 'b')
const ROUTE: Route = {
  model: 'assistant',
  named: true,
  upstreams: [A1, A2, B1],
  balance: 'order',
  deadlines: {},
  retries: RETRIES,
  breaker: BREAKER,
  rescue: 'auto',
}

function upstream(id: string, provider: string): RouteUpstream {
  return { id, provider, model: id.slice(provider.length + 1), weight: 1, continuation: 'instruct' }
}

function failure(kind: FailureKind, more: Partial<Failure> = {}): Failure {
  return { kind, message: 'It failed.', ...more }
}

function make(): { clock: ManualClock; availability: Availability; end: (at: RouteUpstream, verdict: Verdict) => void } {
  const clock = new ManualClock({ monotonic: 77_000 })
  const availability = new Availability(clock)
  return { clock, availability, end: (at, verdict) => availability.admit(at, ROUTE).done(verdict) }
}

describe('F2 what an account asked for', () => {
  test('is kept to the millisecond, for all of its upstreams', () => {
    const { clock, availability, end } = make()
    end(A1, failure('rate_limited', { status: 429, retryAfterMs: 7_000 }))
    expect([A1, A2, B1].map((at) => availability.availableIn(at))).toEqual([7_000, 7_000, 0])
    clock.advance(6_999)
    expect(availability.availableIn(A2)).toBe(1)
    clock.advance(1)
    expect(availability.availableIn(A2)).toBe(0)
  })

  test('a shorter wish, or an answer that was under way, does not shorten it', () => {
    const { availability, end } = make()
    const underWay = availability.admit(A2, ROUTE)
    end(A1, failure('rate_limited', { retryAfterMs: 7_000 }))
    end(A1, failure('rate_limited', { retryAfterMs: 100 }))
    underWay.done('ok')
    expect(availability.availableIn(A1)).toBe(7_000)
  })

  test('a 429 that names no time rests for a second; other failures without one do not', () => {
    const { availability, end } = make()
    end(A1, failure('rate_limited', { status: 429 }))
    expect(availability.availableIn(A1)).toBe(1_000)
    end(B1, failure('invalid_request', { status: 400 }))
    expect(availability.availableIn(B1)).toBe(0)
  })

  test('Retry-After with a 503 is the upstream’s own', () => {
    const { availability, end } = make()
    end(A1, failure('overloaded', { status: 503, retryAfterMs: 3_000 }))
    expect([availability.availableIn(A1), availability.availableIn(A2)]).toEqual([3_000, 0])
  })

  test('two accounts of one host are two accounts', () => {
    const { availability, end } = make()
    end(upstream('team-a/gpt', 'team-a'), failure('rate_limited', { retryAfterMs: 60_000 }))
    expect(availability.availableIn(upstream('team-b/gpt', 'team-b'))).toBe(0)
  })
})

describe('F3 who is charged', () => {
  const charged = { request: 'nobody', upstream: 'upstream', account: 'account', provider: 'account' } as const
  test.each(Object.keys(FAILURE_KINDS) as FailureKind[])('%s', (kind) => {
    const { availability, end } = make()
    end(A1, failure(kind, { status: 500 }))
    const expected = kind === 'rate_limited' ? 'nobody' : charged[FAILURE_KINDS[kind].scope]
    expect(availability.states(A1)).toEqual({
      upstream: expected === 'upstream' ? 'open' : 'closed',
      account: expected === 'account' ? 'open' : 'closed',
    })
    expect(availability.states(B1)).toEqual({ upstream: 'closed', account: 'closed' })
  })

  test('the upstream’s fault leaves the account’s other models alone; the account’s own does not', () => {
    const { availability, end } = make()
    end(A1, failure('server_error', { status: 500 }))
    expect([availability.availableIn(A1), availability.availableIn(A2)]).toEqual([1_000, 0])
    end(A2, failure('auth', { status: 401 }))
    expect(availability.availableIn(A2)).toBe(1_000)
    expect(availability.availableIn(B1)).toBe(0)
  })

  test('the caller’s fault that the upstream judged shows that it works', () => {
    const { clock, availability, end } = make()
    end(A1, failure('server_error'))
    clock.advance(1_000)
    end(A1, failure('invalid_request', { status: 400 }))
    expect(availability.states(A1)).toEqual({ upstream: 'closed', account: 'closed' })
  })
})

describe('F4 probes', () => {
  test('one at a time, the account’s too', () => {
    const { clock, availability, end } = make()
    end(A1, failure('connect'))
    clock.advance(1_000)
    const probe = availability.admit(A1, ROUTE)
    expect([availability.availableIn(A1), availability.availableIn(A2)]).toEqual([Infinity, Infinity])
    probe.done('ok')
    expect([availability.availableIn(A1), availability.availableIn(A2)]).toEqual([0, 0])
  })

  test.each<[string, Verdict]>([
    ['cancelled', 'neutral'],
    ['cancelled, as a failure', failure('cancelled')],
    ['out of the call’s time', failure('timeout_total')],
    ['rate limited', failure('rate_limited', { retryAfterMs: 1 })],
  ])('a probe that was %s frees its place', (_, verdict) => {
    const { clock, availability, end } = make()
    end(A1, failure('server_error'))
    clock.advance(1_000)
    end(A1, verdict)
    clock.advance(1)
    expect(availability.states(A1).upstream).toBe('half-open')
    expect(availability.availableIn(A1)).toBe(0)
  })

  test('a probe of the upstream that fails by its account frees the upstream’s place and charges the account', () => {
    const { clock, availability, end } = make()
    end(A1, failure('server_error'))
    clock.advance(1_000)
    end(A1, failure('auth', { status: 401 }))
    expect(availability.states(A1)).toEqual({ upstream: 'half-open', account: 'open' })
  })

  test.each<[string, Verdict]>([
    ['cancelled', 'neutral'],
    ['answered', 'ok'],
    ['failed', failure('server_error')],
  ])('an attempt from before the opening that is %s during a probe changes nothing', (_, verdict) => {
    const { clock, availability, end } = make()
    const before = availability.admit(A1, ROUTE)
    end(A1, failure('server_error'))
    clock.advance(1_000)
    availability.admit(A1, ROUTE)
    before.done(verdict)
    expect(availability.states(A1).upstream).toBe('half-open')
    expect(availability.availableIn(A1)).toBe(Infinity)
  })
})

describe('F1 the budget for second attempts', () => {
  test('ten are always allowed, the eleventh is not', () => {
    const { availability } = make()
    const spent = Array.from({ length: 12 }, () => availability.spendSecond(A1, RETRIES))
    expect(spent).toEqual([...Array.from({ length: 10 }, () => true), false, false])
  })

  test('above that it is a share of the upstream’s own attempts', () => {
    const { availability, end } = make()
    for (let i = 0; i < 100; i++) end(A1, 'ok')
    for (let i = 0; i < 500; i++) end(A2, 'ok')
    let spent = 0
    while (availability.spendSecond(A1, RETRIES)) spent++
    expect(spent).toBe(20)
  })

  test('is given anew as the window passes, and is each upstream’s own', () => {
    const { clock, availability } = make()
    for (let i = 0; i < 10; i++) availability.spendSecond(A1, RETRIES)
    expect([availability.spendSecond(A1, RETRIES), availability.spendSecond(A2, RETRIES)]).toEqual([false, true])
    clock.advance(8_999)
    expect(availability.spendSecond(A1, RETRIES)).toBe(false)
    clock.advance(1_001)
    expect(availability.spendSecond(A1, RETRIES)).toBe(true)
  })
})

describe('what is left of an account’s rate limit', () => {
  test('holds for all of its upstreams until it is given anew; not known is all of it', () => {
    const { clock, availability } = make()
    expect(availability.remaining(A1)).toBe(1)
    availability.noteLimits(A1, { remaining: 0.01, resetMs: 5_000 })
    expect([A1, A2, B1].map((at) => availability.remaining(at))).toEqual([0.01, 0.01, 1])
    clock.advance(5_000)
    expect(availability.remaining(A1)).toBe(1)
  })
})
