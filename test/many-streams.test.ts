import { expect, test } from 'bun:test'
import { eventually, timed } from './eventually.ts'
import { routeOver } from './routes.ts'
import { startProcess } from './serve-process.ts'
import { DONE, framesOf, healthy, play, stepsOf, WireServer } from './upstreams/index.ts'
import type { WireCall } from './wire-client.ts'

const TEXT = 'Open for as long as it takes.'
const STREAMS = 2_000

test(`${STREAMS} streams open at once: one more call is answered, each stream takes little, all of them end whole`, async () => {
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await using upstream = await WireServer.listen(async (exchange) => {
    if (exchange.asked.stream !== true) return healthy({ text: TEXT })(exchange)
    const frames = stepsOf(framesOf({ text: TEXT }, exchange.asked))
    await play([...frames.slice(0, 3), { until: released }, ...frames.slice(3), DONE])(exchange)
  })
  const deadlines = { headers: '60s', firstToken: '60s', stall: '60s', total: '120s' }
  await using server = await startProcess(routeOver([upstream], { model: { deadlines }, limits: { concurrency: 3_000 } }))
  const idle = await server.memory()
  const calls: WireCall[] = []
  for (let n = 0; n < STREAMS; n += 200) {
    for (let i = 0; i < 200; i++) calls.push(server.open())
    await eventually('content has come on all of them', () => calls.every((call) => call.events.length > 0), 10_000)
  }
  const perStream = ((await server.memory()) - idle) / STREAMS
  expect(perStream).toBeLessThan(0.12)
  const { ms, result } = await timed(() => server.post())
  expect(result.text).toBe(TEXT)
  expect(ms).toBeLessThan(500)
  release()
  await Promise.all(calls.map((call) => call.ended))
  expect(calls.filter((call) => call.ending !== 'complete' || !call.body.toString().includes('[DONE]'))).toHaveLength(0)
}, 60_000)
