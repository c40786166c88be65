import { describe, expect, test } from 'bun:test'
import { ENV, routeOver } from './routes.ts'
import {
  type Behaviour,
  byMode,
  completionOf,
  DONE,
  framesOf,
  healthy,
  play,
  reply,
  type Step,
  stepsOf,
  WireServer,
  writer,
} from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'What providers in the wild send, and what clients must get of it.'

/** Each frame of a healthy answer, changed, before it is sent. */
function changed(change: (frame: Record<string, unknown>, n: number) => Record<string, unknown>, answer = { text: TEXT }): Behaviour {
  return byMode(
    (exchange) =>
      play([...stepsOf(framesOf(answer, exchange.asked).map((frame, n) => JSON.stringify(change(JSON.parse(frame), n)))), DONE])(exchange),
    healthy(answer),
  )
}

function choiceOf(frame: Record<string, unknown>): Record<string, unknown> {
  return Array.isArray(frame['choices']) ? (frame['choices'][0] ?? {}) : {}
}

const CHUNK = (delta: object, finish: string | null = null): Step => ({
  data: JSON.stringify({
    id: 'chatcmpl-sim',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  }),
})

const PECULIAR: readonly [string, Behaviour][] = [
  ['another id in every frame', changed((frame, n) => ({ ...frame, id: `id-${n}` }))],
  ['no id, no created', changed(({ id: _, created: _c, ...frame }) => frame)],
  ['another created in every frame', changed((frame, n) => ({ ...frame, created: 1_700_000_000 + n }))],
  [
    'an empty finish_reason in every frame',
    changed((frame) => ({ ...frame, choices: [{ ...choiceOf(frame), finish_reason: choiceOf(frame)['finish_reason'] ?? '' }] })),
  ],
  [
    'no finish_reason member',
    changed((frame) => ({
      ...frame,
      choices: [Object.fromEntries(Object.entries(choiceOf(frame)).filter(([key, value]) => key !== 'finish_reason' || value !== null))],
    })),
  ],
  ['usage null in every frame', changed((frame) => ({ ...frame, usage: null }))],
  ['usage in every frame', changed((frame, n) => ({ ...frame, usage: { prompt_tokens: 3, completion_tokens: n, total_tokens: 3 + n } }))],
  [
    'a role in every frame',
    changed((frame) => ({
      ...frame,
      choices: [{ ...choiceOf(frame), delta: { role: 'assistant', ...Object(choiceOf(frame)['delta']) } }],
    })),
  ],
  [
    'prompt_filter_results first',
    (exchange) =>
      play([
        { data: '{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}' },
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked)),
        DONE,
      ])(exchange),
  ],
  [
    'comments and pings between the frames',
    (exchange) =>
      play([
        { comment: 'OPENROUTER PROCESSING' },
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked)).flatMap((step): Step[] => [
          step,
          { comment: 'ping' },
          { raw: 'event: ping\ndata: {"type":"ping"}\n\n' },
        ]),
        DONE,
      ])(exchange),
  ],
  [
    'id: and retry: fields',
    (exchange) =>
      play([
        { raw: 'retry: 1000\n\n' },
        ...framesOf({ text: TEXT }, exchange.asked).map((data, n): Step => ({ raw: `id: ${n}\nevent: message\ndata: ${data}\n\n` })),
        DONE,
      ])(exchange),
  ],
  [
    'no blank line after the last event',
    (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked)), { raw: 'data: [DONE]' }])(exchange),
  ],
  [
    'no [DONE] and no blank line after the finish',
    (exchange) => {
      const frames = framesOf({ text: TEXT }, exchange.asked)
      return play([...stepsOf(frames.slice(0, -1)), { raw: `data: ${frames.at(-1)}` }])(exchange)
    },
  ],
  [
    'the finish with the last piece',
    (exchange) =>
      play([
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, -2)),
        CHUNK({ content: TEXT.slice(TEXT.lastIndexOf(' ')) }, 'stop'),
        DONE,
      ])(exchange),
  ],
  ['everything in one frame', play([CHUNK({ role: 'assistant', content: TEXT }, 'stop'), DONE])],
  ['content in parts', play([CHUNK({ role: 'assistant', content: [{ type: 'text', text: TEXT }] }), CHUNK({}, 'stop'), DONE])],
  ['[DONE] twice', (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked)), DONE, DONE])(exchange)],
  [
    'a whole JSON answer to a streamed call',
    (exchange) => reply({ status: 200, body: completionOf({ text: TEXT }, exchange.asked) })(exchange),
  ],
]

