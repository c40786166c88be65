import { expect, test } from 'bun:test'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#base'
import { eventually, pause } from './eventually.ts'
import { RawSocket, requestText } from './raw-socket.ts'
import { ENV, routeOver } from './routes.ts'
import { startProcess } from './serve-process.ts'
import { beginning, healthy, WireServer } from './upstreams/index.ts'
import { Place } from './world.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url))

/** Runs one command line to its end. */
async function holdfast(place: Place, ...args: string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn('node', [LAUNCHER, ...args, '--data', place.dataFolder], {
    env: { ...process.env, ...ENV },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  return { code: child.exitCode, output }
}

test('the banner says where it serves, what, and how to ask; the line works as it stands', async () => {
  await using upstream = await WireServer.listen(healthy({ text: 'hello' }))
  await using server = await startProcess(routeOver([upstream]))
  expect(server.output).toContain(`serves http://localhost:${new URL(server.url).port} (127.0.0.1 and ::1)`)
  expect(server.output).toContain(`${server.place.configFile}: assistant\n`)
  expect(server.output).toContain(server.place.dataFolder)
  const line = /try\s+(curl .*)\n/.exec(server.output)?.[1] ?? 'false'
  const curl = spawn('sh', ['-c', line.replace('curl ', 'curl -s ')], { stdio: ['ignore', 'pipe', 'ignore'] })
  let answer = ''
  curl.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  await once(curl, 'close')
  expect(answer).toContain('"content":"hello"')
})

test('a second start on the same port or data folder fails and names the process that holds it', async () => {
  await using server = await startProcess({ providers: {} })
  const pid = await server.pid()
  const { port } = new URL(server.url)
  await using elsewhere = await Place.make({ providers: {} })
  const samePort = await holdfast(elsewhere, 'serve', '--port', port)
  expect(samePort).toMatchObject({ code: 1 })
  expect(samePort.output).toContain(`Port ${port} is held by another Holdfast (process ${pid}).`)
  const sameFolder = await holdfast(server.place, 'serve', '--port', '0')
  expect(sameFolder).toMatchObject({ code: 1 })
  expect(sameFolder.output).toContain(`is held by process ${pid}, which has been serving http://127.0.0.1:${port} since `)
})

test('after kill -9 the next start on the same data folder works', async () => {
  await using first = await startProcess({ providers: {} })
  await first.end('SIGKILL')
  await using second = await startProcess({ providers: {} }, {}, first.place)
  expect((await second.get('/healthz')).status).toBe(200)
})

test('reload says swapped, unchanged or refused; SIGHUP reloads too', async () => {
  await using server = await startProcess({ providers: {} })
  const { place } = server
  expect(await holdfast(place, 'reload')).toMatchObject({ code: 0, output: expect.stringContaining('Nothing has changed') })
  await place.writeConfig('providers: [')
  expect(await holdfast(place, 'reload')).toMatchObject({ code: 1, output: expect.stringContaining('Refused: version ') })
  const json = await holdfast(place, 'reload', '--json')
  expect(JSON.parse(json.output)).toMatchObject({ outcome: 'refused' })
  await place.writeConfig({ providers: { near: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' } } })
  expect(await holdfast(place, 'reload')).toMatchObject({ code: 0 })
  process.kill(await server.pid(), 'SIGHUP')
  await eventually('SIGHUP is survived', async () => (await server.get('/healthz')).status === 200)
  await server.end()
  expect(await holdfast(place, 'reload')).toMatchObject({ code: 1, output: expect.stringContaining('No server runs on the data folder') })
})

test('SIGTERM lets a call under way end, then exits with 0', async () => {
  await using upstream = await WireServer.listen(healthy({ text: 'one two three four five six seven eight' }, { pace: 40 }))
  await using server = await startProcess(routeOver([upstream]))
  const call = server.open()
  await eventually('the answer has begun', () => call.received > 0)
  const code = server.end('SIGTERM')
  await call.ended
  expect(call.body.toString()).toContain('data: [DONE]')
  expect(await code).toBe(0)
})

test('an answer of 40 MB that is still being sent when SIGTERM comes arrives whole', async () => {
  const body = JSON.stringify({
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(40_000_000) }, finish_reason: 'stop' }],
  })
  await using upstream = await WireServer.listen(async (exchange) => {
    await exchange.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`)
    await exchange.write(body)
  })
  const patient = { headers: '20s', firstToken: '20s', stall: '20s', total: '30s' }
  await using server = await startProcess(routeOver([upstream], { model: { deadlines: patient } }))
  const call = server.open({ stream: false })
  await once(call.socket, 'data')
  call.socket.pause()
  const code = server.end('SIGTERM')
  await eventually('it drains', () => server.output.includes('Ending: no new calls'))
  await pause(500)
  call.socket.resume()
  await call.ended
  expect(call.ending).toBe('complete')
  expect(call.received).toBe(Number(call.headers.get('content-length')))
  expect(call.received).toBeGreaterThan(40_000_000)
  expect(await code).toBe(0)
}, 30_000)

test('idle connections do not hold the end up', async () => {
  await using server = await startProcess({ providers: {} })
  const sockets = [requestText('/healthz', { method: 'GET' }), '', 'GET /healthz HT'].map((text) => {
    const socket = new RawSocket(server.url)
    void socket.write(text)
    return socket
  })
  await eventually('the first was answered', () => sockets[0]?.statuses.length === 1)
  const began = systemClock.monotonic()
  expect(await server.end('SIGTERM')).toBe(0)
  expect(systemClock.monotonic() - began).toBeLessThan(1_500)
  for (const socket of sockets) socket.destroy()
})

test('a second SIGTERM ends at once', async () => {
  await using upstream = await WireServer.listen(beginning({ text: 'one two three' }, 3, ['silence']))
  await using server = await startProcess(routeOver([upstream], { model: { deadlines: { stall: '1m' } } }))
  const call = server.open()
  await eventually('the answer has begun', () => call.received > 0)
  const began = systemClock.monotonic()
  const code = server.end('SIGTERM')
  await eventually('it drains', () => server.output.includes('Ending: no new calls'))
  await eventually('the first signal is not taken twice', () => systemClock.monotonic() - began > 1_000)
  await server.end('SIGTERM')
  expect(await code).toBe(1)
  expect(systemClock.monotonic() - began).toBeLessThan(5_000)
})

test('O1 calls are answered when nobody can read the log any more', async () => {
  await using upstream = await WireServer.listen(healthy({ text: 'hello' }))
  await using place = await Place.make(routeOver([upstream]))
  const child = spawn('node', [LAUNCHER, 'serve', '--port', '0', '--data', place.dataFolder, '--config', place.configFile], {
    env: { ...process.env, ...ENV, HOLDFAST_LOG: 'debug:json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    child.stderr.destroy()
    child.stdout.resume()
    await eventually(
      'it listens',
      async () => (await readFile(join(place.dataFolder, 'process.json'), 'utf8').catch(() => '')) !== '',
      10_000,
    )
    const { url } = JSON.parse(await readFile(join(place.dataFolder, 'process.json'), 'utf8')) as { readonly url: string }
    child.stdout.destroy()
    for (let n = 0; n < 20; n++) {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: n % 2 === 0 ? 'assistant' : 'nobody', messages: [{ role: 'user', content: 'x' }] }),
      })
      expect(response.status).toBe(n % 2 === 0 ? 200 : 404)
      await response.text()
    }
  } finally {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  expect(child.exitCode).toBe(0)
})
