import { describe, expect, test } from 'bun:test'
import { type Clock, sleep, systemClock } from '#base'
import { UpstreamError } from '#contract'
import { createSocketClient } from '../http/socket-client.ts'
import type { Frame, UpstreamRequest } from '../provider.ts'
import { RAW_STREAM_END, RAW_STREAM_HEAD, RawUpstream, rawChunk, rawHead, rawResponse } from '../raw-upstream.ts'
import { createOpenAiProvider } from './openai-provider.ts'

const STREAM: UpstreamRequest = { body: '{"model":"m","messages":[],"stream":true}', stream: true, connectMs: 2_000, headersMs: 2_000 }
const WHOLE: UpstreamRequest = { ...STREAM, body: '{"model":"m","messages":[]}', stream: false }
const NEVER = new AbortController().signal
const KEY = 'sk-test-abcdefghijklmnop0123456789'

const words = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`
const GOOD = `${words('Hel')}${words('lo')}${words('', 'stop')}data: [DONE]\n\n`

interface Seen {
  readonly frames: readonly Frame[]
  readonly error: UpstreamError | undefined
}

/** Everything that came of one answer: its frames, then how it failed, if it did. */
async function ask(bytes: Uint8Array, request: UpstreamRequest = STREAM, close = false): Promise<Seen> {
  await using upstream = await RawUpstream.start((socket) => {
    socket.write(bytes)
    if (close) socket.end()
  })
  const provider = createProvider(upstream.baseUrl)
  const frames: Frame[] = []
  try {
    const response = await provider.open(request, NEVER)
    for await (const batch of response.frames) frames.push(...batch)
    return { frames, error: undefined }
  } catch (error) {
    if (error instanceof UpstreamError) return { frames, error }
    throw error
  } finally {
    provider.close()
  }
}

const createProvider = (baseUrl: string, clock = systemClock): ReturnType<typeof createOpenAiProvider> =>
  createOpenAiProvider(
    { id: 'p', kind: 'openai', baseUrl, apiKey: KEY },
    { client: createSocketClient({ clock: systemClock }), clock, userAgent: 'holdfast/test' },
  )
const streamed = (...chunks: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat([RAW_STREAM_HEAD, ...chunks.map(rawChunk), RAW_STREAM_END])
const types = (frames: readonly Frame[]): string => frames.map((frame) => frame.type).join(' ')
const bytesOf = (frames: readonly Frame[]): string => Buffer.concat(frames.map((frame) => frame.bytes)).toString('utf8')
const textOf = (frames: readonly Frame[]): string =>
  frames.map((frame) => (frame.type === 'chunk' ? (frame.chunk.choices?.[0]?.delta?.content ?? '') : '')).join('')

describe('a stream', () => {
  test('comes as frames with their own bytes', async () => {
    const { frames, error } = await ask(streamed(GOOD))
    expect(error).toBeUndefined()
    expect(types(frames)).toBe('chunk chunk chunk done')
    expect(bytesOf(frames)).toBe(GOOD)
    expect(textOf(frames)).toBe('Hello')
  })

  test('may be written with CRLF, comments, event names, ids, several data lines and no space', async () => {
    const text = [
      ': OPENROUTER PROCESSING\r\n\r\n',
      'event: message\r\nid: 7\r\ndata:{"choices":[{"index":0,\r\ndata: "delta":{"content":"a"}}]}\r\n\r\n',
      'data: {"type":"ping"}\r\n\r\n',
      'event: ping\r\ndata: {}\r\n\r\n',
      'retry: 3000\r\n\r\n',
      'data: {"choices":[],"usage":{"prompt_tokens":1}}\r\n\r\n',
      'data:[DONE] \r\n\r\n',
    ]
    const { frames, error } = await ask(streamed(...text))
    expect(error).toBeUndefined()
    expect(types(frames)).toBe('comment chunk comment comment comment chunk done')
    expect(textOf(frames)).toBe('a')
    expect(frames[1]?.bytes.toString()).toBe(text[1] ?? '')
    expect(frames.filter((frame) => frame.type === 'comment').every((frame) => frame.bytes[0] === 58)).toBe(true)
    expect(Buffer.from(frames[6]?.bytes ?? '').toString()).toBe('data: [DONE]\n\n')
  })

  test('loses its byte order mark, however it is split', async () => {
    for (const split of [0, 1, 2, 3, 5]) {
      const bytes = Buffer.from(`\uFEFF${GOOD}`)
      const { frames } = await ask(streamed(...[bytes.subarray(0, split), bytes.subarray(split)].filter((part) => part.length > 0)))
      expect(bytesOf(frames)).toBe(GOOD)
    }
  })

  test('ends when its body does, with or without [DONE]', async () => {
    expect(types((await ask(streamed(words('a', 'stop')))).frames)).toBe('chunk')
    expect(types((await ask(streamed(words('a', 'stop'), 'data: [DONE]'))).frames)).toBe('chunk done')
    const withoutBlankLine = await ask(streamed(words('a'), words('b', 'stop').trimEnd()))
    expect(textOf(withoutBlankLine.frames)).toBe('ab')
    expect(bytesOf(withoutBlankLine.frames)).toBe(words('a') + words('b', 'stop'))
  })

  test('may be a whole answer after all', async () => {
    const message = {
      role: 'assistant',
      content: 'Hi',
      tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }],
    }
    const answer = {
      id: 'c',
      object: 'chat.completion',
      model: 'm',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 1 },
    }
    const { frames, error } = await ask(rawResponse(200, { 'content-type': 'application/json' }, JSON.stringify(answer)))
    expect(error).toBeUndefined()
    expect(types(frames)).toBe('chunk chunk done')
    expect(textOf(frames)).toBe('Hi')
    const [first] = frames
    expect(first?.type === 'chunk' && first.chunk.choices?.[0]?.delta?.tool_calls?.[0]?.index).toBe(0)
    expect(first?.type === 'chunk' && first.chunk.choices?.[0]?.finish_reason).toBe('tool_calls')
    expect(
      JSON.parse(
        Buffer.from(first?.bytes ?? '')
          .toString()
          .slice(6),
      ).object,
    ).toBe('chat.completion.chunk')
  })

  test("content in parts, as Mistral's reasoning models write it, is text and reasoning in the parsed view", async () => {
    const delta = {
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
        { type: 'text', text: 'yes' },
      ],
    }
    const { frames } = await ask(streamed(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`))
    const [frame] = frames
    expect(frame?.type === 'chunk' && frame.chunk.choices?.[0]?.delta).toEqual({ content: 'yes', reasoning_content: 'hm' })
    expect(bytesOf(frames)).toContain('"content":"yes","reasoning_content":"hm"')
  })
})

