import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, timed } from './eventually.ts'
import { RawSocket } from './raw-socket.ts'
import { ENV, routeOver } from './routes.ts'
import { healthy, WireServer } from './upstreams/index.ts'
import { QUESTION, startWorld, type World } from './world.ts'

const TEXT = 'Still here.'
let world: World
let upstream: WireServer

beforeAll(async () => {
  upstream = await WireServer.listen(healthy({ text: TEXT }))
  world = await startWorld({ env: ENV, config: routeOver([upstream], { model: { deadlines: { headers: '5s', firstToken: '5s' } } }) })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

/** Sends a body as it is; the answer's status and error. */
async function send(
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; code: string; message: string; param: string | null }> {
  const call = world.send('/v1/chat/completions', { body, headers })
  await call.ended
  const json = JSON.parse(call.body.toString() || '{}')
  return { status: call.status, code: json.error?.code ?? '', message: json.error?.message ?? '', param: json.error?.param ?? null }
}

async function expectAlive(): Promise<void> {
  const { ms, result } = await timed(() => world.post())
  expect(result.text).toBe(TEXT)
  expect(ms).toBeLessThan(1_000)
}

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)

describe('bodies that are no request', () => {
  const bodies: readonly [string, string][] = [
    ['nothing', ''],
    ['half an object', '{"model":"assistant","messages":['],
    ['not JSON', 'hello'],
    ['a NUL byte', '\u0000'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['a number', '1e999'],
    ['10,000 deep arrays', nested(10_000, '[', ']')],
    ['10,000 deep in a known field', `{"model":"assistant","messages":${nested(10_000, '[', ']')}}`],
    ['200,000 deep and unfinished', '['.repeat(200_000)],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('latin1')],
    ['two documents', '{"model":"assistant","messages":[]}{"a":1}'],
    ['no model', JSON.stringify({ messages: [QUESTION] })],
    ['no messages', JSON.stringify({ model: 'assistant' })],
    ['no message', JSON.stringify({ model: 'assistant', messages: [] })],
  ]
  for (const [name, body] of bodies) {
    test(`${name}: 400 with a reason`, async () => {
      const before = upstream.requests.length
      const said = await send(body)
      expect(said.status).toBe(400)
      expect(said.code).not.toBe('')
      expect(said.message.length).toBeGreaterThan(10)
      expect(upstream.requests.length).toBe(before)
      await expectAlive()
    })
  }

  test('10,000 deep in an unknown field: a clear 4xx, or it is passed on; nothing breaks', async () => {
    const said = await send(`{"model":"assistant","messages":[{"role":"user","content":"x"}],"x":${nested(10_000, '[', ']')}}`)
    expect([200, 400]).toContain(said.status)
    await expectAlive()
  })
})

describe('wrong types', () => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    model: [1, null, {}, [], '', true],
    messages: ['x', {}, 1, null, [1], ['x'], [null]],
    stream: ['true', 1, {}],
    stream_options: ['x', 1, []],
    n: ['2', 0, -1, 1.5, {}],
    max_tokens: ['10', -1, 1.5, {}],
    max_completion_tokens: ['10', -1, 1.5, {}],
    stop: [1, {}, [1]],
    logprobs: ['true', 1],
    response_format: ['json', 1, []],
    tools: ['x', 1, {}],
  }
  for (const [field, values] of Object.entries(wrong)) {
    test(`${field}: 400 that names the field`, async () => {
      for (const value of values) {
        const said = await send(JSON.stringify({ model: 'assistant', messages: [QUESTION], [field]: value }))
        expect(said.status, JSON.stringify(value)).toBe(400)
        expect(`${said.param} ${said.message}`, JSON.stringify(value)).toContain(field)
      }
      await expectAlive()
    })
  }

  test('null where OpenAI takes null', async () => {
    const nulls = {
      stream: null,
      stream_options: null,
      n: null,
      max_tokens: null,
      max_completion_tokens: null,
      stop: null,
      logprobs: null,
      response_format: null,
      tools: null,
    }
    const said = await world.post(nulls)
    expect(said.status).toBe(200)
  })
})

describe('wrong types within a field', () => {
  test('are for the upstream to judge, or 400; nothing breaks', async () => {
    for (const fields of [
      { stream_options: { include_usage: 'yes' } },
      { response_format: { type: 1 } },
      { messages: [{ role: 1, content: { a: 1 } }] },
      { tools: [1, 'x'] },
    ]) {
      for (const stream of [true, false]) expect([200, 400]).toContain((await world.ask(stream, fields)).status)
    }
    await expectAlive()
  })
})

