import { describe, expect, test } from 'bun:test'
import { type ChatChunk, type ChunkChoice, UpstreamError } from '#contract'
import type { Frame } from '#providers'
import { type Delivered, nothingDelivered } from './rescue/delivered.ts'
import { Relay, type RelayOptions } from './relay.ts'

const DONE: Frame = { type: 'done', bytes: Buffer.from('data: [DONE]\n\n') }
const COMMENT: Frame = { type: 'comment', bytes: Buffer.from(': ping\n\n') }
const ACCOUNT = { upstream: 'a/m', attempts: 1, reason: '' }
const ACCOUNT_TEXT = `"x_holdfast":${JSON.stringify(ACCOUNT)}`

function raw(json: string): Frame {
  return { type: 'chunk', bytes: Buffer.from(`data: ${json}\n\n`), chunk: JSON.parse(json) as ChatChunk }
}

function chunk(...choices: readonly ChunkChoice[]): Frame {
  return raw(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices }))
}

const role = chunk({ index: 0, delta: { role: 'assistant', content: '' } })
const text = (content: string): Frame => chunk({ index: 0, delta: { content } })
const tool = (args: string): Frame => chunk({ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: args } }] } })
const finish = (reason = 'stop'): Frame => chunk({ index: 0, delta: {}, finish_reason: reason })
const usage = raw('{"id":"chatcmpl-1","created":1,"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')

function make(change: Partial<RelayOptions> = {}): { relay: Relay; delivered: Delivered } {
  const delivered = change.delivered ?? nothingDelivered()
  return { relay: new Relay({ delivered, choices: 1, usageWanted: false, joint: undefined, account: () => ACCOUNT, ...change }), delivered }
}

function show(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8')
}

function wire(...frames: readonly Frame[]): string {
  return frames.map((frame) => show(frame.bytes)).join('')
}

/** The frame's bytes with the account in them. */
function last(frame: Frame): string {
  const own = show(frame.bytes)
  const end = own.lastIndexOf('}')
  return `${own.slice(0, end)},${ACCOUNT_TEXT}${own.slice(end)}`
}

function kindOf(act: () => unknown): string {
  try {
    act()
    return 'nothing was thrown'
  } catch (thrown) {
    return thrown instanceof UpstreamError ? thrown.failure.kind : String(thrown)
  }
}

