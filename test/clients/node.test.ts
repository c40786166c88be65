import { expect, test } from 'bun:test'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually } from '../eventually.ts'
import { ENV, routeOver } from '../routes.ts'
import { beginning, type Behaviour, healthy, reply, resetAtOnce, WireServer, writer } from '../upstreams/index.ts'
import { startWorld } from '../world.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TEXT = 'Kelp holds fast. Es hält. 海藻 🌊 stays, word by word, until the answer is whole.'

/** What runs in Node: the official SDK on Node's own fetch. Prints one line for each check. */
const SCRIPT = `
import OpenAI from 'openai'
const client = new OpenAI({ baseURL: process.env.BASE, apiKey: 'dummy', maxRetries: 0 })
const ask = { model: 'assistant', messages: [{ role: 'user', content: 'x' }] }
const streamed = async () => {
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) text += chunk.choices[0]?.delta?.content ?? ''
  return text
}
const whole = async () => (await client.chat.completions.create(ask)).choices[0].message.content
const say = (name, value) => console.log(JSON.stringify([name, value]))
const texts = []
for (let n = 0; n < 20; n++) texts.push(await (n % 2 ? streamed() : whole()))
say('one after another', [...new Set(texts)])
say('at once', [...new Set(await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? streamed() : whole()))))])
const abort = new AbortController()
const stream = await client.chat.completions.create({ ...ask, model: 'slow', stream: true }, { signal: abort.signal })
for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) abort.abort()
say('aborted', true)
say('unknown model', await client.chat.completions.create({ ...ask, model: 'nobody' }).catch((error) => [error.constructor.name, error.status, error.code]))
process.exit()
`

const FAULTS: readonly [string, Behaviour][] = [
  ['healthy', healthy({ text: TEXT })],
  ['resetting', resetAtOnce],
  ['failing', reply({ status: 500, body: '{"error":{"message":"The server had an error."}}' })],
  ['cutting', (exchange) => (exchange.asked.stream === true ? beginning({ text: TEXT }, 5, [{ wait: 5 }, 'rst']) : resetAtOnce)(exchange)],
]

for (const [name, behave] of FAULTS) {
  test(`the openai SDK in Node, first upstream ${name}`, async () => {
    await using first = await WireServer.listen(behave)
    await using second = await WireServer.listen(writer(TEXT))
    await using slow = await WireServer.listen(beginning({ text: TEXT }, 4, ['silence']))
    const route = routeOver([first, second, slow], { model: { breaker: { failures: 1_000, minimum: 1_000 } } })
    const deadlines = { stall: '20s' }
    const models = { assistant: { ...Object(route).models.assistant, upstreams: ['a/m', 'b/m'] }, slow: { upstreams: ['c/m'], deadlines } }
    await using world = await startWorld({ env: ENV, config: { ...route, models } })
    const child = spawn('node', ['--input-type=module', '--eval', SCRIPT], { cwd: ROOT, env: { ...process.env, BASE: `${world.url}/v1` } })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    await once(child, 'close')
    const lines = Buffer.concat(output).toString('utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      ['one after another', [TEXT]],
      ['at once', [TEXT]],
      ['aborted', true],
      ['unknown model', ['NotFoundError', 404, 'model_not_found']],
    ])
    await eventually('the aborted call was cancelled upstream', () => slow.openSockets === 0, 1_000)
  }, 20_000)
}
