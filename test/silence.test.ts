import { describe, expect, test } from 'bun:test'
import { type Clock, systemClock } from '#base'
import { eventually, timed } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { framesOf, play, type Step, stepsOf, WireServer, type Behaviour } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'Worth waiting for.'
/** How many times faster than the wall the node's clock runs in these tests. */
const SPEED = 20
const FAST: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * SPEED,
  after: (ms, fn) => systemClock.after(ms / SPEED, fn),
  random: () => systemClock.random(),
}
const PATIENT = { headers: '10m', firstToken: '10m', stall: '10m', total: '1h' }

/** An answer with silence of `first` ms before its content and `middle` ms in it. */
function halting(first: number, middle: number, ending: readonly Step[] = []): Behaviour {
  return async (exchange) => {
    await exchange.pause(first)
    const frames = stepsOf(framesOf({ text: TEXT }, exchange.asked))
    const rest: readonly Step[] = ending.length > 0 ? ending : [...frames.slice(3), { data: '[DONE]' }]
    await play([...frames.slice(0, 3), { wait: middle }, ...rest])(exchange)
  }
}

describe('S5 silence', () => {
  test('headers wait for the first content', async () => {
    await using a = await WireServer.listen((exchange) =>
      play([
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 1)),
        { wait: 250 },
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(1)),
        { data: '[DONE]' },
      ])(exchange),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { deadlines: PATIENT } }) })
    const result = await world.stream()
    expect(result.text).toBe(TEXT)
    expect((result.call.headAt ?? 0) - result.call.startedAt).toBeGreaterThan(240)
  })

  test('after 15 s they go out, and a comment follows every 15 s; the answer is whole all the same', async () => {
    await using a = await WireServer.listen(halting(40_000 / SPEED, 50_000 / SPEED))
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a], { model: { deadlines: PATIENT } }),
      overrides: { clock: FAST },
    })
    const result = await world.stream()
    expect(result.text).toBe(TEXT)
    const head = ((result.call.headAt ?? 0) - result.call.startedAt) * SPEED
    expect(head).toBeGreaterThan(14_000)
    expect(head).toBeLessThan(18_000)
    const comments = result.events.filter((event) => event.data === undefined)
    expect(comments.length).toBeGreaterThanOrEqual(4)
    const at = [result.call.startedAt, ...result.events.map((event) => event.at), result.call.endedAt]
    const gaps = at.slice(1).map((time, i) => (time - (at[i] ?? 0)) * SPEED)
    expect(Math.max(...gaps)).toBeLessThan(18_000)
  })

  test('a failure after the headers is a typed event, with status 200', async () => {
    await using a = await WireServer.listen((exchange) => exchange.silence())
    const deadlines = { headers: '40s', firstToken: '40s', stall: '40s' }
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { deadlines } }), overrides: { clock: FAST } })
    const result = await world.stream()
    expect(result.status).toBe(200)
    expect(result.error?.code).toBe('timeout_headers')
    expect(result.done).toBe(false)
  })

  test('failing over after the headers went out, the last frame says who answered', async () => {
    await using a = await WireServer.listen((exchange) => exchange.silence())
    await using b = await WireServer.listen(halting(0, 0))
    const deadlines = { headers: '20s', firstToken: '20s', stall: '20s' }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { deadlines } }), overrides: { clock: FAST } })
    const result = await world.stream()
    expect(result.text).toBe(TEXT)
    expect(result.note).toMatchObject({ upstream: 'b/m', attempts: 2 })
  })

  test('a client that leaves during the silence is noticed', async () => {
    await using a = await WireServer.listen((exchange) => exchange.silence())
    await using world = await startWorld({
      env: ENV,
      config: routeOver([a], { model: { deadlines: PATIENT } }),
      overrides: { clock: FAST },
    })
    const call = world.open()
    await eventually('the headers are out', () => call.headAt !== undefined, 3_000)
    const { ms } = await timed(async () => {
      call.leave()
      await eventually('the upstream is cancelled', () => a.openSockets === 0)
    })
    expect(ms).toBeLessThan(1_000)
  })

  test('default deadlines: a reasoning model may think, its deltas are tokens', async () => {
    const reasoning = (exchange: Parameters<Behaviour>[0]): Promise<void> =>
      play(
        [
          ...stepsOf(framesOf({ reasoning: { field: 'reasoning_content', text: 'a b c d e f' }, text: TEXT }, exchange.asked)),
          { data: '[DONE]' },
        ],
        { pace: 12_000 / SPEED },
      )(exchange)
    await using a = await WireServer.listen(reasoning)
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { deadlines: {} } }), overrides: { clock: FAST } })
    const result = await world.stream()
    expect(result.error).toBeUndefined()
    expect(result.text).toBe(TEXT)
  }, 15_000)

  test('default deadlines: 15 s without headers, 30 s without a token, 20 s of stall, each its own kind', async () => {
    const cases: readonly [string, Behaviour, number, number][] = [
      ['timeout_headers', (exchange) => exchange.silence(), 15_000, 19_000],
      ['timeout_first_token', play(['silence']), 30_000, 34_000],
      ['timeout_stall', halting(0, 0, ['silence']), 20_000, 24_000],
    ]
    for (const [kind, behave, least, most] of cases) {
      await using a = await WireServer.listen(behave)
      await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { deadlines: {} } }), overrides: { clock: FAST } })
      const { ms, result } = await timed(() => world.stream())
      expect(result.error?.code).toBe(kind)
      expect(ms * SPEED, kind).toBeGreaterThan(least - 500)
      expect(ms * SPEED, kind).toBeLessThan(most + 2_000)
    }
  }, 15_000)
})