describe('what goes out, and when', () => {
  test('S5 nothing before the first content; then the frames before it and it, as they came', () => {
    const { relay, delivered } = make()
    expect(relay.take([role])).toBeUndefined()
    expect(relay.take([COMMENT])).toBeUndefined()
    expect([delivered.committed, relay.tokens]).toEqual([false, 0])
    expect(show(relay.take([text('Hel')]))).toBe(wire(role, text('Hel')))
    expect([delivered.committed, relay.tokens]).toEqual([true, 1])
    expect(show(relay.take([text('lo'), COMMENT]))).toBe(wire(text('lo')))
    expect(delivered).toMatchObject({ text: 'Hello', frames: 2, id: 'chatcmpl-1', created: 1, model: 'm', final: false })
  })

  test('S1 finish and DONE: the last frame carries the account, DONE follows once', () => {
    const { relay } = make()
    const out = [relay.take([text('Hi')]), relay.take([finish()]), relay.take([DONE]), relay.end()].map(show).join('')
    expect(out).toBe(`${wire(text('Hi'))}${last(finish())}${wire(DONE)}`)
    expect([relay.finished, relay.ended]).toEqual([true, true])
  })

  test('S3 a finish without DONE ends at once where no usage was asked for', () => {
    const { relay } = make()
    expect(show(relay.take([text('Hi'), finish()]))).toBe(`${wire(text('Hi'))}${last(finish())}${wire(DONE)}`)
    expect(relay.ended).toBe(true)
  })

  test('frames behind the end are nothing', () => {
    const { relay } = make()
    relay.take([text('Hi'), finish(), DONE])
    expect(relay.take([text('more'), usage, finish(), DONE])).toBeUndefined()
    expect(relay.end()).toBeUndefined()
  })

  test('content in the finishing frame counts', () => {
    const { relay, delivered } = make()
    const only = chunk({ index: 0, delta: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' })
    expect(show(relay.take([only]))).toBe(last(only) + wire(DONE))
    expect([relay.tokens, delivered.text]).toEqual([1, 'Hi'])
  })

  test('an answer without any content is whole when it finishes', () => {
    const { relay } = make()
    expect(show(relay.take([role, finish('length')]))).toBe(wire(role) + last(finish('length')) + wire(DONE))
  })

  test('an answer that is not streamed goes out as it is', () => {
    const answer = { id: 'x', choices: [{ finish_reason: 'stop', message: {} }], usage: { total_tokens: 5 } }
    const { relay, delivered } = make()
    expect(show(relay.take([{ type: 'answer', bytes: Buffer.from('{"as":"it is"}'), answer }]))).toBe('{"as":"it is"}')
    expect([relay.ended, delivered.committed, relay.usage]).toEqual([true, true, { total_tokens: 5 }])
  })

  test.each(['reasoning_content', 'reasoning'] as const)('%s counts as tokens and goes out', (name) => {
    const { relay, delivered } = make()
    const thought = chunk({ index: 0, delta: { [name]: 'Hm.' } })
    expect(show(relay.take([role, thought]))).toBe(wire(role, thought))
    expect([relay.tokens, delivered.text, delivered.final]).toEqual([1, '', false])
  })

  test('S6 a refusal goes out, and nothing is rescued behind it', () => {
    const { relay, delivered } = make()
    const refused = chunk({ index: 0, delta: { refusal: 'No.' } })
    expect(show(relay.take([refused]))).toBe(wire(refused))
    expect(delivered.final).toBe(true)
  })

  test.each(['"choices":[]', '"choices":null,"object":"chat.completion.chunk"', '"choices":[{"index":0}]'])(
    'a frame without a delta holds nothing up: %s',
    (fields) => {
      const bare = raw(`{"id":"chatcmpl-1","created":1,${fields}}`)
      const { relay, delivered } = make()
      expect(relay.take([bare])).toBeUndefined()
      expect(delivered.committed).toBe(false)
      expect(show(relay.take([text('Hi')]))).toBe(wire(bare, text('Hi')))
      expect(show(relay.take([bare]))).toBe(wire(bare))
    },
  )
})

describe('S7 one id and one `created`', () => {
  const words = '"choices":[{"index":0,"delta":{"content":"Hi"}}]'

  test('a frame that has them goes out as it came, whatever else is in it', () => {
    const odd = raw(`{ "id":"chatcmpl-1","created":1 , ${words},"seed":12345678901234567890,"t":1e400 }`)
    const { relay } = make()
    expect(show(relay.take([text('a'), odd]))).toBe(wire(text('a'), odd))
  })

  test.each([
    `{"id":"chatcmpl-7","created":1,${words}}`,
    `{"id":"chatcmpl-1","created":7,${words}}`,
    `{${words}}`,
    `{"id":"","created":0,${words}}`,
  ])('one that has others, or none, gets those of the first: %s', (json) => {
    const { relay } = make()
    relay.take([text('a')])
    const out = show(relay.take([raw(json)]))
    expect(JSON.parse(out.slice('data: '.length))).toEqual({ ...(JSON.parse(json) as object), id: 'chatcmpl-1', created: 1 })
  })

  test('frames without an id that were held back get that of the first content', () => {
    const bare = raw('{"id":"","created":0,"choices":[{"index":0,"delta":{"role":"assistant"}}]}')
    const { relay } = make()
    const out = show(relay.take([bare, text('Hi'), finish()]))
    expect([...out.matchAll(/"id":"([^"]*)","(?:object|created)/g)].map((match) => match[1])).toEqual([
      'chatcmpl-1',
      'chatcmpl-1',
      'chatcmpl-1',
    ])
  })

  test('where no frame has any, nothing is made up', () => {
    const { relay } = make()
    expect(show(relay.take([raw(`{${words}}`)]))).toBe(wire(raw(`{${words}}`)))
  })
})

describe('usage', () => {
  test('S3 is waited for where it was asked for; its frame is the last', () => {
    const { relay } = make({ usageWanted: true })
    expect(show(relay.take([text('Hi'), finish()]))).toBe(wire(text('Hi')))
    expect([relay.finished, relay.ended]).toEqual([true, false])
    expect(show(relay.take([usage]))).toBe(wire(finish()) + last(usage) + wire(DONE))
    expect([relay.ended, relay.usage?.completion_tokens]).toEqual([true, 2])
  })

  test('S3 does not come: DONE, an end or a break of the stream end the answer all the same', () => {
    for (const end of [(relay: Relay) => relay.take([DONE]), (relay: Relay) => relay.end()]) {
      const { relay } = make({ usageWanted: true })
      relay.take([text('Hi'), finish()])
      expect(show(end(relay))).toBe(last(finish()) + wire(DONE))
    }
  })

  test('in the finishing frame ends it there', () => {
    const both = raw(
      '{"id":"chatcmpl-1","created":1,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"completion_tokens":1}}',
    )
    const { relay } = make({ usageWanted: true })
    expect(show(relay.take([text('Hi'), both]))).toBe(wire(text('Hi')) + last(both) + wire(DONE))
  })

  test('that runs along with every frame ends nothing before the finish', () => {
    const along = raw('{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"completion_tokens":1}}')
    const { relay } = make({ usageWanted: true })
    expect(show(relay.take([along, along]))).toBe(wire(along, along))
    expect(relay.ended).toBe(false)
  })
})

