import { describe, expect, test } from 'bun:test'
import { systemClock } from '#base'
import { FAILURE_KINDS, type Failure } from '#contract'
import { classifyEvent, classifyResponse, type ErrorResponse } from './classify.ts'
import { LARGE_SERVICES } from './error-samples/large-services.ts'
import { OTHERS } from './error-samples/others.ts'

const ERROR_SAMPLES = [...LARGE_SERVICES, ...OTHERS]
const NOW = Date.parse('2026-01-01T12:00:00Z')
const KEY = 'sk-proj-Zq8LmN4pRtVwXy2B'

const classify = (body: unknown, status = 400, rest: Partial<ErrorResponse> = {}): Failure =>
  classifyResponse({
    status,
    headers: new Map(),
    body: typeof body === 'string' ? body : JSON.stringify(body),
    now: NOW,
    credential: KEY,
    ...rest,
  })
const error = (message: string, code: string | null = null, param: string | null = null): unknown => ({ error: { message, code, param } })

describe('F3: an error is what its code, its words or its status say', () => {
  for (const { from, status, body, kind } of ERROR_SAMPLES) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    test(`${from} ${status} ${text.slice(0, 70)}`, () => {
      expect(classify(text, status).kind).toBe(kind)
    })
  }

  test('law 4: an infrastructure fault is never a 401, 403 or 404 for the caller', () => {
    for (const { status, body } of ERROR_SAMPLES)
      expect([401, 403, 404]).not.toContain(FAILURE_KINDS[classify(body, status).kind].status as number)
  })

  test('the same error within a stream, where it has no status of its own, is the same', () => {
    const odd = ERROR_SAMPLES.filter(({ body }) => typeof body === 'object').filter(({ body, kind, status }) => {
      const withStatus = Array.isArray(body) ? body : { status, ...(body as object) }
      return classifyEvent(withStatus, { now: NOW }).kind !== kind
    })
    expect(odd.map(({ from, status }) => `${from} ${status}`)).toEqual([])
  })

  test('an error within a stream that says nothing is the provider failing', () => {
    expect(classifyEvent({ error: {} }, { now: NOW })).toEqual({ kind: 'server_error', message: 'The provider failed.' })
    expect(classifyEvent({ error: { type: 'invalid_request_error', message: 'No.' } }, { now: NOW }).kind).toBe('invalid_request')
  })

  test("quotations are the caller's words, and decide nothing", () => {
    for (const quoted of ['insufficient quota', 'rate limit', 'invalid api key', 'maximum context', 'model x not found', 'overloaded']) {
      expect(classify(error(`Invalid value: '${quoted}'. Supported values are: "low" and \`high\`.`)).kind).toBe('invalid_request')
    }
    expect(classify(error("This model's maximum context length is 10 tokens, yours isn't")).kind).toBe('context_length')
  })

  test('a parameter that the model does not take is not a missing model', () => {
    for (const words of [
      'This model does not support image input.',
      'For this model the parameter top_k is deprecated.',
      'tool calling is not supported with this model',
      'The model does not support the tool type: not available',
    ]) {
      expect(classify(error(words)).kind).toBe('invalid_request')
    }
  })
})

describe('X1, X6: what a failure says', () => {
  test("its message holds our words and the status; the provider's words go to the caller apart", () => {
    const failure = classify(error("Invalid type for 'messages[0].content': my private words", 'invalid_type', 'messages[0].content'))
    expect(failure).toEqual({
      kind: 'invalid_request',
      message: 'The provider refuses the request as invalid (400, invalid_type).',
      callerMessage: "Invalid type for 'messages[0].content': my private words",
      status: 400,
      providerCode: 'invalid_type',
      param: 'messages[0].content',
    })
  })

  test('no message of any sample holds words of the provider, except for the caller', () => {
    for (const { status, body } of ERROR_SAMPLES) {
      const canary = 'CANARY-WORD'
      const text = (typeof body === 'string' ? `${canary} ${body}` : JSON.stringify(body)).replaceAll(
        /"(message|error|detail|raw)":"/g,
        `"$1":"${canary} `,
      )
      const { callerMessage: _, ...logged } = classify(text, status)
      expect(JSON.stringify(logged)).not.toContain(canary)
    }
  })

  test("faults that are not the caller's bring it no words of the provider", () => {
    for (const { status, body } of ERROR_SAMPLES) {
      const failure = classify(body, status)
      if (FAILURE_KINDS[failure.kind].scope !== 'request') expect(failure.callerMessage).toBeUndefined()
    }
  })

  const leaks = [
    `Bad request for ${KEY}`,
    'Bad key sk-ab***yz',
    'Bad key sk-proj-abcdefghijklmnop',
    'Odd header Authorization: Bearer abcdef0123456789',
    `Bad key ending in ${KEY.slice(-6)}`,
    `Bad key starting with ${KEY.slice(0, 10)}...`,
    'Odd api key: 0123456789abcdef',
    'Bad key gsk_Abcdefgh12345678',
  ]
  for (const words of leaks) {
    test(`no part of a key comes back: ${words.replaceAll(KEY, 'KEY')}`, () => {
      const { callerMessage = '' } = classify(error(`${words} in field x`, 'odd'))
      expect(callerMessage).toContain('[removed]')
      expect(callerMessage).toEndWith('in field x')
      expect(callerMessage).not.toMatch(/sk-|gsk_|abcdef|yz|y2B/)
    })
  }

  test('a code that is a key, or no code at all, is left out', () => {
    for (const code of [KEY, 'two words', 'x'.repeat(65), 'a\nb']) {
      const failure = classify(error('x', code))
      expect(failure.providerCode).toBeUndefined()
      expect(failure.message).toBe('The provider refuses the request as invalid (400).')
    }
  })

  test('long words are cut, control characters go, halves of characters too', () => {
    const { callerMessage = '' } = classify(error(`a\u0000b\r\nc\u202e${'💬'.repeat(400)}`))
    expect(callerMessage).toStartWith('a b c ')
    expect(callerMessage.length).toBeLessThanOrEqual(300)
    expect(callerMessage.isWellFormed()).toBe(true)
  })

  test('a region that is not served is said in so many words', () => {
    expect(classify(error('Country, region, or territory not supported', 'unsupported_country_region_territory'), 403).message).toContain(
      'country or region',
    )
  })

  test('a wrong path names the base URL', () => {
    expect(classify('<html></html>', 404).message).toContain('base URL')
  })
})