describe('large bodies', () => {
  const LARGE = 33 * 1024 * 1024

  test('33 MiB with a length: 413 without reading it all', async () => {
    const said = await send(`{"model":"assistant","messages":[{"role":"user","content":"${'x'.repeat(LARGE)}"}]}`)
    expect(said.status).toBe(413)
    await expectAlive()
  })

  test('33 MiB in chunks: 413 or a closed socket', async () => {
    const socket = new RawSocket(world.url)
    await socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    for (let n = 0; n < 33 && socket.received === '' && !socket.socket.destroyed; n++) await socket.write(chunk)
    await socket.write('0\r\n\r\n')
    await eventually('it is refused', () => socket.statuses.includes(413) || socket.socket.destroyed, 5_000)
    socket.destroy()
    await expectAlive()
  })

  test('20 MiB, images say, reach the upstream whole', async () => {
    const content = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'QUJD'.repeat(5 * 1024 * 1024)}` } }]
    const result = await world.post({ messages: [{ role: 'user', content }] })
    expect(result.text).toBe(TEXT)
    expect(upstream.requests.at(-1)?.body.length).toBeGreaterThan(20 * 1024 * 1024)
  })
})

describe('what we do not know reaches the upstream untouched', () => {
  test('unknown fields, huge numbers, duplicate keys, escapes and spaces, byte by byte', async () => {
    const rest =
      ' "temperature":0.70000000000000000001,\t"x_big":123456789012345678901234567890.5e-3 , "dup":1,"dup":2,"esc":"\\u00e9\\/\\ud83c\\udf0a","nul":"a\\u0000b","neg":-0,"__proto__":{"a":1},"nested":{"model":"inner"},"messages":[ {"role":"user","content":"h\\u00e9", "x":1.0} ] }'
    const said = await send(`{"model":"assistant",${rest}`)
    expect(said.status).toBe(200)
    const body = upstream.requests.at(-1)?.body ?? ''
    expect(body).toContain(rest.slice(1))
    expect(body).toContain('"model":"m"')
    expect(body).not.toContain('assistant')
  })

  test('the model may be anywhere, with escapes in it', async () => {
    const said = await send(
      '{"messages":[{"role":"user","content":"\\"model\\":\\"x\\""}],"a":{"model":"inner"},"\\u006dodel" : "assist\\u0061nt" , "z":1}',
    )
    expect(said.status).toBe(200)
    const asked = upstream.requests.at(-1)
    expect(asked?.json).toMatchObject({ model: 'm', a: { model: 'inner' }, z: 1 })
    expect(asked?.body).toContain('"z":1')
    expect(asked?.body).toContain('"content":"\\"model\\":\\"x\\""')
  })

  test('a model that is named twice is one model, for us and for the upstream', async () => {
    const said = await send('{"model":"nobody","messages":[{"role":"user","content":"x"}],"model":"assistant"}')
    expect([200, 400]).toContain(said.status)
    if (said.status === 200) expect(upstream.requests.at(-1)?.body).not.toContain('nobody')
  })

  test('stream named twice is read as JSON says: the last one', async () => {
    const said = await send('{"stream":true,"model":"assistant","messages":[{"role":"user","content":"x"}],"stream":false}')
    expect([200, 400]).toContain(said.status)
  })
})

describe('paths and methods', () => {
  test('unknown paths are 404, wrong methods 405, in our error’s shape', async () => {
    for (const [method, path, status] of [
      ['GET', '/v1/nothing', 404],
      ['GET', '/v1/chat/completions', 405],
      ['DELETE', '/v1/models', 405],
      ['POST', '/healthz', 405],
      ['GET', '/..%2f..%2fetc/passwd', 404],
      ['GET', '//', 404],
    ] as const) {
      const call = world.send(path, { method })
      await call.ended
      expect(call.status, `${method} ${path}`).toBe(status)
      expect(JSON.parse(call.body.toString()), path).toMatchObject({ error: { message: expect.any(String), code: expect.any(String) } })
    }
  })

  test('another content type is read as JSON or refused, never ignored', async () => {
    const body = JSON.stringify({ model: 'assistant', messages: [QUESTION] })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8', 'APPLICATION/JSON']) {
      const said = await send(body, { 'content-type': type })
      expect(type.toLowerCase().startsWith('application/json') ? [200] : [200, 415, 403], type).toContain(said.status)
    }
  })
})
