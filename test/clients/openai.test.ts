import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { eventually } from '../eventually.ts'
import { ENV, routeOver } from '../routes.ts'
import {
  beginning,
  type Behaviour,
  framesOf,
  healthy,
  inTurn,
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
const MESSAGES = [{ role: 'user' as const, content: 'Tell me about kelp.' }]
const FAULTS: readonly [string, Behaviour][] = [
  ['healthy', healthy({ text: TEXT })],
  ['reset', resetAtOnce],
  ['silent', silent],
  ['500', reply({ status: 500, body: '{"error":{"message":"The server had an error.","type":"server_error"}}' })],
  ['401', reply({ status: 401, body: '{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}' })],
  ['HTML with 200', reply({ status: 200, contentType: 'text/html', body: '<html></html>' })],
]
const STREAM_FAULTS: readonly [string, Behaviour][] = [
  ['an error in the first event', play([{ data: '{"error":{"message":"Overloaded","type":"server_error"}}' }])],
  ['a cut', beginning({ text: TEXT }, 5, [{ wait: 5 }, 'rst'])],
  ['a stall', beginning({ text: TEXT }, 5, ['silence'])],
  ['a clean end in the middle', beginning({ text: TEXT }, 5, [{ wait: 5 }, 'end'])],
]

let first: WireServer
let second: WireServer
let world: World
let client: OpenAI

beforeAll(async () => {
  first = await WireServer.listen(healthy({ text: TEXT }))
  second = await WireServer.listen(writer(TEXT))
  world = await startWorld({ env: ENV, config: routeOver([first, second], { model: { breaker: { failures: 1_000, minimum: 1_000 } } }) })
  client = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: 'dummy', maxRetries: 0 })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

describe('the openai SDK', () => {
  for (const [name, behave] of FAULTS) {
    test(`create, first upstream ${name}`, async () => {
      first.behave = behave
      const answer = await client.chat.completions.create({ model: 'assistant', messages: MESSAGES })
      expect(answer.choices[0]?.message.content).toBe(TEXT)
      expect(answer.choices[0]?.finish_reason).toBe('stop')
    })
  }

  for (const [name, behave] of [...FAULTS, ...STREAM_FAULTS]) {
    test(`a stream, first upstream ${name}`, async () => {
      first.behave = behave
      const stream = await client.chat.completions.create({
        model: 'assistant',
        messages: MESSAGES,
        stream: true,
        stream_options: { include_usage: true },
      })
      let text = ''
      let finish: string | null = null
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        finish = chunk.choices[0]?.finish_reason ?? finish
      }
      expect(text).toBe(TEXT)
      expect(finish).toBe('stop')
    })
  }

  test('the stream helper collects a whole answer over a cut', async () => {
    first.behave = beginning({ text: TEXT }, 4, [{ wait: 5 }, 'rst'])
    const answer = await client.chat.completions.stream({ model: 'assistant', messages: MESSAGES }).finalChatCompletion()
    expect(answer.choices[0]?.message.content).toBe(TEXT)
  })

  test('a cut that nobody can finish is an APIError, never success', async () => {
    first.behave = beginning({ text: TEXT }, 4, [{ wait: 5 }, 'rst'])
    second.behave = reply({ status: 500, body: '{}' })
    const stream = await client.chat.completions.create({ model: 'assistant', messages: MESSAGES, stream: true })
    const read = async (): Promise<string> => {
      let text = ''
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      return text
    }
    const error = await read().catch((thrown: unknown) => thrown)
    second.behave = writer(TEXT)
    expect(error).toBeInstanceOf(OpenAI.APIError)
  })

  test('errors are typed: an unknown model, a bad request, no upstream', async () => {
    const ask = (body: object): Promise<unknown> =>
      client.chat.completions.create({ model: 'assistant', messages: MESSAGES, ...body }).catch((thrown: unknown) => thrown)
    expect(await ask({ model: 'nobody' })).toBeInstanceOf(OpenAI.NotFoundError)
    expect(await ask({ messages: 'x' })).toBeInstanceOf(OpenAI.BadRequestError)
    first.behave = reply({ status: 401, body: '{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}' })
    second.behave = resetAtOnce
    const error = await ask({})
    second.behave = writer(TEXT)
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).not.toBeInstanceOf(OpenAI.AuthenticationError)
  })

  test('runTools: a call, its result, an answer; a cut call is never run', async () => {
    let runs: string[] = []
    const tool = {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'The weather of a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
        parse: (text: string): { city: string } => JSON.parse(text),
        function: (input: { city: string }): string => {
          runs.push(input.city)
          return 'windy'
        },
      },
    }
    const call = { toolCalls: [{ id: 'tool_one', name: 'weather', arguments: '{"city":"Zürich"}' }] }
    const asTools: Behaviour = (exchange) => (exchange.asked.messages.length === 1 ? healthy(call) : healthy({ text: TEXT }))(exchange)
    const cut: Behaviour = (exchange) => play([...stepsOf(framesOf(call, exchange.asked).slice(0, 5)), 'rst'])(exchange)
    for (const behave of [asTools, cut]) {
      for (const stream of [true, false] as const) {
        runs = []
        first.behave = behave === cut && !stream ? resetAtOnce : behave
        second.behave = asTools
        const runner = stream
          ? client.chat.completions.runTools({ model: 'assistant', messages: MESSAGES, tools: [tool], stream: true })
          : client.chat.completions.runTools({ model: 'assistant', messages: MESSAGES, tools: [tool] })
        expect(await runner.finalContent()).toBe(TEXT)
        expect(runs).toEqual(['Zürich'])
      }
    }
    second.behave = writer(TEXT)
  })

  test('structured output is parsed', async () => {
    const json = '{"name":"kelp","metres":50}'
    first.behave = inTurn(resetAtOnce, healthy({ text: json }))
    second.behave = healthy({ text: json })
    const answer = await client.chat.completions.parse({
      model: 'assistant',
      messages: MESSAGES,
      response_format: zodResponseFormat(z.object({ name: z.string(), metres: z.number() }), 'plant'),
    })
    second.behave = writer(TEXT)
    expect(answer.choices[0]?.message.parsed).toEqual({ name: 'kelp', metres: 50 })
  })

  test('abort cancels the upstream within 1 s', async () => {
    first.behave = (exchange) => play([...stepsOf(framesOf({ text: TEXT }, exchange.asked).slice(0, 4)), 'silence'])(exchange)
    const before = first.departures.length
    const stream = await client.chat.completions.create({ model: 'assistant', messages: MESSAGES, stream: true })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    await eventually('the upstream is cancelled', () => first.departures.length > before, 1_000)
  })

  test('models are listed', async () => {
    const models = await client.models.list()
    expect(models.data.map((model) => model.id)).toContain('assistant')
    expect((await client.models.retrieve('assistant')).id).toBe('assistant')
  })
})