describe('S1 what is no whole answer', () => {
  test.each<[string, (relay: Relay) => unknown]>([
    ['DONE without a finish', (relay) => relay.take([DONE])],
    ['the end of the stream without a finish', (relay) => relay.end()],
  ])('%s is a truncation, whatever came before', (_, end) => {
    for (const before of [[], [role], [text('Hi')], [tool('{"a":')], [usage]]) {
      const { relay } = make()
      relay.take(before)
      expect(kindOf(() => end(relay))).toBe('truncated')
      expect(relay.ended).toBe(false)
    }
  })

  test('what stands before the break in one batch is let through, and the fault is kept', () => {
    const { relay } = make()
    expect(show(relay.take([text('Hi'), DONE]))).toBe(wire(text('Hi')))
    expect(
      kindOf(() => {
        throw relay.fault
      }),
    ).toBe('truncated')
  })

  test('with n = 3 all of them must finish', () => {
    const { relay } = make({ choices: 3 })
    const done = (index: number): Frame => chunk({ index, delta: {}, finish_reason: 'stop' })
    expect(show(relay.take([text('a'), done(0)]))).toBe(wire(text('a'), done(0)))
    expect(relay.take([done(2)])).toEqual(done(2).bytes)
    expect(kindOf(() => relay.end())).toBe('truncated')
    expect(show(relay.take([done(1)]))).toBe(last(done(1)) + wire(DONE))
  })

  test('with n = 2 one that finishes twice is still one', () => {
    const { relay } = make({ choices: 2 })
    relay.take([text('a'), chunk({ index: 1, delta: { content: 'b' } }), finish(), finish()])
    expect([relay.finished, relay.ended]).toEqual([false, false])
    expect(kindOf(() => relay.take([DONE]))).toBe('truncated')
  })

  test('with n = 2 both may finish in one frame', () => {
    const both = chunk({ index: 0, delta: {}, finish_reason: 'stop' }, { index: 1, delta: {}, finish_reason: 'stop' })
    const { relay } = make({ choices: 2 })
    expect(show(relay.take([text('a'), both]))).toBe(wire(text('a')) + last(both) + wire(DONE))
  })
})

describe('S6 tool calls', () => {
  test('go out whole, with everything that came since they began', () => {
    const { relay, delivered } = make()
    expect(show(relay.take([text('Let me look.')]))).toBe(wire(text('Let me look.')))
    expect(relay.take([tool('{"city":'), tool('"Bonn"}'), text('.')])).toBeUndefined()
    expect([relay.tokens, delivered.final]).toEqual([4, false])
    expect(show(relay.take([finish('tool_calls')]))).toBe(
      wire(tool('{"city":'), tool('"Bonn"}'), text('.')) + last(finish('tool_calls')) + wire(DONE),
    )
    expect(delivered.final).toBe(true)
  })

  test('or not at all', () => {
    const { relay, delivered } = make()
    expect(relay.take([role, tool('{"city":')])).toBeUndefined()
    expect(kindOf(() => relay.take([DONE]))).toBe('truncated')
    expect(delivered).toEqual(nothingDelivered())
  })

  test('the older form too', () => {
    const older = chunk({ index: 0, delta: { function_call: { name: 'f', arguments: '{' } } })
    const { relay } = make()
    expect(relay.take([older])).toBeUndefined()
    expect(show(relay.take([finish('function_call')]))).toBe(wire(older) + last(finish('function_call')) + wire(DONE))
  })

  test('one of more than 16 MiB is too large', () => {
    const { relay } = make()
    const piece = tool('x'.repeat(1024 * 1024))
    expect(kindOf(() => Array.from({ length: 17 }, () => relay.take([piece])))).toBe('too_large')
  })
})

describe('the last frame', () => {
  test('its other bytes are untouched: numbers, spelling, order, white space, bytes that are no UTF-8', () => {
    const json =
      '{ "x":1e400, "seed":12345678901234567890,"a\\u0062":"\\u00fc\\/","choices":[ {"index":0,"delta":{},"finish_reason":"stop"} ] ,"y":1.10 }'
    const [before, after] = json.split('"y"')
    const bytes = Buffer.concat([
      Buffer.from(`data: ${before}`),
      Buffer.from([0x22, 0xff, 0x22, 0x3a, 0x30, 0x2c]),
      Buffer.from(`"y"${after}\r\n\r\n`),
    ])
    const frame: Frame = { type: 'chunk', bytes, chunk: JSON.parse(json) as ChatChunk }
    const { relay } = make()
    const out = Buffer.from(relay.take([frame]) ?? [])
    const at = out.indexOf(`,${ACCOUNT_TEXT}`)
    const rest = Buffer.concat([out.subarray(0, at), out.subarray(at + ACCOUNT_TEXT.length + 1)])
    expect(rest.equals(Buffer.concat([bytes, DONE.bytes]))).toBe(true)
  })

  test('the account is asked for once, at the end', () => {
    let asked = 0
    const { relay } = make({ account: () => ({ asked: ++asked }) })
    relay.take([role, text('Hi')])
    expect(asked).toBe(0)
    expect(show(relay.take([finish(), DONE]))).toContain('"x_holdfast":{"asked":1}')
  })
})
