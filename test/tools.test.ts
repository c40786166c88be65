import { describe, expect, test } from 'bun:test'
import { ENV, routeOver } from './routes.ts'
import { type Answer, framesOf, healthy, play, type Step, stepsOf, WireServer, type Behaviour } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const CALLS = [
  { id: 'tool_one', name: 'weather', arguments: '{"city":"Zürich 🏔️","units":{"temperature":"celsius"}}' },
  { id: 'tool_two', name: 'tide', arguments: '{"harbour":"São Tomé","days":[1,2,3]}' },
] as const
const EXPECTED = CALLS.map((call) => ({ ...call }))
const ANSWER: Answer = { toolCalls: CALLS }
const WITH_TOOLS = {
  tools: [
    { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } },
    { type: 'function', function: { name: 'tide' } },
  ],
}

/** The first `frames` frames of an answer, then `ending`. */
function cutAfter(answer: Answer, frames: number, ending: Step): Behaviour {
  return (exchange) => play([...stepsOf(framesOf(answer, exchange.asked).slice(0, frames)), ending])(exchange)
}

describe('S6 tool calls are whole or not there', () => {
  test('healthy: parallel calls arrive whole, streamed and not', async () => {
    await using a = await WireServer.listen(healthy(ANSWER))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (const stream of [true, false]) {
      const result = await world.ask(stream, WITH_TOOLS)
      expect(result.toolCalls).toEqual(EXPECTED)
      expect(result.finish).toBe('tool_calls')
    }
  })

  const total = framesOf(ANSWER, { model: 'm', messages: [] }).length
  for (const ending of ['rst', 'end', 'silence', 'fin'] as const) {
    test(`cut anywhere by ${ending}: the next upstream's calls, whole, and nothing of the first's`, async () => {
      await using a = await WireServer.listen(healthy(ANSWER))
      await using b = await WireServer.listen(healthy({ toolCalls: [{ id: 'tool_b', name: 'weather', arguments: '{"city":"Basel"}' }] }))
      await using world = await startWorld({
        env: ENV,
        config: routeOver([a, b], { model: { breaker: { failures: 1_000, minimum: 1_000 } } }),
      })
      for (let frames = 1; frames < total; frames += ending === 'silence' ? 11 : 3) {
        a.behave = cutAfter(ANSWER, frames, ending)
        const result = await world.stream(WITH_TOOLS)
        expect(result.toolCalls, `after ${frames}`).toEqual([{ id: 'tool_b', name: 'weather', arguments: '{"city":"Basel"}' }])
        expect(result.finish).toBe('tool_calls')
        expect(result.call.body.toString()).not.toContain('tool_one')
      }
    })
  }

  test('cut with no other upstream: one error and no piece of a call', async () => {
    await using a = await WireServer.listen(cutAfter(ANSWER, 8, 'rst'))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.stream(WITH_TOOLS)
    expect(result.error).toBeDefined()
    expect(result.call.body.toString()).not.toContain('tool_one')
  })

  test('text, then a call that is cut: the text is not repeated, the call is whole or there is one error', async () => {
    const both: Answer = { text: 'Let me look at the weather first.', toolCalls: CALLS }
    await using a = await WireServer.listen(cutAfter(both, 12, 'rst'))
    await using b = await WireServer.listen(healthy(both))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream(WITH_TOOLS)
    if (result.error === undefined) {
      expect(result.text).toBe('Let me look at the weather first.')
      expect(result.toolCalls).toEqual(EXPECTED)
    } else expect(result.call.body.toString()).not.toContain('tool_one')
  })

  test('arguments that are no JSON are the model’s own: passed on as they are', async () => {
    await using a = await WireServer.listen(healthy({ toolCalls: [{ id: 'tool_one', name: 'weather', arguments: '{"city":' }] }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    expect((await world.stream(WITH_TOOLS)).toolCalls).toEqual([{ id: 'tool_one', name: 'weather', arguments: '{"city":' }])
  })

  test('a finish of length with half a call is passed on as it is', async () => {
    await using a = await WireServer.listen(
      healthy({ toolCalls: [{ id: 'tool_one', name: 'weather', arguments: '{"city":"Zü' }], finish: 'length' }),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.stream(WITH_TOOLS)
    expect(result.finish).toBe('length')
    expect(result.error).toBeUndefined()
  })

  test('calls without arguments, without an index, and with the whole call in one piece', async () => {
    const chunk = (delta: object, finish: string | null = null): { data: string } => ({
      data: JSON.stringify({
        id: 'x',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta, finish_reason: finish }],
      }),
    })
    const call = { id: 'c', type: 'function', function: { name: 'now', arguments: '' } }
    await using a = await WireServer.listen(
      play([chunk({ role: 'assistant', tool_calls: [call] }), chunk({}, 'tool_calls'), { data: '[DONE]' }]),
    )
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    expect((await world.stream(WITH_TOOLS)).toolCalls).toEqual([{ id: 'c', name: 'now', arguments: '' }])
    a.behave = play([
      chunk(
        { role: 'assistant', content: null, tool_calls: [{ ...call, index: 0, function: { name: 'now', arguments: '{}' } }] },
        'tool_calls',
      ),
      { data: '[DONE]' },
    ])
    expect((await world.stream(WITH_TOOLS)).toolCalls).toEqual([{ id: 'c', name: 'now', arguments: '{}' }])
  })
})
