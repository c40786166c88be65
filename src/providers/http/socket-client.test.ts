import { afterEach, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { AppError, type Clock, systemClock } from '#base'
import { UpstreamError } from '#contract'
import { httpClientContract } from './client.contract.ts'
import { AT_ONCE_MS, failureOf, NEVER_ABORTED, ok, readAll, within } from './contract-harness.ts'
import type { HttpRequest, HttpResponse } from './http-client.ts'
import { createSocketClient, type SocketClientOptions } from './socket-client.ts'
import { GOOD_CERTIFICATE, TEST_AUTHORITY } from './test-certificates.ts'
import { type WirePeer, wireServer } from './wire-server.ts'

httpClientContract({
  name: 'socket client',
  create: (options) => createSocketClient({ clock: systemClock, ...options }),
  skip: {},
})

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

type Send = (url: URL, options?: Partial<HttpRequest>, signal?: AbortSignal) => Promise<HttpResponse>

function sender(options: Partial<SocketClientOptions> = {}): Send {
  const client = createSocketClient({ clock: systemClock, ...options })
  cleanups.push(() => client.close())
  return (url, request = {}, signal = NEVER_ABORTED) =>
    client.send({ method: 'GET', url, headers: {}, connectMs: 5_000, headersMs: 5_000, ...request }, signal)
}

async function answering(peer: WirePeer): Promise<void> {
  while (await peer.request()) peer.write(ok(String(peer.index)))
}

/** Runs a server process and gives its port. */
async function serverProcess(file: string): Promise<number> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file)], { stdout: 'pipe', stderr: 'inherit' })
  cleanups.push(() => child.kill('SIGKILL'))
  for await (const piece of child.stdout) return Number(Buffer.from(piece).toString())
  return 0
}

describe('phases', () => {
  test('each is timed where it took place, and null where it was not needed', async () => {
    await using server = await wireServer(answering, { tls: GOOD_CERTIFICATE })
    const send = sender({ ca: TEST_AUTHORITY, lookup: () => Promise.resolve(['127.0.0.1']) })
    const first = await send(server.url('/', 'localhost'))
    expect(first.phases).toEqual({ dns: null, connect: expect.any(Number), tls: expect.any(Number), headers: expect.any(Number) })
    await readAll(first)
    const second = await send(server.url('/', 'localhost'))
    expect(second.phases).toEqual({ dns: null, connect: null, tls: null, headers: expect.any(Number) })
    await readAll(second)
  })

  test('a name is looked up, and the lookup timed', async () => {
    await using server = await wireServer(answering)
    const names: string[] = []
    const lookup = (host: string): Promise<readonly string[]> => {
      names.push(host)
      return Promise.resolve(['127.0.0.1'])
    }
    const response = await sender({ lookup })(server.url('/', 'upstream.test'))
    expect(response.phases).toEqual({ dns: expect.any(Number), connect: expect.any(Number), tls: null, headers: expect.any(Number) })
    expect(names).toEqual(['upstream.test'])
    await readAll(response)
  })
})

describe('connecting', () => {
  test('the next address is tried at once when one refuses', async () => {
    await using server = await wireServer(answering)
    const started = systemClock.monotonic()
    const send = sender({ lookup: () => Promise.resolve(['::1', '127.0.0.1']), staggerMs: 5_000 })
    expect((await readAll(await send(server.url('/', 'upstream.test')))).text).toBe('0')
    expect(systemClock.monotonic() - started).toBeLessThan(1_000)
  })

  test('all addresses refuse: connect, with the number of them', async () => {
    await using server = await wireServer(answering)
    const send = sender({ lookup: () => Promise.resolve(['::1', '::1']) })
    const failure = await failureOf(send(server.url('/', 'upstream.test')))
    expect(failure).toMatchObject({
      kind: 'connect',
      message: `upstream.test:${server.port} refused the connection or cannot be reached from here. 2 addresses were tried.`,
    })
  })

  test('an address that does not answer: timeout_connect; beside it, after the stagger, the next', async () => {
    const port = await serverProcess('silent-server.ts')
    await fillQueue(port)
    const failure = await failureOf(sender()(new URL(`http://127.0.0.1:${port}/`), { connectMs: 100 }))
    expect(failure).toMatchObject({ kind: 'timeout_connect', message: `127.0.0.1:${port} did not accept a connection within 100 ms.` })
    const reason = new UpstreamError({ kind: 'cancelled', message: 'left' })
    const controller = new AbortController()
    const aborted = sender()(new URL(`http://127.0.0.1:${port}/`), {}, controller.signal).catch((error: unknown) => error)
    controller.abort(reason)
    expect(await within(AT_ONCE_MS, aborted)).toBe(reason)
    await using server = await wireServer(answering, { hostname: '::1', port })
    const send = sender({ lookup: () => Promise.resolve(['127.0.0.1', '::1']), staggerMs: 20 })
    const response = await send(server.url('/', 'upstream.test'))
    expect(response.phases.connect).toBeGreaterThan(15)
    expect((await readAll(response)).text).toBe('0')
  })

  test('a name that DNS never answers for: timeout_connect, or the reason of the abort', async () => {
    const send = sender({ lookup: () => new Promise(() => undefined) })
    const url = new URL('http://upstream.test/')
    expect(await failureOf(send(url, { connectMs: 30 }))).toMatchObject({
      kind: 'timeout_connect',
      message: 'The name upstream.test was not resolved by DNS within 30 ms.',
    })
    const reason = new UpstreamError({ kind: 'cancelled', message: 'left' })
    const controller = new AbortController()
    const outcome = send(url, {}, controller.signal).catch((error: unknown) => error)
    controller.abort(reason)
    expect(await within(AT_ONCE_MS, outcome)).toBe(reason)
  })
})

