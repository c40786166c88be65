import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { FAILURE_KINDS } from '#contract'
import type { ChatResult } from './chat-result.ts'
import { ENV, routeOver, SHORT, UPSTREAM_KEY } from './routes.ts'
import { beginning, closedPort, DONE, EARLY_FAULTS, type Fault, LATE_FAULTS, type Step, WireServer, writer } from './upstreams/index.ts'
import { startWorld, type World } from './world.ts'

const TEXT = 'Kelp holds on to the rock with its holdfast, whatever the sea does. Algen, 海藻, 🌊 — and so on, word by word, to the end.'
const FAULTS = [...EARLY_FAULTS, ...LATE_FAULTS]
const MODES = ['stream', 'json'] as const

/** For every fault a provider of its own, a model with a healthy second upstream and one without. */
let world: World
let good: WireServer
let bad: WireServer[]

beforeAll(async () => {
  good = await WireServer.listen(writer(TEXT))
  bad = await Promise.all(FAULTS.map((fault) => WireServer.listen(fault.behave({ text: TEXT }))))
  const model = { deadlines: SHORT, breaker: { failures: 100 } }
  world = await startWorld({
    env: ENV,
    config: {
      providers: {
        good: { kind: 'openai-compatible', baseUrl: good.url, apiKey: '${UPSTREAM_KEY}' },
        refusing: { kind: 'openai-compatible', baseUrl: await closedPort(), apiKey: '${UPSTREAM_KEY}' },
        nowhere: { kind: 'openai-compatible', baseUrl: 'http://no-such-host.invalid/v1', apiKey: '${UPSTREAM_KEY}' },
        ...Object.fromEntries(
          bad.map((server, i) => [`bad${i}`, { kind: 'openai-compatible', baseUrl: server.url, apiKey: '${UPSTREAM_KEY}' }]),
        ),
      },
      models: {
        'two-refusing': { ...model, upstreams: ['refusing/m', 'good/m'] },
        'one-refusing': { ...model, upstreams: ['refusing/m'] },
        'two-nowhere': { ...model, upstreams: ['nowhere/m', 'good/m'] },
        'one-nowhere': { ...model, upstreams: ['nowhere/m'] },
        ...Object.fromEntries(FAULTS.map((_, i) => [`two-${i}`, { ...model, upstreams: [`bad${i}/m`, 'good/m'] }])),
        ...Object.fromEntries(FAULTS.map((_, i) => [`one-${i}`, { ...model, upstreams: [`bad${i}/m`] }])),
        ...Object.fromEntries(FAULTS.map((_, i) => [`never-${i}`, { ...model, upstreams: [`bad${i}/m`, 'good/m'], rescue: 'never' }])),
      },
    },
  })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  for (const server of [...bad, good]) await server[Symbol.asyncDispose]()
})

function expectWholeAnswer(result: ChatResult): void {
  expect(result.error).toBeUndefined()
  expect(result.status).toBe(200)
  expect(result.text).toBe(TEXT)
  expect(result.finish).toBe('stop')
}

/** Headers of an answer that the second upstream gave. */
function expectHonestHeaders(result: ChatResult): void {
  expect(result.headers.get('x-holdfast-call')).toMatch(/^\w+_[0-9a-z]{17}$/)
  expect(result.headers.get('x-holdfast-upstream')).toBe('good/m')
  const attempts = Number(result.headers.get('x-holdfast-attempts'))
  expect(attempts).toBeGreaterThanOrEqual(2)
  expect(attempts).toBeLessThanOrEqual(4)
  expect(result.headers.get('x-holdfast-reason')).toContain('good')
}

function expectHonestError(result: ChatResult, kinds: readonly string[]): void {
  expect(kinds).toContain(result.error?.code ?? 'no error')
  expect(result.error?.type).toBeString()
  expect(result.error?.call_id).toMatch(/^\w+_[0-9a-z]{17}$/)
  expect(result.error).toHaveProperty('param')
  expect(result.error?.message.length).toBeGreaterThan(10)
  expect(JSON.stringify(result.error)).not.toContain(UPSTREAM_KEY)
}

function expectHonestStatus(result: ChatResult, kinds: readonly string[]): void {
  expectHonestError(result, kinds)
  expect([502, 503, 504]).toContain(result.status)
  expect(result.status).toBe(statusOf(result.error?.code ?? ''))
  expect(result.headers.get('x-holdfast-call')).toBe(result.error?.call_id ?? '')
}

function statusOf(code: string): number {
  return Object.entries(FAILURE_KINDS).find(([kind]) => kind === code)?.[1].status ?? 0
}

