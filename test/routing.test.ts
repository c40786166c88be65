import { describe, expect, test } from 'bun:test'
import { eventually, timed } from './eventually.ts'
import { ENV, routeOver, SHORT } from './routes.ts'
import { after, framesOf, type Behaviour, healthy, play, stepsOf, WireServer } from './upstreams/index.ts'
import type { WireCall } from './wire-client.ts'
import { startWorld } from './world.ts'

const TEXT = 'Routed.'

describe('which upstream is asked', () => {
  test('weighted: about as often as the weights say', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a, b], { model: { balance: 'weighted' }, upstreams: [{ weight: 3 }, { weight: 1 }] }),
    })
    for (let n = 0; n < 200; n++) await world.post()
    expect(a.requests.length + b.requests.length).toBe(200)
    expect(a.requests.length).toBeGreaterThan(120)
    expect(a.requests.length).toBeLessThan(180)
  })

  test('least-loaded: the one with fewer open calls', async () => {
    const hang = (exchange: Parameters<Behaviour>[0]): Promise<void> =>
      play([...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 2)), 'silence'])(exchange)
    await using a = await WireServer.listen(hang)
    await using b = await WireServer.listen(hang)
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a, b], { model: { balance: 'least-loaded', deadlines: { stall: '20s' } } }),
    })
    const calls: WireCall[] = []
    for (let n = 1; n <= 6; n++) {
      calls.push(world.open())
      await eventually('it is asked', () => a.requests.length + b.requests.length === n)
    }
    expect(a.requests).toHaveLength(3)
    expect(b.requests).toHaveLength(3)
    for (const call of calls) call.leave()
  })

  test('fastest: the one that answers sooner, most of the time', async () => {
    await using a = await WireServer.listen(after(80, healthy({ text: TEXT })))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { balance: 'fastest' } }) })
    for (let n = 0; n < 40; n++) await world.stream()
    expect(b.requests.length).toBeGreaterThan(25)
  })

  test('provider/model is asked directly, with slashes in the name too', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.post({ model: 'a/meta/llama-3.2:free' })
    expect(result.text).toBe(TEXT)
    expect(a.requests[0]?.json).toMatchObject({ model: 'meta/llama-3.2:free' })
  })

  test('an unknown model is 404 with the nearest names', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (const stream of [true, false]) {
      const result = await world.ask(stream, { model: 'asistant' })
      expect(result.status).toBe(404)
      expect(result.error?.code).toBe('model_not_found')
      expect(result.error?.message).toContain('assistant')
    }
    expect((await world.post({ model: 'nowhere/x' })).status).toBe(404)
    expect(a.requests).toHaveLength(0)
  })

  test('GET /v1/models lists what may be asked for', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    expect((await world.get('/v1/models')).json).toMatchObject({ object: 'list', data: [{ id: 'assistant', object: 'model' }] })
    expect((await world.get('/v1/models/assistant')).json).toMatchObject({ id: 'assistant', object: 'model' })
    expect((await world.get('/v1/models/asistant')).status).toBe(404)
  })
})

describe('admission', () => {
  test('a call over the limit waits for a place, and is told when none came', async () => {
    await using a = await WireServer.listen((exchange) => exchange.silence())
    const config = routeOver([a], {
      model: { deadlines: { ...SHORT, headers: '20s', firstToken: '20s' } },
      limits: { concurrency: 2, wait: '400ms' },
    })
    await using world = await startWorld({ env: ENV, config })
    const held = [world.open(), world.open()]
    await eventually('two are in flight', () => a.requests.length === 2)
    const { ms, result } = await timed(() => world.post())
    expect(result.status).toBe(503)
    expect(result.error?.retry_after).toBeGreaterThan(0)
    expect(Number(result.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(ms).toBeGreaterThan(350)
    expect(ms).toBeLessThan(1_000)
    a.behave = healthy({ text: TEXT })
    const waiting = world.stream()
    held[0]?.leave()
    expect((await waiting).text).toBe(TEXT)
    held[1]?.leave()
    await eventually('all places are free', () => a.openSockets <= 1)
  })

  test('a caller that leaves the queue takes no place', async () => {
    await using a = await WireServer.listen((exchange) => exchange.silence())
    const config = routeOver([a], {
      model: { deadlines: { ...SHORT, headers: '20s', firstToken: '20s' } },
      limits: { concurrency: 1, wait: '5s' },
    })
    await using world = await startWorld({ env: ENV, config })
    const held = world.open()
    await eventually('one is in flight', () => a.requests.length === 1)
    const queued = Array.from({ length: 20 }, () => world.open())
    await eventually('they are connected', () => queued.every((call) => call.socket.readyState === 'open'))
    for (const call of queued) call.leave()
    a.behave = healthy({ text: TEXT })
    const next = world.stream()
    held.leave()
    expect((await next).text).toBe(TEXT)
    expect(a.requests.length).toBeLessThanOrEqual(2)
  })
})