describe('S3: what cannot be read fails the attempt after the frames before it', () => {
  const damaged: Readonly<Record<string, string | Uint8Array>> = {
    'not JSON': 'data: {"choices":[{"del\n\n',
    'not an object': 'data: 42\n\n',
    null: 'data: null\n\n',
    'invalid UTF-8': Buffer.concat([
      Buffer.from('data: {"choices":[{"delta":{"content":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}}]}\n\n'),
    ]),
    'choices that are no list': 'data: {"choices":{"delta":{}}}\n\n',
    'a choice that is no object': 'data: {"choices":[7]}\n\n',
    'content that is no text': 'data: {"choices":[{"delta":{"content":7}}]}\n\n',
    'content parts that are unknown': 'data: {"choices":[{"delta":{"content":[{"type":"hologram"}]}}]}\n\n',
    'tool calls that are no list': 'data: {"choices":[{"delta":{"tool_calls":{}}}]}\n\n',
    'tool arguments that are no text': 'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":{}}}]}}]}\n\n',
    'a finish that is no text': 'data: {"choices":[{"delta":{},"finish_reason":{"type":"stop"}}]}\n\n',
    'text outside of a delta': 'data: {"choices":[{"text":"a","index":0}]}\n\n',
    'an event of another API': 'data: {"type":"response.created","response":{}}\n\n',
    'a line that is no field': 'dta: {"choices":[{"delta":{"content":"lost"}}]}\n\n',
    garbage: Buffer.from([0x00, 0xff, 0x13, 0x88, 0x0a, 0x0a]),
  }
  for (const [name, bytes] of Object.entries(damaged)) {
    test(name, async () => {
      const inOneRead = await ask(streamed(Buffer.concat([Buffer.from(words('a')), Buffer.from(bytes)]), words('b', 'stop')))
      expect(inOneRead.error?.failure.kind).toBe('malformed')
      expect(textOf(inOneRead.frames)).toBe('a')
    })
  }

  test('JSON that is nested too deeply to be written again', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    for (const field of ['"error"', '"choices":[],"x"', '"type":"error","x"']) {
      expect((await ask(streamed(`data: {${field}:${deep}}\n\n`))).error?.failure.kind).toBe('malformed')
      expect((await ask(rawResponse(200, {}, `{${field}:${deep}}`))).error?.failure.kind).toBe('malformed')
    }
    const long = words('"[{\\\\'.repeat(20_000), 'stop')
    expect(bytesOf((await ask(streamed(long))).frames)).toBe(long)
    const refused = await ask(rawResponse(400, {}, `{"error":${deep}}`))
    expect(refused.error?.failure.kind).toBe('invalid_request')
  })

  test('a replacement character that was sent as one is text', async () => {
    const { frames, error } = await ask(streamed(words('a\uFFFDb', 'stop')))
    expect(error).toBeUndefined()
    expect(textOf(frames)).toBe('a\uFFFDb')
  })

  test('a web page with status 200', async () => {
    for (const request of [STREAM, WHOLE]) {
      const { error } = await ask(rawResponse(200, { 'content-type': 'text/html' }, '<!doctype html><title>Welcome</title>'), request)
      expect(error?.failure).toEqual({ kind: 'malformed', message: 'The provider answered with a web page.' })
    }
  })

  test('words that are no stream', async () => {
    const { error } = await ask(rawResponse(200, { 'content-type': 'text/event-stream' }, 'Something else entirely'))
    expect(error?.failure.kind).toBe('malformed')
    const overloaded = await ask(rawResponse(200, { 'content-type': 'text/plain' }, 'The server is overloaded'))
    expect(overloaded.error?.failure.kind).toBe('overloaded')
  })

  test('an event that never ends is cut at its limit', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'x')
    const { error, frames } = await ask(streamed(words('a'), 'data: ', ...Array.from({ length: 9 }, () => megabyte)))
    expect(error?.failure.kind).toBe('too_large')
    expect(textOf(frames)).toBe('a')
  })
})

