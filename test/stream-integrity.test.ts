import { describe, expect, test } from 'bun:test'
import { eventually, timed } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { after, type Answer, DONE, framesOf, healthy, play, stepsOf, USAGE, WireServer, type Wire } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'Grüße from the shore: 海藻, 🌊👩‍👩‍👧 and a "quoted" word.\n\nNew paragraph. '.repeat(4)

const WIRES: readonly [string, Wire][] = [
  ['plain', {}],
  ['CRLF', { lineEnd: '\r\n' }],
  ['CR', { lineEnd: '\r' }],
  ['no space after data:', { space: false }],
  ['data over several lines', { multiline: true }],
  ['a BOM', { bom: true }],
  ['every byte its own chunk', { split: 1 }],
  ['seven bytes at a time', { split: 7 }],
  ['gzip', { gzip: true }],
  ['gzip, every byte its own chunk', { gzip: true, split: 1 }],
  ['unframed', { framing: 'close' }],
  ['no content type', { headers: { 'content-type': 'application/octet-stream' } }],
]

const ANSWERS: readonly [string, Answer, object][] = [
  ['text', { text: TEXT }, {}],
  ['an empty text', { text: '' }, {}],
  ['text with usage', { text: TEXT }, { stream_options: { include_usage: true } }],
  ['usage in the finish', { text: TEXT, usage: 'in-finish' }, { stream_options: { include_usage: true } }],
  ['reasoning_content', { reasoning: { field: 'reasoning_content', text: 'Let me think.' }, text: TEXT }, {}],
  ['reasoning', { reasoning: { field: 'reasoning', text: 'Let me think.' }, text: TEXT }, {}],
  ['logprobs', { text: TEXT }, { logprobs: true }],
  ['n of 3', { text: TEXT }, { n: 3 }],
  ['a refusal', { refusal: 'I cannot help with that.' }, {}],
  ['a length finish', { text: TEXT, finish: 'length' }, {}],
  ['a content_filter finish', { text: TEXT, finish: 'content_filter' }, {}],
  [
    'a JSON schema',
    { text: '{"a":[1,2,{"b":null}]}' },
    { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } },
  ],
]

describe('S1 S2 a healthy answer arrives whole', () => {
  for (const [name, wire] of WIRES) {
    test(`over ${name}`, async () => {
      await using upstream = await WireServer.listen(healthy({ text: TEXT }, wire))
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
      const result = await world.stream({ stream_options: { include_usage: true } })
      expect(result.text).toBe(TEXT)
      expect(result.finish).toBe('stop')
      expect(result.usage).toMatchObject(USAGE)
      expect(result.note).toMatchObject({ upstream: 'a/m', attempts: 1 })
      expect((await world.post()).text).toBe(TEXT)
    })
  }

  test('whatever the answer is', async () => {
    await using upstream = await WireServer.listen(healthy({}))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    for (const [name, answer, body] of ANSWERS) {
      upstream.behave = healthy(answer)
      const streamed = await world.stream(body)
      expect(streamed.error, name).toBeUndefined()
      expect(streamed.text, name).toBe(answer.text ?? '')
      expect(streamed.finish, name).toBe(answer.finish ?? 'stop')
      const sent = framesOf(answer, { model: 'm', messages: [], ...body }).map((frame) => JSON.parse(frame))
      const choices = (chunks: readonly { choices?: readonly unknown[] | null }[]): unknown[] =>
        chunks.flatMap((chunk) => chunk.choices ?? [])
      expect(choices(streamed.chunks), name).toEqual(choices(sent))
      if ('stream_options' in body) expect(streamed.usage, name).toMatchObject(USAGE)
      const whole = await world.post(body)
      expect(whole.text, name).toBe(answer.text ?? '')
      expect(whole.finish, name).toBe(answer.finish ?? 'stop')
      expect(JSON.stringify(whole.json), name).toContain(JSON.stringify(answer.refusal ?? null))
    }
  })

  test('frames that need no change keep their own bytes, unknown fields and huge numbers too', async () => {
    const frame =
      '{ "id":"i1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp","x":123456789012345678901234567890,"choices":[{"index":0,"delta":{"content":"a\\u00e9"},"finish_reason":null}]}'
    const last =
      '{"id":"i1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    await using upstream = await WireServer.listen(play([{ data: frame }, { data: last }, DONE]))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    const result = await world.stream()
    expect(result.events[0]?.text).toBe(`data: ${frame}\n\n`)
    expect(result.text).toBe('aé')
  })
})