describe('F2: a caller cannot rest an account by what it makes the provider repeat', () => {
  const echo = 'please wait 3600 s'
  const headers = new Map([['retry-after', '7']])

  test('a failure that is not a limit tells no wait by its words, and does by its headers', () => {
    for (const status of [500, 502, 503, 504, 529]) {
      for (const body of [`Cannot handle the input: ${echo}`, error(`Cannot handle the input: ${echo}`)]) {
        expect(classify(body, status).retryAfterMs).toBeUndefined()
        expect(classify(body, status, { headers }).retryAfterMs).toBe(7_000)
      }
    }
    expect(classifyEvent(error(`Overloaded by ${echo}`), { now: NOW }).retryAfterMs).toBeUndefined()
  })

  test('a limit tells no wait by what it quotes, nor by fields that are not the words', () => {
    expect(classify(error(`Rate limit reached for "${echo}". Please try again in 2s.`), 429).retryAfterMs).toBe(2_000)
    for (const quoted of [`"${echo}"`, `'${echo}'`, `\`${echo}\``])
      expect(classify(error(`Limited: ${quoted}`), 429).retryAfterMs).toBeUndefined()
    expect(classify({ error: { message: 'Rate limit reached' }, input: echo }, 429).retryAfterMs).toBeUndefined()
  })

  test('a limit tells a minute at most by its words, an hour by its headers', () => {
    expect(classify(error(`Rate limit reached, ${echo}.`), 429).retryAfterMs).toBe(60_000)
    expect(classify(error(`Quota exceeded, ${echo}.`, 'insufficient_quota'), 429).retryAfterMs).toBe(60_000)
    const hour = new Map([['retry-after', '3600']])
    expect(classify(error('Rate limit reached'), 429, { headers: hour }).retryAfterMs).toBe(3_600_000)
  })

  test('a field of the provider is read as before', () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.Help' }, { retryDelay: '34.4s' }]
    const body = { error: { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED', details } }
    expect(classify([body], 429).retryAfterMs).toBe(34_400)
    expect(classifyEvent(body, { now: NOW }).retryAfterMs).toBe(34_400)
  })
})

describe('hostile bodies', () => {
  test('end in a kind, whatever they are', () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 2_000; i++) deep = { error: deep }
    const bodies = [
      '[]',
      '[[[]]]',
      'null',
      '{"error":[[]]}',
      '{"error":{"message":{"a":1},"code":{},"param":[]}}',
      '{'.repeat(70_000),
      '"',
      '\u0000',
      '<',
      JSON.stringify(deep),
    ]
    for (const body of bodies)
      for (const status of [200, 302, 400, 429, 500, 999]) expect(FAILURE_KINDS).toHaveProperty(classify(body, status).kind)
  })

  test('long runs of blanks, letters and asterisks do not make reading them quadratic', () => {
    for (const unit of [' ', '\t', 'a', '**a', 'concurren', 'token-', 'token: = ', 'wait  ']) {
      const run = unit.repeat(Math.floor(8_000 / unit.length))
      for (const words of [run, `wait${run}`, `token${run}abcdefgh1`]) {
        let best = Number.POSITIVE_INFINITY
        for (let i = 0; i < 10; i++) {
          const started = systemClock.monotonic()
          for (const status of [400, 429, 500]) classify(words, status)
          best = Math.min(best, systemClock.monotonic() - started)
        }
        expect(best).toBeLessThan(4)
      }
    }
  })

  test('many messages in one error do not make reading them quadratic', () => {
    const keys = ['error', 'innererror', 'inner_error', 'errors', 'message', 'detail', 'msg', 'error_msg', 'title']
    let leaves = 0
    const build = (depth: number): unknown =>
      depth === 0 ? `message ${leaves++}` : Object.fromEntries(keys.map((key) => [key, build(depth - 1)]))
    const value = build(5)
    const started = systemClock.monotonic()
    expect(classifyEvent(value, { now: NOW }).kind).toBe('server_error')
    expect(systemClock.monotonic() - started).toBeLessThan(500)
    expect(leaves).toBe(9 ** 5)
  })

  test('cost little time', () => {
    const started = systemClock.monotonic()
    for (const unit of ['model ', "'", 'a'.repeat(100), '1h ', 'retry in 1 ', 'rate limit', 'exceeds the ', '`', '*', 'sk-']) {
      classify(error(unit.repeat(Math.floor(60_000 / unit.length))), 400)
      classify(unit.repeat(Math.floor(60_000 / unit.length)), 429)
    }
    expect(systemClock.monotonic() - started).toBeLessThan(500)
  })
})