describe('peculiar but healthy streams', () => {
  for (const [name, behave] of PECULIAR) {
    test(name, async () => {
      await using a = await WireServer.listen(behave)
      await using b = await WireServer.listen(writer(TEXT))
      await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
      const result = await world.stream()
      expect(result.error).toBeUndefined()
      expect(result.text).toBe(TEXT)
      expect(result.finish).toBe('stop')
      expect(result.headers.get('x-holdfast-upstream')).toBe('a/m')
    })
  }

  test('events for a call that is not streamed: the whole answer, from here or from the next', async () => {
    await using a = await WireServer.listen((exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked)), DONE])(exchange))
    await using b = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    expect((await world.post()).text).toBe(TEXT)
  })

  test('reasoning was sent, then it breaks: the text is whole, once', async () => {
    const answer = { reasoning: { field: 'reasoning_content' as const, text: 'Let me think about this for a moment.' }, text: TEXT }
    await using a = await WireServer.listen((exchange) =>
      play([...stepsOf(framesOf(answer, exchange.asked).slice(0, 4)), { wait: 10 }, 'rst'])(exchange),
    )
    await using b = await WireServer.listen(healthy(answer))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream()
    if (result.error === undefined) expect(result.text).toBe(TEXT)
    else expect(result.text).toBe('')
  })
})

describe('what must not be taken for a fault', () => {
  test('a provider that ignores n: what it says before its [DONE] is the answer', async () => {
    await using a = await WireServer.listen(play([CHUNK({ role: 'assistant', content: TEXT }), CHUNK({}, 'stop'), DONE]))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.stream({ n: 2 })
    expect(result.error).toBeUndefined()
    expect(result.text).toBe(TEXT)
  })

  for (const [name, delta] of [
    ['audio', { audio: { id: 'audio_1', data: 'QUJDRA==' } }],
    ['reasoning in parts', { reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] }],
    ['something that nobody knows yet', { thinking: 'Hm.' }],
  ] as const) {
    test(`deltas of ${name} are signs of life`, async () => {
      const slowly = Array.from({ length: 8 }, (): Step[] => [{ wait: 80 }, CHUNK(delta)]).flat()
      await using a = await WireServer.listen(play([...slowly, CHUNK({ content: TEXT }), CHUNK({}, 'stop'), DONE]))
      await using world = await startWorld({ env: ENV, config: routeOver([a]) })
      const result = await world.stream()
      expect(result.error).toBeUndefined()
      expect(result.text).toBe(TEXT)
      expect(result.chunks.length).toBeGreaterThanOrEqual(10)
    })
  }

  test('the finish said twice, again with the usage: the client hears it once', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const again = {
      id: 'chatcmpl-sim',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'm',
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    }
    await using a = await WireServer.listen(
      play([CHUNK({ content: TEXT }), CHUNK({}, 'stop'), { data: JSON.stringify({ ...again, usage }) }, DONE]),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.stream({ stream_options: { include_usage: true } })
    expect(result.text).toBe(TEXT)
    expect(result.usage).toMatchObject(usage)
  })

  test('a comment or a field behind the data of the finish', async () => {
    for (const tail of [': note {x}', 'id: {7}', 'event: message']) {
      await using a = await WireServer.listen((exchange) => {
        const frames = framesOf({ text: TEXT }, exchange.asked)
        return play([...stepsOf(frames.slice(0, -1)), { raw: `data: ${frames.at(-1)}\n${tail}\n\n` }, DONE])(exchange)
      })
      await using world = await startWorld({ env: ENV, config: routeOver([a]) })
      const result = await world.stream()
      expect(result.text).toBe(TEXT)
      expect(result.note?.upstream).toBe('a/m')
    }
  })
})

describe('what the client asks in other ways', () => {
  test('stream_options without stream, images, tools with null, a prefill of its own', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const bodies: readonly object[] = [
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what is this' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } },
            ],
          },
        ],
      },
      {
        messages: [
          { role: 'developer', content: 'be brief' },
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'What' },
        ],
      },
      {
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
          { role: 'tool', tool_call_id: 'c', content: 'r' },
        ],
      },
      {
        tool_choice: 'auto',
        parallel_tool_calls: true,
        seed: 7,
        top_p: 0.5,
        logit_bias: { '50256': -100 },
        metadata: { a: 'b' },
        store: false,
        service_tier: 'auto',
      },
    ]
    for (const body of bodies) {
      for (const stream of [true, false]) {
        expect((await world.ask(stream, body)).text).toBe(TEXT)
        expect(a.requests.at(-1)?.json).toMatchObject({ ...body, model: 'm' })
      }
    }
  })
})
