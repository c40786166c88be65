import { describe, expect, test } from 'bun:test'
import { systemClock } from '#base'
import { eventually, pause, timed } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import {
  after,
  type Behaviour,
  framesOf,
  healthy,
  inTurn,
  play,
  rateLimited,
  reply,
  resetAtOnce,
  silent,
  stepsOf,
  WireServer,
  writer,
} from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'An answer from one upstream, all of it, in one piece.'
const error500 = reply({
  status: 500,
  body: '{"error":{"message":"The server had an error.","type":"server_error","code":null,"param":null}}',
})
const NO_BREAKER = { failures: 100_000, minimum: 100_000 }

describe('F1 how often an upstream is asked', () => {
  test('second attempts at the same upstream stay within the budget', async () => {
    await using upstream = await WireServer.listen(error500)
    await using world = await startWorld({ env: ENV, config: routeOver([upstream], { model: { breaker: NO_BREAKER } }) })
    for (let n = 0; n < 4; n++) {
      const results = await Promise.all(Array.from({ length: 25 }, () => world.post()))
      expect(results.map((result) => result.status)).toEqual(Array.from({ length: 25 }, () => 502))
    }
    expect(upstream.requests.length).toBeGreaterThanOrEqual(110)
    expect(upstream.requests.length).toBeLessThanOrEqual(127)
  })

  test('a call makes at most upstreams + 2 attempts', async () => {
    await using a = await WireServer.listen(error500)
    await using b = await WireServer.listen(error500)
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a, b], { model: { retries: { perUpstream: 10 }, breaker: NO_BREAKER } }),
    })
    const result = await world.stream()
    expect(result.status).toBe(502)
    expect(a.requests.length + b.requests.length).toBeLessThanOrEqual(4)
    expect(a.requests.length).toBeGreaterThan(0)
    expect(b.requests.length).toBeGreaterThan(0)
  })

  test('a passing fault of the only upstream is retried there', async () => {
    for (const stream of [true, false]) {
      await using upstream = await WireServer.listen(inTurn(resetAtOnce, healthy({ text: TEXT })))
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
      const result = await world.ask(stream)
      expect(result.text).toBe(TEXT)
      expect(result.headers.get('x-holdfast-attempts')).toBe('2')
    }
  })

  test('a silent upstream is left at its deadline and not asked again, streamed and not', async () => {
    for (const stream of [true, false]) {
      await using upstream = await WireServer.listen(silent)
      await using world = await startWorld({ env: ENV, config: routeOver([upstream], { model: { retries: { perUpstream: 3 } } }) })
      const { ms, result } = await timed(() => world.ask(stream))
      expect(result.error?.code).toBe('timeout_headers')
      expect(result.status).toBe(504)
      expect(ms).toBeGreaterThan(280)
      expect(ms).toBeLessThan(700)
      expect(upstream.requests).toHaveLength(1)
      expect(upstream.openSockets).toBe(0)
    }
  })
})

