import { describe, expect, test } from 'bun:test'
import { eventually, pause } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { beginning, CONTEXT_REFUSALS, framesOf, healthy, play, rateLimited, reply, stepsOf, WireServer, writer } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'The keeper climbed the long stairs and looked at the sea, which was calm again after three days of storm.'
const error500 = reply({ status: 500, body: '{"error":{"message":"boom","type":"server_error","code":null,"param":null}}' })
const error503 = reply({ status: 503, body: '{"error":{"message":"overloaded","type":"server_error","code":null,"param":null}}' })
const QUICK = { connect: '1s', headers: '2s', firstToken: '2s', stall: '2s' }

describe('what a review found', () => {
  test('F4 a probe whose answer takes long does not keep the others out', async () => {
    await using upstream = await WireServer.listen(error500)
    const breaker = { failures: 2, cooldown: '200ms', maxCooldown: '200ms' }
    await using world = await startWorld({
      env: ENV,
      config: routeOver([upstream], { model: { deadlines: QUICK, breaker, retries: { perUpstream: 0 } }, limits: { wait: '0s' } }),
    })
    for (let i = 0; i < 2; i++) expect((await world.post()).status).toBe(502)
    await pause(250)
    upstream.behave = (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 3)), 'silence'])(exchange)
    const probe = world.open()
    await eventually('the probe has its first words', () => probe.received > 0)
    upstream.behave = healthy({ text: TEXT })
    expect((await world.post()).status).toBe(200)
    probe.leave()
  })

  test('S2 an upstream that cannot go on with another one’s answer is not taken for broken', async () => {
    await using a = await WireServer.listen(beginning({ text: TEXT }, 6, ['rst']))
    await using b = await WireServer.listen(writer(TEXT, 'says something else'))
    const other = healthy({ text: 'Kelp is a large brown alga.' })
    const answers = b.behave
    b.behave = (exchange) => (exchange.asked.messages.length > 1 ? answers(exchange) : other(exchange))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { breaker: { failures: 2 } } }) })
    expect((await world.stream()).error?.code).toBe('truncated')
    for (let i = 0; i < 3; i++) expect(['truncated', undefined]).toContain((await world.stream()).error?.code)
    expect((await world.post({ model: 'b/m' })).status).toBe(200)
    expect(JSON.stringify((await world.get('/readyz')).json)).not.toContain('"b/m"')
  })

  test('a slow answer is not left for an upstream that asked to be left alone', async () => {
    await using a = await WireServer.listen((exchange) =>
      play([...stepsOf(framesOf({ text: TEXT }, exchange.asked)).flatMap((step) => [{ wait: 60 }, step]), { data: '[DONE]' }])(exchange),
    )
    await using b = await WireServer.listen(reply(rateLimited({ 'retry-after': '120' })))
    const slow = { tokensPerSecond: 100, over: '300ms' }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { deadlines: QUICK, slow } }) })
    expect((await world.post({ model: 'b/m' })).status).toBe(503)
    expect((await world.stream()).text).toBe(TEXT)
  })

  test('law 4: a context that is too small here is not the caller’s fault while the larger one is down', async () => {
    await using a = await WireServer.listen(error503)
    const [refusal] = CONTEXT_REFUSALS
    await using b = await WireServer.listen(refusal ? reply(refusal.reply) : error500)
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { retries: { perUpstream: 0 } } }) })
    const result = await world.post()
    expect([result.status, result.error?.code]).toEqual([503, 'overloaded'])
  })

  test('a million stop sequences are no fault of ours', async () => {
    await using a = await WireServer.listen(beginning({ text: TEXT }, 6, ['rst']))
    await using b = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream({ stop: Array.from({ length: 300_000 }, (_, i) => `stop ${i}`) })
    expect(result.error?.code).toBe('truncated')
    expect((await world.stream({ stop: ['zebra'] })).text).toBe(TEXT)
  })

  test('made-up names of models do not let calls through an open breaker', async () => {
    await using a = await WireServer.listen(reply({ status: 404, body: '{"error":{"message":"no such model","code":"model_not_found"}}' }))
    const breaker = { failures: 1, cooldown: '60s', maxCooldown: '60s' }
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a], { model: { breaker, retries: { perUpstream: 0 } }, limits: { wait: '0s' } }),
    })
    await world.post()
    expect((await world.post()).status).toBe(503)
    const asked = a.requests.length
    for (let i = 0; i < 1_200; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, j) => world.post({ model: `a/made-up-${i + j}` })))
    }
    const before = a.requests.length
    expect(before).toBeGreaterThan(asked + 1_000)
    expect((await world.post()).status).toBe(503)
    expect(a.requests.length).toBe(before)
  })

  test('an upstream that refused a prefill is not offered one again with every rescue', async () => {
    await using a = await WireServer.listen(beginning({ text: TEXT }, 6, ['rst']))
    await using b = await WireServer.listen(writer(TEXT, 'refuses prefill'))
    const upstreams = [{}, { continuation: 'prefill' }]
    const breaker = { failures: 100_000, minimum: 100_000 }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { breaker }, upstreams }) })
    expect((await world.stream()).note?.attempts).toBe(3)
    expect((await world.stream()).note?.attempts).toBe(2)
    expect((await world.stream()).text).toBe(TEXT)
  })
})
