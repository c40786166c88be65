import { describe, expect, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { ENV, routeOver, UPSTREAM_KEY } from './routes.ts'
import { runCommand, startProcess } from './serve-process.ts'
import { beginning, healthy, reply, type Behaviour, WireServer } from './upstreams/index.ts'
import { Node, startWorld } from './world.ts'

const TEXT = 'Fine.'

describe('X1 provider secrets', () => {
  test('an upstream that repeats our key in its error does not show it to anyone', async () => {
    const says: Behaviour = reply({
      status: 401,
      body: JSON.stringify({
        error: {
          message: `Incorrect API key provided: ${UPSTREAM_KEY}`,
          type: 'invalid_request_error',
          code: 'invalid_api_key',
          param: null,
        },
      }),
    })
    const streams = beginning({ text: 'a b c d e f g' }, 3, [
      { data: JSON.stringify({ error: { message: `bad key ${UPSTREAM_KEY}`, type: 'x', code: null } }) },
      'end',
    ])
    for (const behave of [says, streams]) {
      await using a = await WireServer.listen(behave)
      await using world = await startWorld({ env: ENV, config: routeOver([a]) })
      for (const stream of [true, false]) {
        const result = await world.ask(stream)
        expect(result.call.body.toString()).not.toContain(UPSTREAM_KEY)
        expect([...result.headers.values()].join()).not.toContain(UPSTREAM_KEY)
      }
      expect(world.log.join('')).not.toContain(UPSTREAM_KEY)
      expect(await allOf(world.place.folder)).not.toContain(UPSTREAM_KEY)
    }
  })

  test('a literal secret in the document is refused', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    const config = JSON.stringify(routeOver([a])).replace('${UPSTREAM_KEY}', 'sk-literal-key')
    const started = await startWorld({ env: ENV, config }).then(
      async (world) => {
        const ready = await world.get('/readyz')
        await world[Symbol.asyncDispose]()
        return `${ready.status}`
      },
      (error: unknown) => String(error),
    )
    expect(started).not.toBe('200')
    expect(started).not.toContain('sk-literal-key')
  })
})

describe('X2 who may call', () => {
  test('on loopback the caller is the owner: no key, a dummy key, an unknown key', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (const headers of [{}, { authorization: 'Bearer dummy' }, { authorization: 'Bearer hf_unknown' }, { authorization: 'Basic x' }]) {
      expect((await world.post({}, headers)).text).toBe(TEXT)
    }
  })

  test('a foreign Host or Origin, or any forwarding header, is refused', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const headersOf: Readonly<Record<string, string>>[] = [
      { host: 'evil.example' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'x-forwarded-for': '10.0.0.1' },
      { forwarded: 'for=10.0.0.1' },
      { 'x-real-ip': '10.0.0.1' },
      { via: '1.1 proxy' },
    ]
    for (const headers of headersOf) {
      const result = await world.post({}, headers)
      expect([401, 403, 421], JSON.stringify(headers)).toContain(result.status)
      expect(result.error?.message).toBeString()
    }
    expect(a.requests).toHaveLength(0)
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:80']) expect((await world.post({}, { host })).status, host).toBe(200)
  })

  test('a trusted proxy that says it forwards for 127.0.0.1 is refused as the owner, and sees nothing that is local', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    for (const trustedProxies of [['loopback'], ['127.0.0.0/8'], ['0.0.0.0/0', '::/0']]) {
      await using world = await startWorld({ env: ENV, config: routeOver([a]), settings: { trustedProxies } })
      await world.place.writeConfig('providers: [')
      await eventually('the config is refused', async () => (await world.get('/readyz')).call.body.includes('"problems"'), 10_000)
      expect((await world.get('/readyz')).call.body.toString()).toContain('"message"')
      for (const headers of [
        { 'x-forwarded-for': '127.0.0.1' },
        { 'x-forwarded-for': '::1' },
        { 'x-forwarded-for': '127.0.0.1, 127.0.0.1' },
      ]) {
        expect(await world.post({}, headers)).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } })
        expect((await world.get('/metrics', headers)).status).toBe(401)
        expect((await world.get('/readyz', headers)).call.body.toString()).not.toContain('"message"')
      }
      expect((await world.get('/metrics')).status).toBe(200)
      expect((await world.post()).status).toBe(200)
    }
  })

  test('a peer in a trusted network that says it forwards for 127.0.0.1 does not read the metrics of an open node', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    const settings = { hosts: ['0.0.0.0'], trustedProxies: ['127.0.0.0/8'] }
    await using world = await startWorld({ env: ENV, config: routeOver([a]), settings })
    const node = new Node(world.url.replace('0.0.0.0', '127.0.0.1'))
    expect((await node.get('/metrics', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401)
    expect((await node.get('/metrics', { 'x-forwarded-for': '10.0.0.1' })).status).toBe(401)
    expect((await node.get('/metrics')).status).toBe(200)
  })

  test('with a public URL set nobody is the owner', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]), settings: { publicUrl: new URL('https://ai.example') } })
    for (const headers of [{}, { authorization: 'Bearer dummy' }, { host: 'ai.example' }]) {
      const result = await world.post({}, headers)
      expect(result.status).toBe(401)
      expect(result.error?.code).toBeString()
    }
    expect((await world.get('/healthz')).status).toBe(200)
    expect(a.requests).toHaveLength(0)
  })

  test('CORS is off: no header that would let a page read an answer', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const asked = world.send('/v1/chat/completions', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    await asked.ended
    expect(asked.headers.get('access-control-allow-origin')).toBeUndefined()
    expect((await world.post()).headers.get('access-control-allow-origin')).toBeUndefined()
  })
})