describe('a stream that breaks', () => {
  test('in the middle of an event is truncated', async () => {
    const { frames, error } = await ask(streamed(words('a'), words('b').slice(0, -8)))
    expect(error?.failure.kind).toBe('truncated')
    expect(textOf(frames)).toBe('a')
  })

  test('without the last chunk is truncated', async () => {
    const { frames, error } = await ask(Buffer.concat([RAW_STREAM_HEAD, rawChunk(words('a'))]), STREAM, true)
    expect(error?.failure.kind).toBe('truncated')
    expect(textOf(frames)).toBe('a')
  })

  const errors: Readonly<Record<string, readonly [text: string, kind: string]>> = {
    'in the first event': ['data: {"error":{"message":"Overloaded","type":"overloaded_error"}}\n\n', 'overloaded'],
    'with a numeric code beside choices': [
      'data: {"id":"g","error":{"code":429,"message":"Slow"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n',
      'rate_limited',
    ],
    'as an event of that name': [
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
      'overloaded',
    ],
    'as an event of that name in words': ['event: error\ndata: upstream is overloaded\n\n', 'overloaded'],
    'as an object of that name': ['data: {"object":"error","message":"boom","type":"InternalServerError","code":500}\n\n', 'server_error'],
    'of quota': [
      'data: {"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota","param":null}}\n\n',
      'quota',
    ],
    'as a string': ['data: {"error":"model requires more memory"}\n\n', 'server_error'],
    'as a finish reason': ['data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n', 'server_error'],
    'as want of resources': ['data: {"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}\n\n', 'overloaded'],
  }
  for (const [name, [text, kind]] of Object.entries(errors)) {
    test(`by an error ${name}`, async () => {
      const first = await ask(streamed(text, GOOD))
      expect([types(first.frames), first.error?.failure.kind]).toEqual(['', kind])
      const later = await ask(streamed(words('a') + text))
      expect([textOf(later.frames), later.error?.failure.kind]).toEqual(['a', kind])
    })
  }

  test('by an error body with status 200', async () => {
    const body = '{"error":{"message":"Rate limit reached. Please try again in 2s","code":"rate_limit_exceeded"}}'
    for (const request of [STREAM, WHOLE]) {
      const { error } = await ask(rawResponse(200, { 'content-type': 'application/json' }, body), request)
      expect(error?.failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: 2_000 })
    }
  })
})

describe('an answer that is not streamed', () => {
  const ANSWER = JSON.stringify({ id: 'c', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] })

  test('is one frame', async () => {
    const { frames } = await ask(rawResponse(200, { 'content-type': 'application/json' }, `\uFEFF${ANSWER}`), WHOLE)
    expect(types(frames)).toBe('answer')
    expect(bytesOf(frames)).toBe(ANSWER)
  })

  const broken: Readonly<Record<string, readonly [body: string, kind: string]>> = {
    cut: [ANSWER.slice(0, -5), 'truncated'],
    empty: ['', 'truncated'],
    'a stream': [GOOD, 'malformed'],
    'not JSON': ['hello', 'malformed'],
    'no object': ['[1]', 'malformed'],
    'without choices': ['{"id":"c"}', 'malformed'],
    'with no choice': ['{"choices":[]}', 'malformed'],
    'without a message': ['{"choices":[{"text":"old","finish_reason":"stop"}]}', 'malformed'],
    'without a finish': ['{"choices":[{"message":{"content":"Hi"},"finish_reason":null}]}', 'malformed'],
    'broken off': ['{"choices":[{"message":{"content":"H"},"finish_reason":"error"}]}', 'server_error'],
    'an error in another shape': ['{"code":401,"msg":"Unauthorized"}', 'auth'],
  }
  for (const [name, [body, kind]] of Object.entries(broken)) {
    test(`S3: ${name}`, async () => {
      const { frames, error } = await ask(rawResponse(200, { 'content-type': 'application/json' }, body), WHOLE)
      expect([types(frames.filter((frame) => frame.type !== 'comment')), error?.failure.kind]).toEqual(['', kind])
    })
  }

  test('cut by the connection is truncated', async () => {
    const head = rawHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
    const { error } = await ask(Buffer.concat([head, Buffer.from(ANSWER)]), WHOLE, true)
    expect(error?.failure.kind).toBe('truncated')
  })
})