describe('F2 Retry-After', () => {
  const limited = (headers: Readonly<Record<string, string>>): Behaviour => inTurn(reply(rateLimited(headers)), healthy({ text: TEXT }))

  for (const [name, headers] of [
    ['seconds', (): Record<string, string> => ({ 'retry-after': '1' })],
    ['a date', () => ({ 'retry-after': new Date(systemClock.now() + 2_000).toUTCString() })],
    ['milliseconds', () => ({ 'retry-after-ms': '900' })],
  ] as const) {
    test(`in ${name}: the only upstream is waited for, never asked earlier`, async () => {
      await using upstream = await WireServer.listen(silent)
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
      upstream.behave = limited(headers())
      const { ms, result } = await timed(() => world.post())
      expect(result.text).toBe(TEXT)
      expect(ms).toBeGreaterThan(800)
      expect(ms).toBeLessThan(3_500)
      expect(upstream.requests).toHaveLength(2)
    })
  }

  test('the call moves on at once where there is another upstream; later calls leave the limited account alone', async () => {
    await using a = await WireServer.listen(limited({ 'retry-after': '2' }))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    for (let n = 0; n < 3; n++) {
      const { ms, result } = await timed(() => world.stream())
      expect(result.headers.get('x-holdfast-upstream')).toBe('b/m')
      expect(ms).toBeLessThan(300)
    }
    expect(a.requests).toHaveLength(1)
    await pause(2_100)
    expect((await world.stream()).headers.get('x-holdfast-upstream')).toBe('a/m')
  })

  test('too long to wait for: at once 503 with the time that is left', async () => {
    for (const stream of [true, false]) {
      await using upstream = await WireServer.listen(reply(rateLimited({ 'retry-after': '30' })))
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
      for (let n = 0; n < 2; n++) {
        const { ms, result } = await timed(() => world.ask(stream))
        expect(result.status).toBe(503)
        expect(ms).toBeLessThan(300)
        expect(Number(result.headers.get('retry-after'))).toBeGreaterThanOrEqual(29)
        expect(Number(result.headers.get('retry-after'))).toBeLessThanOrEqual(31)
        expect(result.error?.retry_after).toBeGreaterThan(28)
      }
      expect(upstream.requests).toHaveLength(1)
    }
  })

  test('a limit is the account’s: its other model is not asked either', async () => {
    await using a = await WireServer.listen(reply(rateLimited({ 'retry-after': '10' })))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    const base = routeOver([a, b])
    const config = { ...base, models: { first: { upstreams: ['a/m1', 'b/m'] }, second: { upstreams: ['a/m2', 'b/m'] } } }
    await using world = await startWorld({ env: ENV, config })
    expect((await world.post({ model: 'first' })).text).toBe(TEXT)
    expect((await world.post({ model: 'second' })).text).toBe(TEXT)
    expect(a.requests).toHaveLength(1)
  })

  test('x-ratelimit headers that leave nothing send the next call elsewhere', async () => {
    const headers = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '2s' }
    await using a = await WireServer.listen(healthy({ text: TEXT }, { headers }))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    expect((await world.stream()).headers.get('x-holdfast-upstream')).toBe('a/m')
    expect((await world.stream()).headers.get('x-holdfast-upstream')).toBe('b/m')
  })
})

describe('F4 the breaker', () => {
  const breaker = { failures: 3, window: '10s', share: '50%', minimum: 1_000, cooldown: '400ms', maxCooldown: '2s' }

  test('opens after failures in a row, lets one probe in at a time, closes on its success', async () => {
    await using a = await WireServer.listen(error500)
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { breaker, retries: { perUpstream: 0 } } }) })
    for (let n = 0; n < 3; n++) await world.post()
    expect(a.requests).toHaveLength(3)
    expect((await world.post()).headers.get('x-holdfast-attempts')).toBe('1')
    expect(a.requests).toHaveLength(3)
    a.behave = after(150, healthy({ text: TEXT }))
    await pause(450)
    const results = await Promise.all(Array.from({ length: 10 }, () => world.post()))
    expect(results.every((result) => result.text === TEXT)).toBe(true)
    expect(a.requests).toHaveLength(4)
    expect((await world.post()).headers.get('x-holdfast-upstream')).toBe('a/m')
  })

  test('a failed probe keeps it open, for longer', async () => {
    await using a = await WireServer.listen(error500)
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { breaker, retries: { perUpstream: 0 } } }) })
    for (let n = 0; n < 4; n++) await world.post()
    await pause(450)
    expect((await world.post()).text).toBe(TEXT)
    expect(a.requests).toHaveLength(4)
    await pause(450)
    await world.post()
    expect(a.requests).toHaveLength(4)
    await pause(450)
    await world.post()
    expect(a.requests).toHaveLength(5)
  })

  test('a probe whose caller leaves does not keep it half-open for ever', async () => {
    await using a = await WireServer.listen(error500)
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    const model = { breaker, retries: { perUpstream: 0 }, deadlines: { headers: '5s', firstToken: '5s' } }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model }) })
    for (let n = 0; n < 3; n++) await world.post()
    await pause(450)
    a.behave = silent
    const probe = world.open()
    await eventually('the probe is made', () => a.requests.length === 4)
    probe.leave()
    await eventually('the probe is cancelled', () => a.openSockets === 0)
    a.behave = healthy({ text: TEXT })
    await eventually('a is asked again', async () => (await world.post()).headers.get('x-holdfast-upstream') === 'a/m', 3_000)
  })
})

