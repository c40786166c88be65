import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { loadDocument, nearestModels, routeFor } from './index.ts'

const FIXTURE = readFileSync(new URL('../../test/fixtures/holdfast.yaml', import.meta.url))
const ENV = { OPENAI_API_KEY: 'test-one', MISTRAL_API_KEY: 'test-two\n' }

function snapshotOf(content: Uint8Array | string): Extract<ReturnType<typeof loadDocument>, { ok: true }>['snapshot'] {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const loaded = loadDocument({ file: 'holdfast.yaml', content: bytes, environment: ENV, loadedAt: 17 })
  expect(loaded.problems.map((problem) => problem.message)).toEqual([])
  if (!loaded.ok) throw new TypeError('The document was refused.')
  return loaded.snapshot
}

describe('the documented block', () => {
  const snapshot = snapshotOf(FIXTURE)

  test('loads as it stands', () => {
    expect([...snapshot.providers.values()]).toEqual([
      { id: 'openai', kind: 'openai', baseUrl: 'https://api.openai.com/v1', apiKey: 'test-one' },
      { id: 'mistral', kind: 'openai-compatible', baseUrl: 'https://api.mistral.ai/v1', apiKey: 'test-two' },
      { id: 'near', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:11434/v1' },
    ])
    expect([...snapshot.models.values()]).toEqual([
      {
        model: 'assistant',
        named: true,
        upstreams: [
          { id: 'openai/gpt-5-mini', provider: 'openai', model: 'gpt-5-mini', weight: 1, continuation: 'instruct' },
          {
            id: 'mistral/mistral-small-latest',
            provider: 'mistral',
            model: 'mistral-small-latest',
            weight: 1,
            context: 128_000,
            continuation: 'instruct',
          },
          { id: 'near/llama3.2', provider: 'near', model: 'llama3.2', weight: 1, continuation: 'prefill' },
        ],
        balance: 'order',
        deadlines: { connect: 2_000, headers: 15_000, firstToken: 30_000, stall: 20_000, total: 600_000 },
        slow: { tokensPerSecond: 1, over: 8_000 },
        retries: { perUpstream: 1, budget: 0.2 },
        breaker: { failures: 5, window: 10_000, share: 0.5, minimum: 10, cooldown: 1_000, maxCooldown: 5_000 },
        rescue: 'auto',
      },
    ])
    expect(snapshot.limits).toEqual({ concurrency: 2_000, wait: 5_000, body: 32 * 1024 * 1024, slowReader: 30_000 })
    expect(snapshot.version).toMatch(/^[0-9a-f]{12}$/)
    expect(snapshot.loadedAt).toBe(17)
  })

  test('C2: is frozen', () => {
    const route = snapshot.models.get('assistant')
    for (const part of [
      snapshot,
      snapshot.limits,
      route,
      route?.upstreams,
      route?.upstreams[0],
      route?.deadlines,
      route?.slow,
      route?.breaker,
      route?.retries,
      snapshot.providers.get('openai'),
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test('serves a named model, a model of a provider, and nothing else', () => {
    expect(routeFor(snapshot, 'assistant')).toBe(snapshot.models.get('assistant'))
    expect(routeFor(snapshot, 'near/org/model:7b')).toMatchObject({
      model: 'near/org/model:7b',
      named: false,
      upstreams: [{ id: 'near/org/model:7b', provider: 'near', model: 'org/model:7b' }],
      deadlines: {},
      rescue: 'auto',
    })
    for (const name of [
      '',
      'assistent',
      'near',
      'near/',
      '/x',
      'nobody/x',
      'near/a b',
      'near/\n',
      'near/ü',
      `near/${'x'.repeat(257)}`,
      'toString',
      '__proto__',
      'constructor/x',
    ]) {
      expect(routeFor(snapshot, name)).toBeUndefined()
    }
  })

  test('names what could have been asked for instead', () => {
    expect(nearestModels(snapshot, 'asistant')[0]).toBe('assistant')
    expect(nearestModels(snapshot, 'gpt-5-mini')[0]).toBe('openai/gpt-5-mini')
    expect(nearestModels(snapshot, 'nera/qwen3')).toEqual(['near/qwen3'])
    expect(nearestModels(snapshot, 'zzzzzzzzzzzz')).toEqual([])
  })
})

test('what a document leaves out has the documented defaults, deadlines apart', () => {
  const snapshot = snapshotOf('providers: { a: { kind: scripted } }\nmodels: { m: { upstreams: [a/x] } }')
  const documented = snapshotOf(FIXTURE).models.get('assistant')
  const route = snapshot.models.get('m')
  expect(snapshot.providers.get('a')).toEqual({ id: 'a', kind: 'scripted', baseUrl: 'scripted:' })
  expect(route?.deadlines).toEqual({})
  expect(route?.slow).toBeUndefined()
  expect([route?.balance, route?.retries, route?.breaker, route?.rescue]).toEqual([
    documented?.balance,
    documented?.retries,
    documented?.breaker,
    documented?.rescue,
  ])
  expect(snapshot.limits).toEqual(snapshotOf(FIXTURE).limits)
})

test('a base URL may be overridden and loses its trailing slash', () => {
  const snapshot = snapshotOf('providers: { a: { kind: openai, baseUrl: "http://[::1]:8000/v1/" } }\nmodels: { m: { upstreams: [a/x] } }')
  expect(snapshot.providers.get('a')?.baseUrl).toBe('http://[::1]:8000/v1')
})

test('the same text has the same version, another text another', () => {
  const text = FIXTURE.toString()
  expect(snapshotOf(text).version).toBe(snapshotOf(FIXTURE).version)
  expect(snapshotOf(`${text}# more\n`).version).not.toBe(snapshotOf(text).version)
})
