import { describe, expect, test } from 'bun:test'
import { eventually } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { type Behaviour, framesOf, healthy, piecesOf, play, reply, stepsOf, WireServer, writer } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT =
  'The holdfast is not a root: it takes nothing from the rock but its grip. Storm after storm it stays, and when at last the stone gives way, plant and stone drift off together.'

/** Sends the text up to `end`, from where the last answer stopped, and breaks. */
function breaksAfter(end: number, model: string): Behaviour {
  return (exchange) => {
    const partial =
      exchange.asked.messages.map((message) => Object(message)).findLast((message) => message.role === 'assistant')?.content ?? ''
    const pieces = piecesOf(TEXT.slice(TEXT.startsWith(partial) ? partial.length : 0, end))
    const frames = framesOf({ pieces, model }, exchange.asked).slice(0, pieces.length + 1)
    return play([...stepsOf(frames), { wait: 10 }, 'rst'])(exchange)
  }
}

describe('S2 rescue upon rescue', () => {
  test('it breaks at two upstreams, the third finishes; the model that served is named, one id, usage once', async () => {
    await using a = await WireServer.listen(breaksAfter(40, 'model-a'))
    await using b = await WireServer.listen(breaksAfter(100, 'model-b'))
    await using c = await WireServer.listen(writer(TEXT))
    const upstreams = [{}, { continuation: 'prefill' }, { continuation: 'prefill' }]
    await using world = await startWorld({ env: ENV, config: routeOver([a, b, c], { upstreams }) })
    const result = await world.stream({ stream_options: { include_usage: true } })
    expect(result.text).toBe(TEXT)
    expect(result.note?.upstream).toBe('c/m')
    expect(result.note?.attempts).toBe(3)
    expect(result.chunks.filter((chunk) => chunk.usage)).toHaveLength(1)
    expect(result.chunks[0]?.model).toBe('model-a')
    expect(result.model).toBe('m')
    expect(JSON.stringify(c.requests[0]?.json)).toContain(TEXT.slice(0, 90))
  })

  test('each rescue is recorded in what the last frame says', async () => {
    await using a = await WireServer.listen(breaksAfter(40, 'm'))
    await using b = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream()
    expect(result.note?.reason).toContain('a/m')
    expect(result.note?.reason).toContain('b/m')
  })

  test('the caller’s tokens are used up: it ends by length, nobody else is asked', async () => {
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream({ max_tokens: 3 })
    expect(result.finish).toBe('length')
    expect(result.done).toBe(true)
    expect(TEXT.startsWith(result.text)).toBe(true)
    expect(b.requests).toHaveLength(0)
  })

  test('tools that were offered but not called do not hinder it; a call may follow the text', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: {} } }]
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { upstreams: [{}, { continuation: 'prefill' }] }) })
    expect((await world.stream({ tools })).text).toBe(TEXT)
    expect(b.requests[0]?.json).toMatchObject({ tools })
  })

  test('a rescuer that refuses by its own fault is passed over', async () => {
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen(reply({ status: 503, body: '{"error":{"message":"overloaded"}}' }))
    await using c = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b, c]) })
    expect((await world.stream()).text).toBe(TEXT)
  })

  test('a rescuer that is silent is left at its deadline', async () => {
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen((exchange) => exchange.silence())
    await using c = await WireServer.listen(writer(TEXT))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b, c]) })
    expect((await world.stream()).text).toBe(TEXT)
    expect(b.requests).toHaveLength(1)
  })

  test('a client that leaves during a rescue cancels the rescuer', async () => {
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen((exchange) => exchange.silence())
    const deadlines = { headers: '20s', firstToken: '20s', stall: '20s' }
    await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { deadlines } }) })
    const call = world.open()
    await eventually('the rescuer is asked', () => b.requests.length === 1)
    call.leave()
    await eventually('it is cancelled', () => b.openSockets === 0, 1_000)
  })

  test('the only upstream continues its own answer', async () => {
    let turn = 0
    const first = breaksAfter(60, 'm')
    const again = writer(TEXT)
    await using a = await WireServer.listen((exchange) => (turn++ === 0 ? first : again)(exchange))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const result = await world.stream()
    expect(result.text).toBe(TEXT)
    expect(a.requests).toHaveLength(2)
  })

  test('the rest is empty: the finish alone completes it', async () => {
    await using a = await WireServer.listen(breaksAfter(TEXT.length, 'm'))
    await using b = await WireServer.listen(writer(TEXT))
    for (const continuation of ['prefill', 'restart']) {
      await using world = await startWorld({ env: ENV, config: routeOver([a, b], { upstreams: [{}, { continuation }] }) })
      const result = await world.stream()
      expect(result.text).toBe(TEXT)
      expect(result.finish).toBe('stop')
    }
  })

  test('a continuation that answers with a tool call instead: whole, or one error', async () => {
    await using a = await WireServer.listen(breaksAfter(60, 'm'))
    await using b = await WireServer.listen(healthy({ toolCalls: [{ id: 'tool_one', name: 'look', arguments: '{}' }] }))
    await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
    const result = await world.stream({ tools: [{ type: 'function', function: { name: 'look' } }] })
    if (result.error === undefined) expect(result.toolCalls).toEqual([{ id: 'tool_one', name: 'look', arguments: '{}' }])
    expect(TEXT.startsWith(result.text)).toBe(true)
  })
})
