import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { FAILURE_KINDS } from '#contract'
import { ENV, SHORT, UPSTREAM_KEY } from './routes.ts'
import { CALLER_REFUSALS, CONTEXT_REFUSALS, healthy, INFRASTRUCTURE_REFUSALS, reply, WireServer } from './upstreams/index.ts'
import { startWorld, type World } from './world.ts'

const TEXT = 'An answer, all of it.'
const REFUSALS = [...INFRASTRUCTURE_REFUSALS, ...CALLER_REFUSALS, ...CONTEXT_REFUSALS]

let world: World
let good: WireServer
let bad: WireServer[]

/** A provider and a model of its own for every test, so that none meets the cooling or the breaker of another. */
function names(): { name: string; role: string; i: number }[] {
  const roles = ['two', 'one', 'small', 'large'].flatMap((role) => [`${role}-true`, `${role}-false`])
  return REFUSALS.flatMap((_, i) => roles.map((role) => ({ name: `${role}-${i}`, role, i })))
}

function upstreamsOf(name: string, role: string): unknown[] {
  if (role.startsWith('one')) return [`${name}/m`]
  if (role.startsWith('two')) return [`${name}/m`, 'good/m']
  return [
    { upstream: `${name}/m`, context: 8_000 },
    { upstream: 'good/m', context: role.startsWith('small') ? 4_000 : 128_000 },
  ]
}

beforeAll(async () => {
  good = await WireServer.listen(healthy({ text: TEXT }))
  bad = await Promise.all(REFUSALS.map((refusal) => WireServer.listen(reply(refusal.reply))))
  world = await startWorld({
    env: ENV,
    config: {
      providers: {
        good: { kind: 'openai-compatible', baseUrl: good.url, apiKey: '${UPSTREAM_KEY}' },
        ...Object.fromEntries(
          names().map(({ name, i }) => [name, { kind: 'openai-compatible', baseUrl: bad[i]?.url, apiKey: '${UPSTREAM_KEY}' }]),
        ),
      },
      models: Object.fromEntries(names().map(({ name, role }) => [name, { deadlines: SHORT, upstreams: upstreamsOf(name, role) }])),
    },
  })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  for (const server of [...bad, good]) await server[Symbol.asyncDispose]()
})

for (const stream of [true, false]) {
  const mode = stream ? 'streamed' : 'not streamed'

  describe(`F3 a fault of the provider or of our account, ${mode}`, () => {
    for (const [i, refusal] of INFRASTRUCTURE_REFUSALS.entries()) {
      test(`${refusal.name}: the next upstream answers`, async () => {
        const result = await world.ask(stream, { model: `two-${stream}-${i}` })
        expect(result.error).toBeUndefined()
        expect(result.text).toBe(TEXT)
        expect(result.headers.get('x-holdfast-upstream')).toBe('good/m')
      })
      test(`${refusal.name}: alone it is ${refusal.kind}, never 401, 403 or 404`, async () => {
        const result = await world.ask(stream, { model: `one-${stream}-${i}` })
        expect(result.error?.code).toBe(refusal.kind)
        expect(result.status).toBe(FAILURE_KINDS[refusal.kind].status)
        expect(result.call.body.toString()).not.toContain(UPSTREAM_KEY)
      })
    }
  })

  describe(`F3 the caller's own fault, ${mode}`, () => {
    for (const [offset, refusal] of CALLER_REFUSALS.entries()) {
      test(`${refusal.name}: goes to the caller at once, with the provider's reason`, async () => {
        const i = INFRASTRUCTURE_REFUSALS.length + offset
        const asked = bad[i]?.requests.length ?? 0
        const before = good.requests.length
        const result = await world.ask(stream, { model: `two-${stream}-${i}` })
        expect(result.status).toBe(400)
        expect(result.error?.code).toBe(refusal.kind)
        expect(good.requests.length).toBe(before)
        expect(bad[i]?.requests.length).toBe(asked + 1)
        const said = JSON.parse(String(refusal.reply.body))
        const reason = said.error?.message ?? said.message ?? said.detail[0].msg
        expect(result.error?.message).toContain(reason)
        if (said.error?.param) expect(result.error?.param).toBe(said.error.param)
      })
    }

    test('ten of them open no breaker', async () => {
      const i = INFRASTRUCTURE_REFUSALS.length
      for (let n = 0; n < 10; n++) expect((await world.ask(stream, { model: `one-${stream}-${i}` })).status).toBe(400)
    })
  })

  describe(`F3 too long for this upstream, ${mode}`, () => {
    for (const [offset, refusal] of CONTEXT_REFUSALS.entries()) {
      const i = INFRASTRUCTURE_REFUSALS.length + CALLER_REFUSALS.length + offset
      test(`${refusal.name}: goes on where the context is not known`, async () => {
        expect((await world.ask(stream, { model: `two-${stream}-${i}` })).text).toBe(TEXT)
      })
      test(`${refusal.name}: goes on where the context is larger`, async () => {
        expect((await world.ask(stream, { model: `large-${stream}-${i}` })).text).toBe(TEXT)
      })
      test(`${refusal.name}: not where it is smaller; the caller learns why`, async () => {
        const before = good.requests.length
        const result = await world.ask(stream, { model: `small-${stream}-${i}` })
        expect(result.error?.code).toBe('context_length')
        expect(result.status).toBe(400)
        expect(good.requests.length).toBe(before)
      })
    }
  })
}
