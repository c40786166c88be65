import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { systemClock } from '#base'
import { HttpError } from './http-error.ts'
import { parseChatRequest } from './parse-chat-request.ts'

const GOOD = { model: 'assistant', messages: [{ role: 'user', content: 'Hi' }] }

function refusal(body: string): { message: string; param: string | undefined } {
  try {
    parseChatRequest(body)
  } catch (thrown) {
    if (!(thrown instanceof HttpError)) throw thrown
    expect([thrown.status, thrown.code]).toEqual([400, 'invalid_request'])
    return { message: thrown.message, param: thrown.param }
  }
  return { message: 'accepted', param: undefined }
}

function refusalOf(change: object): { message: string; param: string | undefined } {
  return refusal(JSON.stringify({ ...GOOD, ...change }))
}

describe('the body', () => {
  const HINT = 'Send one JSON object, with `content-type: application/json`.'
  const table: readonly (readonly [string, string])[] = [
    ['', `The body is empty. ${HINT}`],
    [' \n', `The body is empty. ${HINT}`],
    ['null', `The body is null, expected an object. ${HINT}`],
    ['7', `The body is 7, expected an object. ${HINT}`],
    ['"text"', `The body is a string, expected an object. ${HINT}`],
    ['[]', `The body is an empty list, expected an object. ${HINT}`],
    ['[{}]', `The body is a list, expected an object. ${HINT}`],
  ]
  test.each(table)('%j', (body, message) => expect(refusal(body)).toEqual({ message, param: undefined }))

  test.each(['{', '{"model":"a",}', '{"model":"a"} x', "{'model':'a'}", 'model=a', '\u0000', '{"a":NaN}', '\uFEFF{}'])(
    '%j is no JSON',
    (body) => {
      expect(refusal(body).message).toMatch(/^The body is not valid JSON \(.+\)\. Send one JSON object/)
    },
  )
})

describe('fields that we read', () => {
  const table: readonly (readonly [object, string, string])[] = [
    [{ model: undefined }, 'model', '`model` is missing, expected the name of a model.'],
    [{ model: null }, 'model', '`model` is null, expected the name of a model.'],
    [{ model: '' }, 'model', '`model` is empty, expected the name of a model.'],
    [{ model: 7 }, 'model', '`model` is 7, expected the name of a model.'],
    [{ model: ['a'] }, 'model', '`model` is a list, expected the name of a model.'],
    [{ messages: undefined }, 'messages', '`messages` is missing, expected a list with at least one message.'],
    [{ messages: [] }, 'messages', '`messages` is an empty list, expected a list with at least one message.'],
    [{ messages: {} }, 'messages', '`messages` is an object, expected a list with at least one message.'],
    [{ messages: 'Hi' }, 'messages', '`messages` is a string, expected a list with at least one message.'],
    [{ messages: [{}, 'Hi'] }, 'messages[1]', '`messages[1]` is a string, expected an object.'],
    [{ messages: [null] }, 'messages[0]', '`messages[0]` is null, expected an object.'],
    [{ messages: [[]] }, 'messages[0]', '`messages[0]` is an empty list, expected an object.'],
    [{ stream: 'true' }, 'stream', '`stream` is a string, expected true or false.'],
    [{ stream: 1 }, 'stream', '`stream` is 1, expected true or false.'],
    [{ n: 0 }, 'n', '`n` is 0, expected a whole number from 1 to 128.'],
    [{ n: 129 }, 'n', '`n` is 129, expected a whole number from 1 to 128.'],
    [{ n: 1.5 }, 'n', '`n` is 1.5, expected a whole number from 1 to 128.'],
    [{ n: '2' }, 'n', '`n` is a string, expected a whole number from 1 to 128.'],
    [{ max_tokens: 0 }, 'max_tokens', '`max_tokens` is 0, expected a whole number of at least 1.'],
    [{ max_tokens: -1 }, 'max_tokens', '`max_tokens` is -1, expected a whole number of at least 1.'],
    [
      { max_completion_tokens: 'all' },
      'max_completion_tokens',
      '`max_completion_tokens` is a string, expected a whole number of at least 1.',
    ],
    [{ logprobs: 3 }, 'logprobs', '`logprobs` is 3, expected true or false.'],
    [{ stop: 7 }, 'stop', '`stop` is 7, expected a string or a list of strings.'],
    [{ stop: ['a', 7] }, 'stop', '`stop` is a list, expected a string or a list of strings.'],
    [{ tools: {} }, 'tools', '`tools` is an object, expected a list.'],
    [{ response_format: 'json' }, 'response_format', '`response_format` is a string, expected an object.'],
    [{ response_format: [] }, 'response_format', '`response_format` is an empty list, expected an object.'],
    [{ reasoning_effort: 2 }, 'reasoning_effort', '`reasoning_effort` is 2, expected a string.'],
    [{ stream_options: true }, 'stream_options', '`stream_options` is true, expected an object.'],
  ]
  test.each(table)('%j', (change, param, message) => expect(refusalOf(change)).toEqual({ message, param }))

  test('max_tokens that no number can hold', () => {
    expect(refusal('{"model":"a","messages":[{}],"max_tokens":1e400}').message).toBe(
      '`max_tokens` is Infinity, expected a whole number of at least 1.',
    )
  })

  const NULLABLE = [
    'stream',
    'n',
    'max_tokens',
    'max_completion_tokens',
    'logprobs',
    'stop',
    'tools',
    'response_format',
    'reasoning_effort',
    'stream_options',
  ]
  test.each(NULLABLE)('%s may be null, as clients send it', (name) => expect(refusalOf({ [name]: null }).message).toBe('accepted'))

  test('what is well formed is read as it stands', () => {
    const request = {
      ...GOOD,
      stream: true,
      n: 128,
      max_tokens: 1,
      stop: ['a'],
      tools: [],
      response_format: { type: 'json_schema' },
      reasoning_effort: 'low',
      stream_options: { include_usage: true },
    }
    expect(parseChatRequest(JSON.stringify(request))).toEqual(request)
  })
})