const numbered = FAULTS.map((fault, i) => ({ fault, i }))
const early = numbered.filter(({ fault }) => EARLY_FAULTS.includes(fault))
const late = numbered.filter(({ fault }) => LATE_FAULTS.includes(fault))
const inModes = (entries: readonly { fault: Fault; i: number }[]): { fault: Fault; i: number; mode: 'stream' | 'json' }[] =>
  entries.flatMap((entry) => MODES.filter((mode) => entry.fault.modes.includes(mode)).map((mode) => ({ ...entry, mode })))

describe('a fault before any content', () => {
  for (const mode of MODES) {
    for (const [name, kind] of [
      ['refusing', 'connect'],
      ['nowhere', 'dns'],
    ] as const) {
      test(`${name}, ${mode}: the next upstream gives the whole answer`, async () => {
        const result = await world.ask(mode === 'stream', { model: `two-${name}` })
        expectWholeAnswer(result)
        expectHonestHeaders(result)
      })
      test(`${name}, ${mode}: alone it is one honest error`, async () => {
        expectHonestStatus(await world.ask(mode === 'stream', { model: `one-${name}` }), [kind])
      })
    }
  }

  for (const { fault, i, mode } of inModes(early)) {
    test(`${fault.name}, ${mode}: the next upstream gives the whole answer`, async () => {
      const before = good.requests.length
      const result = await world.ask(mode === 'stream', { model: `two-${i}` })
      expectWholeAnswer(result)
      expectHonestHeaders(result)
      expect(good.requests.length - before).toBe(1)
      if (mode === 'stream') {
        expect(result.note?.upstream).toBe('good/m')
        expect(result.note?.attempts).toBe(Number(result.headers.get('x-holdfast-attempts')))
        expect(result.note?.reason).toBe(result.headers.get('x-holdfast-reason') ?? '')
      }
    })
    test(`${fault.name}, ${mode}: alone it is one honest error`, async () => {
      expectHonestStatus(await world.ask(mode === 'stream', { model: `one-${i}` }), fault.kinds)
    })
  }
})

describe('a fault after some content', () => {
  for (const { fault, i } of late) {
    test(`S2 ${fault.name}: the next upstream finishes the same answer`, async () => {
      const result = await world.stream({ model: `two-${i}` })
      expectWholeAnswer(result)
      expect(result.note?.upstream).toBe('good/m')
    })
    test(`S1 ${fault.name}: rescue never, so one typed error event and no [DONE]`, async () => {
      const before = good.requests.length
      const result = await world.stream({ model: `never-${i}` })
      expect(result.status).toBe(200)
      expect(TEXT.startsWith(result.text)).toBe(true)
      expect(result.text).not.toBe('')
      expectHonestError(result, fault.kinds)
      expect(good.requests.length - before).toBe(0)
    })
    test(`S2 ${fault.name}: alone, never a repeat and one typed error event`, async () => {
      const result = await world.stream({ model: `one-${i}` })
      expect(TEXT.startsWith(result.text)).toBe(true)
      expectHonestError(result, fault.kinds)
    })
  }
})

describe('content and fault in one packet', () => {
  const endings: readonly [string, readonly Step[]][] = [
    ['DONE without a finish', [DONE, 'end']],
    ['a clean end', ['end']],
    ['RST', ['rst']],
    ['malformed JSON', [{ data: '{"choices":[{"delta":' }, 'end']],
    ['an error event', [{ data: '{"error":{"message":"The server had an error.","type":"server_error"}}' }, 'end']],
  ]
  for (const [name, steps] of endings) {
    test(`S2 ${name}: nothing of the answer is lost`, async () => {
      await using a = await WireServer.listen(beginning({ text: TEXT }, 6, steps, { burst: true }))
      await using b = await WireServer.listen(writer(TEXT))
      await using node = await startWorld({ env: ENV, config: routeOver([a, b]) })
      expectWholeAnswer(await node.stream())
    })
  }
})

describe('what the simulators saw', () => {
  test('every fault was met, and no silent upstream was asked twice for one call', () => {
    for (const { fault, i } of numbered) {
      const server = bad[i]
      const calls = fault.modes.length * 2 + (LATE_FAULTS.includes(fault) ? 1 : 0)
      expect(server?.requests.length, fault.name).toBeGreaterThanOrEqual(calls)
      if (/silent|for ever/.test(fault.name)) expect(server?.requests.length, fault.name).toBe(calls)
    }
  })

  test('no connection to a failed upstream stays open', () => {
    for (const { fault, i } of numbered) expect(bad[i]?.openSockets, fault.name).toBeLessThanOrEqual(1)
  })
})