describe('what callers can make a node hold and show', () => {
  test('a model that a caller made up is neither a label of the metrics nor in /readyz, when its upstream fails', async () => {
    await using a = await WireServer.listen(reply({ status: 500, body: '{}' }))
    await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { retries: { perUpstream: 0 } } }) })
    for (const model of ['assistant', 'a/made-up-name', 'a/made-up-"name"']) expect((await world.post({ model })).status).toBe(502)
    const metrics = (await world.get('/metrics')).call.body.toString()
    const ready = (await world.get('/readyz')).call.body.toString()
    expect(metrics).toContain('holdfast_upstream_failing_seconds{upstream="a/m"}')
    expect(JSON.parse(ready)).toMatchObject({ failing: [{ upstream: 'a/m' }] })
    expect(metrics + ready).not.toContain('made-up')
  })

  test('a key beyond its limit is told so before its body is read', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using server = await startProcess(routeOver([a]))
    const created = await runCommand(server.place, 'key', 'create', 'once', '--limit', '1/m', '--json')
    const authorization = `Bearer ${/"(?:key|secret)": ?"([^"]+)"/.exec(created.output)?.[1]}`
    await eventually('the key is known', async () => (await server.get('/v1/models', { authorization })).status === 200, 4_000)
    await eventually('it is needed', async () => (await server.get('/v1/models')).status === 401, 4_000)
    expect((await server.post({}, { authorization })).status).toBe(200)
    const call = server.send('/v1/chat/completions', { headers: { authorization, 'content-length': '1000000' } })
    await eventually('it is refused though no body came', () => call.status === 429)
    call.leave()
    expect(a.requests).toHaveLength(1)
  })

  test('40 callers of 30 MiB with one place: the bodies that are held are bounded, and given back when the calls end', async () => {
    await using upstream = await WireServer.listen(beginning({ text: 'one two three' }, 0, ['silence']))
    const patient = { headers: '60s', firstToken: '60s', stall: '60s', total: '90s' }
    const limits = { concurrency: 1, wait: '60s' }
    await using server = await startProcess(routeOver([upstream], { model: { deadlines: patient }, limits }))
    const idle = await server.memory()
    const body = JSON.stringify({ model: 'assistant', stream: true, messages: [{ role: 'user', content: 'x'.repeat(30 * 1024 ** 2) }] })
    const calls = Array.from({ length: 40 }, () => server.send('/v1/chat/completions', { body }))
    await eventually(
      'those for which there is no room are told',
      () => calls.filter((call) => call.ending !== undefined).length >= 32,
      20_000,
    )
    await eventually('the others wait', async () => (await server.get('/metrics')).call.body.includes('holdfast_calls_waiting 7'), 10_000)
    expect((await server.memory()) - idle).toBeLessThan(1_200)
    const refused = calls.filter((call) => call.status !== 0)
    expect(refused).toHaveLength(32)
    for (const call of refused) {
      expect(call.status).toBe(503)
      expect(call.headers.get('retry-after')).toBe('1')
      expect(JSON.parse(call.body.toString())).toMatchObject({ error: { code: 'overloaded_here', retry_after: 1 } })
    }
    for (const call of calls) call.leave()
    upstream.behave = healthy({ text: TEXT })
    const padding = 'x'.repeat(30 * 1024 ** 2)
    await eventually('there is room again', async () => (await server.post({ padding })).status === 200, 10_000)
    for (let n = 0; n < 9; n++) {
      for (const stream of [true, false]) expect((await server.ask(stream, { padding })).text).toBe(TEXT)
      expect((await server.post({ padding, messages: [] })).status).toBe(400)
    }
  }, 60_000)
})