describe('F5 all upstreams cooling', () => {
  const breaker = { failures: 2, window: '10s', share: '50%', minimum: 1_000, cooldown: '600ms', maxCooldown: '600ms' }

  for (const stream of [true, false]) {
    test(`the first to return is waited for, ${stream ? 'streamed' : 'not streamed'}`, async () => {
      await using a = await WireServer.listen(error500)
      await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { breaker, retries: { perUpstream: 0 } } }) })
      for (let n = 0; n < 2; n++) expect((await world.ask(stream)).status).toBe(502)
      a.behave = healthy({ text: TEXT })
      const { ms, result } = await timed(() => world.ask(stream))
      expect(result.text).toBe(TEXT)
      expect(ms).toBeGreaterThan(300)
      expect(ms).toBeLessThan(1_500)
    })

    test(`not due within limits.wait: at once 503 with Retry-After, ${stream ? 'streamed' : 'not streamed'}`, async () => {
      await using a = await WireServer.listen(error500)
      const model = { breaker: { ...breaker, cooldown: '20s', maxCooldown: '20s' }, retries: { perUpstream: 0 } }
      await using world = await startWorld({ env: ENV, config: routeOver([a], { model, limits: { wait: '1s' } }) })
      for (let n = 0; n < 2; n++) await world.ask(stream)
      const { ms, result } = await timed(() => world.ask(stream))
      expect(result.status).toBe(503)
      expect(ms).toBeLessThan(200)
      expect(Number(result.headers.get('retry-after'))).toBeGreaterThan(15)
      expect(a.requests).toHaveLength(2)
    })
  }

  test('many that wait are let in without a stampede', async () => {
    await using a = await WireServer.listen(error500)
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { breaker, retries: { perUpstream: 0 } } }) })
    for (let n = 0; n < 2; n++) await world.post()
    a.behave = after(50, healthy({ text: TEXT }))
    const results = await Promise.all(Array.from({ length: 20 }, () => world.post()))
    expect(results.filter((result) => result.text === TEXT)).toHaveLength(20)
  })
})

describe('deadlines and slowness', () => {
  const drip: Behaviour = (exchange) => play(stepsOf(framesOf({ text: TEXT }, exchange.asked)), { pace: 250 })(exchange)

  test('an upstream that drips is left where another one is left', async () => {
    await using a = await WireServer.listen(drip)
    await using b = await WireServer.listen(writer(TEXT))
    const model = { slow: { tokensPerSecond: 20, over: '700ms' }, deadlines: { stall: '2s', firstToken: '2s', headers: '2s' } }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model }) })
    const { ms, result } = await timed(() => world.stream())
    expect(result.text).toBe(TEXT)
    expect(result.note?.upstream).toBe('b/m')
    expect(ms).toBeLessThan(1_800)
    await eventually('the slow one is cancelled', () => a.openSockets === 0)
  })

  test('the last one may drip', async () => {
    await using a = await WireServer.listen(drip)
    const model = { slow: { tokensPerSecond: 20, over: '500ms' }, deadlines: { stall: '2s', firstToken: '2s', headers: '2s' } }
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model }) })
    expect((await world.stream()).text).toBe(TEXT)
  })

  test('the total deadline ends a call, with one typed error', async () => {
    await using a = await WireServer.listen(drip)
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a], { model: { deadlines: { stall: '2s', firstToken: '2s', headers: '2s', total: '1s' } } }),
    })
    const { ms, result } = await timed(() => world.stream())
    expect(result.error?.code).toBe('timeout_total')
    expect(ms).toBeLessThan(1_500)
    a.behave = silent
    const whole = await world.post()
    expect(whole.status).toBe(504)
    expect(whole.error?.code).toBe('timeout_total')
  })
})