describe('a request', () => {
  test('X3: carries the credential to the base URL, says what it takes and who asks', async () => {
    await using upstream = await RawUpstream.start((socket) => void socket.write(streamed(GOOD)))
    const provider = createProvider(upstream.baseUrl)
    for await (const _ of (await provider.open(STREAM, NEVER)).frames) continue
    const head = upstream.requests[0]?.head.toLowerCase() ?? ''
    expect(head).toStartWith('post /v1/chat/completions http/1.1')
    expect(head).toContain(`authorization: bearer ${KEY}`)
    expect(head).toContain('accept: text/event-stream')
    expect(head).toContain('content-type: application/json')
    expect(head).toContain('user-agent: holdfast/test')
    expect(upstream.requests[0]?.body).toBe(STREAM.body)
    provider.close()
  })

  test('X3: follows no redirect and names only the host of the target', async () => {
    const location = 'https://elsewhere.example/v1/chat?token=secret'
    const { error } = await ask(rawResponse(307, { location }, ''), STREAM)
    expect(error?.failure).toMatchObject({ kind: 'redirect', status: 307 })
    expect(error?.message).toContain('elsewhere.example')
    expect(error?.message).not.toContain('secret')
  })

  test('of an error whose body never comes is classified by its status', async () => {
    await using upstream = await RawUpstream.start((socket) => void socket.write(rawHead(503, { 'content-length': '100' })))
    const hasty: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 50, fn) }
    const provider = createProvider(upstream.baseUrl, hasty)
    const error = await provider.open(STREAM, NEVER).catch((thrown: unknown) => thrown)
    expect(error instanceof UpstreamError && error.failure.kind).toBe('overloaded')
  })

  for (const way of ['stops at [DONE]', 'reads to the end']) {
    test(`leaves its connection to the next one when its reader ${way}`, async () => {
      await using upstream = await RawUpstream.start((socket) => {
        socket.write(Buffer.concat([RAW_STREAM_HEAD, rawChunk(GOOD)]))
        setImmediate(() => socket.write(RAW_STREAM_END))
      })
      const provider = createProvider(upstream.baseUrl)
      for (let i = 0; i < 3; i++) {
        const { frames } = await provider.open(STREAM, NEVER)
        for await (const batch of frames) if (way === 'stops at [DONE]' && batch.some((frame) => frame.type === 'done')) break
        await sleep(systemClock, 20)
      }
      expect(upstream.requests.length).toBe(3)
      expect(upstream.connections).toBe(1)
      provider.close()
    })
  }

  test('S4: its connection is closed when its reader stops before the end, and when nothing comes after [DONE]', async () => {
    await using upstream = await RawUpstream.start((socket, _, count) => {
      socket.write(Buffer.concat([RAW_STREAM_HEAD, rawChunk(count === 1 ? words('a') : GOOD)]))
    })
    const hasty: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 50, fn) }
    const provider = createProvider(upstream.baseUrl, hasty)
    for (let i = 0; i < 2; i++) {
      for await (const batch of (await provider.open(STREAM, NEVER)).frames) if (i === 0 && batch.length > 0) break
      await upstream.left()
    }
    expect(upstream.requests.length).toBe(2)
  })

  test('S4: its connection is closed when its reader stops while a whole answer is read, which is then no failure', async () => {
    await using upstream = await RawUpstream.start((socket) => {
      socket.write(Buffer.concat([RAW_STREAM_HEAD, rawChunk('{"choices":[{"index":0,'), rawChunk('"message":')]))
    })
    const provider = createProvider(upstream.baseUrl)
    for (const request of [STREAM, WHOLE]) {
      const { frames } = await provider.open(request, NEVER)
      const first = frames.next()
      // Nothing shows from outside that the start of a whole answer was taken from the body.
      await Promise.race([first, sleep(systemClock, 50)])
      const pending = request.stream ? first : frames.next()
      await frames.return?.()
      await upstream.left()
      expect(await pending).toEqual({ done: true, value: undefined })
      expect((await frames.next()).done).toBe(true)
    }
  })
})
