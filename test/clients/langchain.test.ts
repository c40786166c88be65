import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { z } from 'zod'
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
  ['502 with HTML', reply({ status: 502, contentType: 'text/html', body: '<html></html>' })],
]
const STREAM_FAULTS: readonly [string, Behaviour][] = [
  ['cut', beginning({ text: TEXT }, 5, [{ wait: 5 }, 'rst'])],
  ['malformed', beginning({ text: TEXT }, 5, [{ wait: 5 }, { data: '{"choices":[' }, 'end'])],
]

let first: WireServer
let second: WireServer
let world: World
let model: ChatOpenAI

beforeAll(async () => {
  first = await WireServer.listen(healthy({ text: TEXT }))
  second = await WireServer.listen(writer(TEXT))
  world = await startWorld({ env: ENV, config: routeOver([first, second], { model: { breaker: { failures: 1_000, minimum: 1_000 } } }) })
  model = new ChatOpenAI({ model: 'assistant', apiKey: 'dummy', maxRetries: 0, configuration: { baseURL: `${world.url}/v1` } })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

describe("LangChain's ChatOpenAI", () => {
  for (const [fault, behave] of FAULTS) {
    test(`invoke, first upstream ${fault}`, async () => {
      first.behave = behave
      expect((await model.invoke('Tell me about kelp.')).content).toBe(TEXT)
    })
  }

  for (const [fault, behave] of [...FAULTS, ...STREAM_FAULTS]) {
    test(`stream, first upstream ${fault}`, async () => {
      first.behave = behave
      let text = ''
      for await (const chunk of await model.stream('Tell me about kelp.')) text += String(chunk.content)
      expect(text).toBe(TEXT)
    })
  }

  test('a cut that nobody can finish throws', async () => {
    first.behave = beginning({ text: TEXT }, 4, [{ wait: 5 }, 'rst'])
    second.behave = reply({ status: 500, body: '{}' })
    const read = async (): Promise<string> => {
      let text = ''
      for await (const chunk of await model.stream('x')) text += String(chunk.content)
      return text
    }
    const outcome = await read().catch((error: unknown) => error)
    second.behave = writer(TEXT)
    expect(outcome).toBeInstanceOf(Error)
  })

  test('tools are whole, over a cut call too', async () => {
    const call = { toolCalls: [{ id: 'tool_one', name: 'weather', arguments: '{"city":"Zürich"}' }] }
    const weather = tool(() => 'windy', { name: 'weather', description: 'The weather.', schema: z.object({ city: z.string() }) })
    first.behave = (exchange) => play([...stepsOf(framesOf(call, exchange.asked).slice(0, 5)), 'rst'])(exchange)
    second.behave = healthy(call)
    const bound = model.bindTools([weather])
    const streamed = await bound.stream('Weather?')
    let whole
    for await (const chunk of streamed) whole = whole === undefined ? chunk : whole.concat(chunk)
    first.behave = resetAtOnce
    const invoked = await bound.invoke('Weather?')
    second.behave = writer(TEXT)
    for (const message of [whole, invoked])
      expect(message?.tool_calls?.map(({ name, args }) => ({ name, args }))).toEqual([{ name: 'weather', args: { city: 'Zürich' } }])
  })
})