describe('S3 after a finish', () => {
  const answer = { text: TEXT } as const
  for (const [name, ending] of [
    ['ends', 'end'],
    ['closes without the last chunk', 'fin'],
    ['resets', 'rst'],
    ['stays silent', 'silence'],
  ] as const) {
    test(`a missing [DONE] is supplied when the upstream ${name}`, async () => {
      await using upstream = await WireServer.listen((exchange) => play([...stepsOf(framesOf(answer, exchange.asked)), ending])(exchange))
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
      const { ms, result } = await timed(() => world.stream())
      expect(result.text).toBe(TEXT)
      expect(result.done).toBe(true)
      expect(ms).toBeLessThan(900)
    })
  }

  test('usage that was asked for is waited for, 1 s and not longer', async () => {
    await using upstream = await WireServer.listen((exchange) =>
      play([...stepsOf(framesOf({ ...answer, usage: 'never' }, exchange.asked)), 'silence'])(exchange),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    const body = { stream_options: { include_usage: true } }
    const { ms, result } = await timed(() => world.stream(body))
    expect(result.done).toBe(true)
    expect(ms).toBeGreaterThan(900)
    expect(ms).toBeLessThan(1_600)
    upstream.behave = (exchange) => {
      const frames = stepsOf(framesOf(answer, exchange.asked))
      return play([...frames.slice(0, -1), { wait: 400 }, ...frames.slice(-1), 'silence'])(exchange)
    }
    expect((await world.stream(body)).usage).toMatchObject(USAGE)
  })

  test('frames after the finish do not harm', async () => {
    await using upstream = await WireServer.listen((exchange) =>
      play([...stepsOf(framesOf(answer, exchange.asked)), { comment: 'late' }, DONE, { data: '{"broken' }, { raw: 'garbage\n\n' }])(
        exchange,
      ),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    expect((await world.stream()).text).toBe(TEXT)
  })
})

describe('S4 a client that leaves', () => {
  const cases = [
    ['while it waits for headers', true, (): ReturnType<typeof healthy> => (exchange) => exchange.silence()],
    ['while it waits for a JSON answer', false, () => (exchange) => exchange.silence()],
    [
      'in the middle of a stream',
      true,
      () => (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 5)), 'silence'])(exchange),
    ],
    ['in a stream that never pauses', true, () => (exchange) => play(endless(), { pace: 2 })(exchange)],
    [
      'in the middle of a JSON body',
      false,
      () => async (exchange) => {
        await exchange.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"id":')
        await exchange.silence()
      },
    ],
  ] satisfies readonly [string, boolean, () => ReturnType<typeof healthy>][]
  for (const [name, stream, behave] of cases) {
    test(`${name}: the upstream's socket is closed within 1 s`, async () => {
      await using upstream = await WireServer.listen(behave())
      const deadlines = { connect: '2s', headers: '20s', firstToken: '20s', stall: '20s', total: '60s' }
      await using world = await startWorld({ env: ENV, config: routeOver([upstream], { model: { deadlines } }) })
      const call = world.open({ stream })
      await eventually('the upstream is asked', () => upstream.requests.length === 1)
      if (name.includes('middle of a stream')) await eventually('content arrives', () => call.events.length >= 4)
      expect(upstream.openSockets).toBe(1)
      const { ms } = await timed(async () => {
        call.leave()
        await eventually('the upstream is cancelled', () => upstream.openSockets === 0)
      })
      expect(ms).toBeLessThan(1_000)
      expect(upstream.departures).toHaveLength(1)
    })
  }

  test('while the call fails over: neither upstream is asked again', async () => {
    await using first = await WireServer.listen((exchange) => exchange.silence())
    await using second = await WireServer.listen(after(5_000, healthy({ text: TEXT })))
    await using world = await startWorld({
      env: ENV,
      config: routeOver([first, second], { model: { deadlines: { headers: '300ms', firstToken: '10s' } } }),
    })
    const call = world.open()
    await eventually('the first upstream is asked', () => first.requests.length === 1)
    call.leave()
    await eventually('the first upstream is cancelled', () => first.openSockets === 0, 1_000)
    expect(second.requests).toHaveLength(0)
  })

  test('a call that nobody waits for charges nobody: the upstream is asked again at once', async () => {
    await using upstream = await WireServer.listen((exchange) => exchange.silence())
    await using world = await startWorld({
      env: ENV,
      config: routeOver([upstream], { model: { deadlines: { headers: '10s', firstToken: '10s' }, breaker: { failures: 2 } } }),
    })
    for (let n = 1; n <= 5; n++) {
      const call = world.open()
      await eventually('the upstream is asked', () => upstream.requests.length === n)
      call.leave()
    }
    upstream.behave = healthy({ text: TEXT })
    expect((await world.stream()).text).toBe(TEXT)
  })
})

describe('S7 identity', () => {
  test('the model that served is reported, and the id stays one', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT, model: 'm-2026-11-01' }))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    expect((await world.stream()).model).toBe('m-2026-11-01')
    expect((await world.post()).model).toBe('m-2026-11-01')
  })
})

function* endless(): Generator<{ data: string }> {
  for (let n = 0; ; n++)
    yield {
      data: `{"id":"e","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"w${n} "},"finish_reason":null}]}`,
    }
}
