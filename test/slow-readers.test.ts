import { describe, expect, test } from 'bun:test'
import { eventually, pause } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { startProcess } from './serve-process.ts'
import { play, type Step, WireServer } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const PATIENT = { headers: '30s', firstToken: '30s', stall: '60s', total: '120s' }
const WORDS = 'kelp '.repeat(800)

/** About `megabytes` of text in frames of 4 kB. */
function* long(megabytes: number): Generator<Step> {
  const frame = {
    data: JSON.stringify({
      id: 'long',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { content: WORDS }, finish_reason: null }],
    }),
  }
  for (let n = 0; n < megabytes * 256; n++) yield frame
  yield {
    data: JSON.stringify({
      id: 'long',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    }),
  }
  yield { data: '[DONE]' }
}

describe('S5 clients that do not read', () => {
  test('100 of a 50 MB answer: memory stays flat, the upstream is paused, they are closed after limits.slowReader', async () => {
    await using upstream = await WireServer.listen((exchange) => play(long(50))(exchange))
    await using server = await startProcess(routeOver([upstream], { model: { deadlines: PATIENT }, limits: { slowReader: '8s' } }))
    const idle = await server.memory()
    const calls = Array.from({ length: 100 }, () => server.open())
    for (const call of calls) {
      call.keep = false
      call.socket.pause()
    }
    await eventually('all are asked', () => upstream.requests.length === 100, 10_000)
    await eventually(
      'the upstream is paused',
      async () => {
        const before = upstream.written
        await pause(400)
        return upstream.written === before
      },
      15_000,
    )
    const memory = await server.memory()
    expect(upstream.written / 100).toBeLessThan(30_000_000)
    expect(memory - idle).toBeLessThan(150)
    await eventually('all upstream sockets are closed', () => upstream.openSockets === 0, 15_000)
    expect(upstream.departures).toHaveLength(100)
    expect((await server.get('/healthz')).status).toBe(200)
    for (const call of calls) call.leave()
  }, 40_000)

  test('a reader that is slow but reads gets all of it', async () => {
    await using upstream = await WireServer.listen((exchange) => play(long(8))(exchange))
    await using world = await startWorld({
      env: ENV,
      config: routeOver([upstream], { model: { deadlines: PATIENT }, limits: { slowReader: '1s' } }),
    })
    const call = world.open()
    call.keep = false
    while (call.ending === undefined) {
      call.socket.pause()
      await pause(60)
      call.socket.resume()
      await pause(40)
    }
    expect(call.ending).toBe('complete')
    expect(call.received).toBeGreaterThan(8_000_000)
  }, 30_000)

  test('a JSON answer of 20 MB that nobody reads is closed too', async () => {
    const body = JSON.stringify({
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(20_000_000) }, finish_reason: 'stop' }],
    })
    await using upstream = await WireServer.listen(async (exchange) => {
      await exchange.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`)
      await exchange.write(body)
    })
    await using server = await startProcess(routeOver([upstream], { model: { deadlines: PATIENT }, limits: { slowReader: '1s' } }))
    const before = await server.descriptors()
    const calls = Array.from({ length: 5 }, () => server.open({ stream: false }))
    for (const call of calls) call.socket.pause()
    await eventually('all are asked', () => upstream.requests.length === 5)
    await eventually('their sockets are closed by the server', async () => (await server.descriptors()) <= before + 6, 8_000)
    for (const call of calls) call.leave()
  }, 30_000)
})

describe('S4 many clients that leave', () => {
  test('1,000 in the middle of a stream: every upstream socket is closed, memory stays flat', async () => {
    await using upstream = await WireServer.listen((exchange) => play(long(2), { pace: 20 })(exchange))
    await using server = await startProcess(routeOver([upstream], { model: { deadlines: PATIENT } }))
    const round = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 100) {
        const calls = Array.from({ length: 100 }, () => server.open())
        await eventually('content arrives', () => calls.every((call) => call.events.length > 0), 10_000)
        for (const call of calls) call.leave()
      }
      await eventually('all upstream sockets are closed', () => upstream.openSockets === 0, 3_000)
    }
    await round(300)
    const warm = await server.memory()
    await round(1_000)
    expect((await server.memory()) - warm).toBeLessThan(60)
    expect(await server.descriptors()).toBeLessThan(150)
  }, 60_000)
})