describe('X3 where a credential goes', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`a ${status} is not followed, and the call goes on elsewhere`, async () => {
      await using trap = await WireServer.listen(healthy({ text: 'stolen' }))
      await using a = await WireServer.listen(reply({ status, headers: { location: `${trap.url}/chat/completions` } }))
      await using b = await WireServer.listen(healthy({ text: TEXT }))
      await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
      for (const stream of [true, false]) expect((await world.ask(stream)).text).toBe(TEXT)
      expect(trap.accepted).toBe(0)
      expect(a.requests[0]?.headers.get('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`)
    })
  }

  test('the caller’s own credential and cookies do not travel', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    await world.post(
      {},
      { authorization: 'Bearer callers-own', cookie: 'session=callers', 'x-api-key': 'callers', 'openai-organization': 'org-x' },
    )
    expect(a.requests[0]?.headers.get('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`)
    expect(a.requests[0]?.head).not.toContain('callers')
  })
})

describe('X6 prompts and answers are nowhere but in the call', () => {
  test('a canary in prompt, answer, key and error is not in log, metrics or data folder', async () => {
    const canary = 'zanzibar-canary-41'
    await using a = await WireServer.listen(healthy({ text: `answer ${canary}` }))
    await using b = await WireServer.listen(healthy({ text: `answer ${canary}` }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const body = { messages: [{ role: 'user', content: `prompt ${canary}` }], user: canary, metadata: { note: canary } }
    const headers = { authorization: `Bearer ${canary}`, 'user-agent': canary, 'x-custom': canary }
    for (const behave of [
      healthy({ text: `answer ${canary}` }),
      beginning({ text: `${canary} and more of it, a few words at least` }, 3, ['rst']),
      reply({ status: 500, body: JSON.stringify({ error: { message: `your prompt was: prompt ${canary}`, type: 'x', code: canary } }) }),
      reply({
        status: 400,
        body: JSON.stringify({ error: { message: `bad prompt ${canary}`, type: 'invalid_request_error', code: null } }),
      }),
      reply({ status: 200, contentType: 'text/html', body: `<b>${canary}</b>` }),
      beginning({ text: 'one two three four five six' }, 3, [{ data: `{"choices": ${canary}` }, 'end']),
    ]) {
      a.behave = behave
      for (const stream of [true, false]) {
        const call = world.open({ ...body, stream }, headers)
        await call.ended
      }
    }
    await world.post({ ...body, model: `${canary}-unknown-model` }, headers)
    const broken = world.send('/v1/chat/completions', { body: `{"messages": "${canary}`, headers })
    await broken.ended
    const metrics = world.send('/metrics', { method: 'GET' })
    await metrics.ended
    expect(metrics.body.toString()).toContain('holdfast')
    expect(metrics.body.toString()).not.toContain(canary)
    expect(world.log.length).toBeGreaterThan(0)
    expect(world.log.filter((line) => line.includes(canary))).toEqual([])
    await world.stop()
    expect(await allOf(world.place.dataFolder)).not.toContain(canary)
  })
})

/** All bytes of a folder as one text. */
async function allOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
  )
  expect(texts.length).toBeGreaterThan(0)
  return texts.join('\n')
}
