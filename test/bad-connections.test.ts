import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, pause, timed } from './eventually.ts'
import { RawSocket, requestText } from './raw-socket.ts'
import { routeOver } from './routes.ts'
import { type ServeProcess, startProcess } from './serve-process.ts'
import { framesOf, healthy, play, stepsOf, WireServer } from './upstreams/index.ts'
import { QUESTION } from './world.ts'

const TEXT = 'Still here.'
const BODY = JSON.stringify({ model: 'assistant', messages: [QUESTION] })
const STREAMED = JSON.stringify({ model: 'assistant', messages: [QUESTION], stream: true })
const PATH = '/v1/chat/completions'
const IDLE = 4_000

let server: ServeProcess
let upstream: WireServer

beforeAll(async () => {
  upstream = await WireServer.listen(healthy({ text: TEXT }))
  server = await startProcess(routeOver([upstream]))
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

async function expectAlive(within = 1_000): Promise<void> {
  const { ms, result } = await timed(() => server.post())
  expect(result.text).toBe(TEXT)
  expect(ms).toBeLessThan(within)
}

/** Writes all of it, waits for an answer or the end, and gives what came. */
async function exchange(bytes: string, ms = 1_000): Promise<RawSocket> {
  const socket = new RawSocket(server.url)
  await socket.write(bytes)
  await Promise.race([socket.closed, eventually('an answer', () => socket.received !== '', ms).catch(() => undefined)])
  return socket
}

describe('connections', () => {
  test(`${IDLE} idle connections, and a call is answered`, async () => {
    const idle: RawSocket[] = []
    for (let n = 0; n < IDLE; n += 200) {
      for (let i = 0; i < 200; i++) idle.push(new RawSocket(server.url))
      await eventually('they are connected', () => idle.every((socket) => socket.socket.readyState === 'open'), 10_000)
    }
    await expectAlive()
    expect((await server.stream()).text).toBe(TEXT)
    for (const socket of idle) socket.destroy()
    await expectAlive()
    // Some clients had left before they were accepted: those are closed when they have been idle for too long.
    await eventually('their descriptors are given back', async () => (await server.descriptors()) < 200, 30_000)
  }, 60_000)

  test('500 requests that are never finished, and a call is answered; they are not kept for ever', async () => {
    const sockets = Array.from({ length: 500 }, () => new RawSocket(server.url))
    for (const [n, socket] of sockets.entries()) {
      const whole = requestText(PATH, { body: BODY })
      await socket.write(whole.slice(0, 1 + ((n * 7) % (whole.length - 1))))
    }
    await expectAlive()
    for (const socket of sockets) socket.destroy()
    await expectAlive()
  })

  test('a header flood is refused or cut', async () => {
    const many = await exchange(
      `GET /healthz HTTP/1.1\r\nhost: localhost\r\n${Array.from({ length: 5_000 }, (_, i) => `x-${i}: y\r\n`).join('')}\r\n`,
    )
    expect(many.statuses.every((status) => status >= 400 || status === 200)).toBe(true)
    const long = await exchange(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: ${'y'.repeat(2_000_000)}\r\n\r\n`)
    expect(long.statuses.every((status) => status >= 400)).toBe(true)
    const endless = new RawSocket(server.url)
    await endless.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n')
    for (let n = 0; n < 200 && !endless.socket.destroyed && endless.received === ''; n++)
      await endless.write(`x-${n}: ${'y'.repeat(10_000)}\r\n`)
    expect(await endless.closesWithin(2_000)).toBe(true)
    for (const socket of [many, long, endless]) socket.destroy()
    await expectAlive()
  })

  test('HTTP/1.0 without Host is answered or refused clearly', async () => {
    const socket = await exchange(
      `POST ${PATH} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
    )
    expect(socket.statuses).toHaveLength(1)
    expect([200, 400, 403, 421, 505]).toContain(socket.statuses[0] ?? 0)
    const streamed = await exchange(`POST ${PATH} HTTP/1.0\r\nhost: localhost\r\ncontent-length: ${STREAMED.length}\r\n\r\n${STREAMED}`)
    expect(await streamed.closesWithin(2_000)).toBe(true)
    if (streamed.statuses[0] === 200) {
      expect(streamed.received).not.toContain('transfer-encoding: chunked')
      expect(streamed.received).toContain('[DONE]')
    }
    await expectAlive()
  })

  test('HTTP/1.1 without Host is refused', async () => {
    const socket = await exchange(`POST ${PATH} HTTP/1.1\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`)
    expect(socket.statuses.every((status) => status >= 400)).toBe(true)
    await expectAlive()
  })

  test('pipelined requests are answered in order or the connection is closed', async () => {
    const socket = new RawSocket(server.url)
    await socket.write(
      requestText(PATH, { body: BODY }) + requestText('/healthz', { method: 'GET' }) + requestText('/v1/nothing', { method: 'GET' }),
    )
    await Promise.race([socket.closed, eventually('three answers', () => socket.statuses.length === 3, 2_000).catch(() => undefined)])
    expect([[200, 200, 404], [200], []]).toContainEqual(socket.statuses)
    socket.destroy()
    await expectAlive()
  })

  test('garbage is refused or cut', async () => {
    for (const bytes of [
      '\u0000\u0001\u0002\r\n\r\n',
      'GET\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001',
      'GET / HTTP/9.9\r\n\r\n',
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n`,
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n\r\n`,
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\nx-bad: a\u0000b\r\ncontent-length: 0\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const socket = await exchange(bytes, 300)
      expect(
        socket.statuses.every((status) => status >= 400),
        JSON.stringify(bytes.slice(0, 60)),
      ).toBe(true)
      socket.destroy()
    }
    await expectAlive()
  })

  test('a client that half-closes after its request gets its answer, or is taken for one that left', async () => {
    for (const body of [BODY, STREAMED]) {
      const socket = new RawSocket(server.url)
      socket.socket.end(requestText(PATH, { body, headers: ['connection: close'] }))
      expect(await socket.closesWithin(2_000)).toBe(true)
      if (socket.statuses.length > 0) expect(socket.received).toContain('here.')
    }
    await eventually('no upstream is kept busy', () => upstream.openSockets <= 4, 1_000)
    await expectAlive()
  })

  test('header dribble and body dribble are read', async () => {
    const socket = new RawSocket(server.url)
    const whole = requestText(PATH, { body: BODY })
    for (let n = 0; n < whole.length; n += 20) {
      await socket.write(whole.slice(n, n + 20))
      await pause(2)
    }
    await eventually('it is answered', () => socket.statuses.length === 1)
    expect(socket.statuses).toEqual([200])
    socket.destroy()
  })

  test('Expect: 100-continue is answered', async () => {
    const socket = new RawSocket(server.url)
    const whole = requestText(PATH, { body: BODY, headers: ['expect: 100-continue'] })
    const head = whole.slice(0, whole.indexOf('\r\n\r\n') + 4)
    await socket.write(head)
    await eventually('it says something', () => socket.received !== '', 1_000).catch(() => undefined)
    await socket.write(whole.slice(head.length))
    await eventually('it is answered', () => socket.statuses.includes(200))
    expect([[100, 200], [200]]).toContainEqual(socket.statuses)
    socket.destroy()
  })

  test('a body in a coding that we do not read is refused, never passed on', async () => {
    const before = upstream.requests.length
    const call = server.send(PATH, { body: 'not really gzip', headers: { 'content-encoding': 'gzip' } })
    await call.ended
    expect(call.status).toBeGreaterThanOrEqual(400)
    expect(call.status).toBeLessThan(500)
    expect(upstream.requests.length).toBe(before)
  })

  test('Connection: close is kept', async () => {
    for (const body of [BODY, STREAMED]) {
      const socket = new RawSocket(server.url)
      await socket.write(requestText(PATH, { body, headers: ['connection: close'] }))
      expect(await socket.closesWithin(2_000)).toBe(true)
      expect(socket.statuses).toEqual([200])
    }
  })

  test('a connection is used again after an answer, a stream, and an error', async () => {
    const socket = new RawSocket(server.url)
    const bodies = [BODY, STREAMED, '{"model":"nobody","messages":[{"role":"user","content":"x"}]}', 'garbage', BODY]
    for (const [n, body] of bodies.entries()) {
      await socket.write(requestText(PATH, { body }))
      await eventually(`answer ${n}`, () => socket.statuses.length === n + 1)
      await pause(30)
    }
    expect(socket.statuses).toEqual([200, 200, 404, 400, 200])
    socket.destroy()
  })

  test('an answer that takes longer than 10 s is not cut by the server’s own idle timeout', async () => {
    await using slow = await WireServer.listen((asked) =>
      play([
        ...stepsOf(framesOf({ text: TEXT }, asked.asked).slice(0, 2)),
        { wait: 11_000 },
        ...stepsOf(framesOf({ text: TEXT }, asked.asked).slice(2)),
        { data: '[DONE]' },
      ])(asked),
    )
    const deadlines = { headers: '30s', firstToken: '30s', stall: '30s' }
    await using other = await startProcess(routeOver([slow], { model: { deadlines } }))
    const streamed = other.stream()
    slow.behave = async (asked) => {
      if (asked.asked.stream !== true) await asked.pause(11_000)
      await healthy({ text: TEXT })(asked)
    }
    const [whole] = await Promise.all([other.post(), streamed])
    expect(whole.text).toBe(TEXT)
    expect((await streamed).text).toBe(TEXT)
  }, 30_000)
})
