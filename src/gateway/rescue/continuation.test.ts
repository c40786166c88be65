import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { chooseAnchor } from './anchor.ts'
import { continuationRequest } from './continuation.ts'
import { NATURAL_TEXTS } from './natural-texts.ts'

const ENGLISH = NATURAL_TEXTS['english'] ?? ''
const user = { role: 'user', content: 'Tell me about the keeper.' }
const request = { model: 'assistant', messages: [user], temperature: 0.2, stop: ['END'], seed: 7, stream: true }

test('prefill appends the partial answer without the white space that some upstreams refuse, and keeps every other field', () => {
  const { body, anchor, spent } = continuationRequest(request, 'The keeper \n', 3, 'prefill')
  expect(body).toEqual({ ...request, messages: [user, { role: 'assistant', content: 'The keeper' }] })
  expect(anchor).toBeUndefined()
  expect(spent).toBe(false)
  expect(request.messages).toEqual([user])
})

test('instruct adds the partial answer and one user message that ends in the anchor, and no system message', () => {
  const { body, anchor } = continuationRequest(request, ENGLISH.slice(0, 300), 70, 'instruct')
  const messages = body['messages'] as { role: string; content: string }[]
  expect(messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user'])
  expect(messages[1]?.content).toBe(ENGLISH.slice(0, 300).trimEnd())
  expect(anchor).toBeDefined()
  expect(messages[2]?.content.endsWith(`\n\n${anchor}`)).toBe(true)
})

test('restart sends the same request again, its limits whole', () => {
  const limited = { ...request, max_tokens: 50 }
  expect(continuationRequest(limited, 'The keeper', 10, 'restart')).toEqual({ body: limited, anchor: undefined, spent: false })
})

test('limits shrink by what was delivered, never below 1, and say when nothing is left', () => {
  const limited = { ...request, max_tokens: 50, max_completion_tokens: null }
  expect(continuationRequest(limited, 'The keeper', 20, 'prefill').body).toMatchObject({ max_tokens: 30, max_completion_tokens: null })
  expect(continuationRequest({ ...request, max_completion_tokens: 20 }, 'The keeper', 20, 'instruct')).toMatchObject({
    body: { max_completion_tokens: 1 },
    spent: true,
  })
  expect(continuationRequest({ ...request, max_tokens: 20 }, 'The keeper', 25, 'restart')).toMatchObject({
    body: { max_tokens: 20 },
    spent: true,
  })
})

test("the caller's own prefill is lengthened, text and parts alike", () => {
  const own = { role: 'assistant', content: 'Once', prefix: true }
  expect(continuationRequest({ ...request, messages: [user, own] }, ' upon a', 2, 'prefill').body['messages']).toEqual([
    user,
    { ...own, content: 'Once upon a' },
  ])
  const parts = { role: 'assistant', content: [{ type: 'text', text: 'Once' }] }
  expect(continuationRequest({ ...request, messages: [user, parts] }, ' upon a', 2, 'prefill').body['messages']).toEqual([
    user,
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Once' },
        { type: 'text', text: ' upon a' },
      ],
    },
  ])
})

test('an assistant message that calls tools is not lengthened', () => {
  const calls = { role: 'assistant', content: '', tool_calls: [{ id: 'a' }] }
  expect(continuationRequest({ ...request, messages: [calls] }, 'Done', 1, 'prefill').body['messages']).toEqual([
    calls,
    { role: 'assistant', content: 'Done' },
  ])
})

test('half a surrogate pair is never sent', () => {
  const { body } = continuationRequest(request, 'Look \ud83d', 2, 'prefill')
  expect(body['messages']).toEqual([user, { role: 'assistant', content: 'Look' }])
})

test('delivered white space alone needs no continuation', () => {
  expect(continuationRequest(request, '\n', 1, 'instruct').body['messages']).toEqual([user])
})

test('an anchor is the end of the text, occurs once, is short and begins with a whole character', () => {
  const texts = fc.constantFrom(...Object.values(NATURAL_TEXTS))
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 700 }), (text, cut) => {
      const core = text.slice(0, cut).trimEnd()
      const anchor = chooseAnchor(core)
      if (anchor === undefined) return
      expect(core.endsWith(anchor)).toBe(true)
      expect(anchor.length).toBeLessThanOrEqual(400)
      expect(anchor).not.toMatch(/^(?:\s|\p{M}|\u200d|[\udc00-\udfff])/u)
      if (core.length > 24) expect(core.indexOf(anchor)).toBe(core.length - anchor.length)
    }),
    { numRuns: 3_000 },
  )
})

test('a text of one repeated piece has no anchor', () => {
  expect(chooseAnchor('ha '.repeat(200).trimEnd())).toBeUndefined()
  expect(chooseAnchor('|---|---|---|---|---|---|---|---|---|')).toBeUndefined()
})