describe('fields that we do not read', () => {
  test('are kept, whatever they are', () => {
    const unknown = { temperature: 'warm', future: [{ a: null }], toString: 1, constructor: 'x' }
    expect(parseChatRequest(JSON.stringify({ ...GOOD, ...unknown }))).toEqual({ ...GOOD, ...unknown })
  })

  test('`__proto__` is a field like any other', () => {
    const parsed = parseChatRequest('{"model":"a","messages":[{}],"__proto__":{"stream":true},"constructor":{"prototype":{"stream":true}}}')
    expect(parsed.stream).toBeUndefined()
    expect(({} as { stream?: boolean }).stream).toBeUndefined()
  })
})

describe('nesting', () => {
  const nested = (depth: number, open: string, close: string): string =>
    `{"model":"a","messages":[{}],"x":${open.repeat(depth)}1${close.repeat(depth)}}`

  test('256 levels below the object itself are read', () => {
    expect(refusal(nested(256, '[', ']')).message).toBe('accepted')
    expect(refusal(nested(257, '[', ']')).message).toBe('The body is nested more than 256 levels deep.')
  })

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('10,000 levels of %s, and a million, are refused quickly', (open, close) => {
    for (const depth of [10_000, 1_000_000]) {
      const began = systemClock.monotonic()
      expect(refusal(nested(depth, open, close)).message).toMatch(/^The body is (nested more than 256 levels deep|not valid JSON)/)
      expect(systemClock.monotonic() - began).toBeLessThan(2_000)
    }
  })
})

describe('whatever is sent', () => {
  test('it is read, or refused with 400; nothing else is thrown', () => {
    const field = fc.constantFrom('model', 'messages', 'stream', 'n', 'stop', 'tools', 'max_tokens', 'response_format', '__proto__', 'x')
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.dictionary(field, fc.jsonValue()).map((value) => JSON.stringify(value)),
      fc.dictionary(field, fc.jsonValue()).map((value) => JSON.stringify({ ...GOOD, ...value })),
    )
    fc.assert(
      fc.property(body, (text) => {
        expect(refusal(text).message.length).toBeLessThan(500)
      }),
      { numRuns: 2_000 },
    )
  })
})