describe('pool', () => {
  test('an idle connection is closed after its time, and sooner where the server says so', async () => {
    await using server = await wireServer(answering)
    await readAll(await sender({ idleMs: 30 })(server.url()))
    await within(1_000, server.peers[0]?.closed)
    await using brief = await wireServer(async (peer) => {
      await peer.request()
      peer.write('HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n')
    })
    await readAll(await sender()(brief.url()))
    await within(1_000, brief.peers[0]?.closed)
  })

  test('the connection that was used last is taken first', async () => {
    await using server = await wireServer(answering)
    const send = sender()
    const both = await Promise.all([send(server.url()), send(server.url())])
    for (const response of both) await readAll(response)
    const last = (await readAll(await send(server.url()))).text
    for (let i = 0; i < 3; i++) expect((await readAll(await send(server.url()))).text).toBe(last)
  })

  test('no two clients share a connection', async () => {
    await using server = await wireServer(answering)
    expect((await readAll(await sender()(server.url()))).text).toBe('0')
    expect((await readAll(await sender()(server.url()))).text).toBe('1')
  })

  test('closing ends idle connections and lets a response in flight finish', async () => {
    await using server = await wireServer(async (peer) => {
      const request = await peer.request()
      peer.write(request?.head.startsWith('GET /idle ') ? ok('idle') : 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbu')
    })
    const client = createSocketClient({ clock: systemClock })
    const request = { method: 'GET', headers: {}, connectMs: 5_000, headersMs: 5_000 } as const
    const busy = await client.send({ ...request, url: server.url('/busy') }, NEVER_ABORTED)
    await readAll(await client.send({ ...request, url: server.url('/idle') }, NEVER_ABORTED))
    client.close()
    await within(1_000, server.peers[1]?.closed)
    server.peers[0]?.write('sy')
    expect((await readAll(busy)).text).toBe('busy')
    await within(1_000, server.peers[0]?.closed)
  })

  test('a used connection that breaks after the first byte of an answer is not tried again', async () => {
    await using server = await wireServer(async (peer) => {
      await peer.request()
      peer.write(ok('first'))
      await peer.request()
      await peer.flush('HTTP/1.1 200')
      peer.reset()
    })
    const send = sender()
    await readAll(await send(server.url()))
    expect((await failureOf(send(server.url()))).kind).toBe('reset')
    expect(server.peers).toHaveLength(1)
  })

  test('a fresh connection that breaks is not tried again', async () => {
    await using server = await wireServer(async (peer) => {
      await peer.request()
      peer.reset()
    })
    expect((await failureOf(sender()(server.url()))).kind).toBe('reset')
    expect(server.peers).toHaveLength(1)
  })

  test('a connection has one timer at most, however many requests it serves', async () => {
    let armed = 0
    let most = 0
    let total = 0
    const clock: Clock = {
      ...systemClock,
      after(ms, fn) {
        total++
        most = Math.max(most, ++armed)
        const timer = systemClock.after(ms, () => (armed--, fn()))
        return { cancel: () => (armed--, timer.cancel()) }
      },
    }
    await using server = await wireServer(answering)
    const send = sender({ clock })
    for (let i = 0; i < 100; i++) await readAll(await send(server.url()))
    expect(most).toBe(1)
    expect(total).toBeLessThan(10)
  })
})

test('2,000 streams are open at once and one more call is answered', async () => {
  const port = await serverProcess('stream-server.ts')
  const send = sender()
  const url = new URL(`http://127.0.0.1:${port}/stream`)
  const streams = await Promise.all(Array.from({ length: 2_000 }, () => send(url, { connectMs: 15_000, headersMs: 15_000 })))
  for (const stream of streams) expect(String(Buffer.from((await stream.body.next()).value ?? ''))).toBe('data: 1')
  expect((await readAll(await send(new URL(`http://127.0.0.1:${port}/one`)))).text).toBe('one')
  for (const stream of streams) await stream.body.return?.()
}, 30_000)

test('X1 a header that cannot be sent is refused without its value', async () => {
  await using server = await wireServer(() => undefined)
  const error: unknown = await sender()(server.url(), { headers: { authorization: 'Bearer secret\r\nx: y' } }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AppError)
  expect(String(error)).toContain('"authorization" cannot be sent')
  expect(String(error)).not.toContain('secret')
  expect(server.peers).toBeEmpty()
})

/** Connects until the kernel no longer answers. */
async function fillQueue(port: number): Promise<void> {
  for (;;) {
    const batch = Array.from({ length: 64 }, () =>
      Bun.connect({ hostname: '127.0.0.1', port, socket: { data: () => undefined, connectError: () => undefined } }).catch(() => undefined),
    )
    const late = Promise.withResolvers<'late'>()
    systemClock.after(300, () => late.resolve('late'))
    if ((await Promise.race([Promise.all(batch), late.promise])) === 'late') return
  }
}
