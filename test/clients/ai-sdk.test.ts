import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, type LanguageModel, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { eventually } from '../eventually.ts'
import { ENV, routeOver } from '../routes.ts'
import {
  beginning,
  type Behaviour,
  framesOf,
  healthy,
  play,
  reply,
  resetAtOnce,
  silent,
  stepsOf,
  WireServer,
  writer,
} from '../upstreams/index.ts'
import { startWorld, type World } from '../world.ts'

const TEXT = 'Kelp holds fast. Es hält. 海藻 🌊 stays, word by word, until the answer is whole.'
const FAULTS: readonly [string, Behaviour][] = [
  ['healthy', healthy({ text: TEXT })],
  ['reset', resetAtOnce],
  ['silent', silent],
  ['503', reply({ status: 503, body: '{"error":{"message":"overloaded"}}' })],
]
const STREAM_FAULTS: readonly [string, Behaviour][] = [
  ['cut', beginning({ text: TEXT }, 5, [{ wait: 5 }, 'rst'])],
  ['stalling', beginning({ text: TEXT }, 5, ['silence'])],
]

let first: WireServer
let second: WireServer
let world: World
const models: Record<string, LanguageModel> = {}
const NAMES = ['@ai-sdk/openai', '@ai-sdk/openai-compatible'] as const

beforeAll(async () => {
  first = await WireServer.listen(healthy({ text: TEXT }))
  second = await WireServer.listen(writer(TEXT))
  world = await startWorld({ env: ENV, config: routeOver([first, second], { model: { breaker: { failures: 1_000, minimum: 1_000 } } }) })
  models['@ai-sdk/openai'] = createOpenAI({ baseURL: `${world.url}/v1`, apiKey: 'dummy' }).chat('assistant')
  models['@ai-sdk/openai-compatible'] = createOpenAICompatible({ name: 'holdfast', baseURL: `${world.url}/v1` }).chatModel('assistant')
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

function modelOf(name: string): LanguageModel {
  return models[name] ?? name
}

for (const name of NAMES) {
  describe(`the Vercel AI SDK with ${name}`, () => {
    for (const [fault, behave] of FAULTS) {
      test(`generateText, first upstream ${fault}`, async () => {
        first.behave = behave
        const { text, finishReason } = await generateText({ model: modelOf(name), prompt: 'Tell me about kelp.', maxRetries: 0 })
        expect(text).toBe(TEXT)
        expect(finishReason).toBe('stop')
      })
    }

    for (const [fault, behave] of [...FAULTS, ...STREAM_FAULTS]) {
      test(`streamText, first upstream ${fault}`, async () => {
        first.behave = behave
        const result = streamText({ model: modelOf(name), prompt: 'Tell me about kelp.', maxRetries: 0 })
        let text = ''
        for await (const piece of result.textStream) text += piece
        expect(text).toBe(TEXT)
        expect(await result.finishReason).toBe('stop')
      })
    }

    test('a cut that nobody can finish is an error part', async () => {
      first.behave = beginning({ text: TEXT }, 4, [{ wait: 5 }, 'rst'])
      second.behave = reply({ status: 500, body: '{}' })
      const errors: unknown[] = []
      const result = streamText({ model: modelOf(name), prompt: 'x', maxRetries: 0, onError: ({ error }) => void errors.push(error) })
      const types: string[] = []
      for await (const part of result.fullStream) types.push(part.type)
      second.behave = writer(TEXT)
      expect(types).toContain('error')
      expect(errors.length).toBeGreaterThan(0)
    })

    test('tools are called once, over a cut call too', async () => {
      const call = { toolCalls: [{ id: 'tool_one', name: 'weather', arguments: '{"city":"Zürich"}' }] }
      const asTools: Behaviour = (exchange) => (exchange.asked.messages.length === 1 ? healthy(call) : healthy({ text: TEXT }))(exchange)
      first.behave = (exchange) => play([...stepsOf(framesOf(call, exchange.asked).slice(0, 5)), 'rst'])(exchange)
      second.behave = asTools
      const cities: string[] = []
      const weather = tool({
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => {
          cities.push(city)
          return Promise.resolve('windy')
        },
      })
      const result = streamText({ model: modelOf(name), prompt: 'Weather?', tools: { weather }, stopWhen: stepCountIs(3), maxRetries: 0 })
      let text = ''
      for await (const piece of result.textStream) text += piece
      second.behave = writer(TEXT)
      expect(text).toBe(TEXT)
      expect(cities).toEqual(['Zürich'])
    })

    test('abort cancels the upstream within 1 s', async () => {
      first.behave = (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 4)), 'silence'])(exchange)
      const before = first.departures.length
      const abort = new AbortController()
      const result = streamText({ model: modelOf(name), prompt: 'x', abortSignal: abort.signal, maxRetries: 0 })
      for await (const part of result.fullStream) if (part.type === 'text-delta') abort.abort()
      await eventually('the upstream is cancelled', () => first.departures.length > before, 1_000)
    })
  })
}
