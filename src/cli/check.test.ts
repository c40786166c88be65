import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, type CheckOptions } from './check.ts'

const FIXTURE = new URL('../../test/fixtures/holdfast.yaml', import.meta.url).pathname
const ENV = { OPENAI_API_KEY: 'canary-one', MISTRAL_API_KEY: 'canary-two' }

let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-check-'))
  file = join(folder, 'holdfast.yaml')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(changes: Partial<CheckOptions> = {}): Promise<{ code: number; output: string }> {
  let output = ''
  const code = await check({ file, probe: false, json: false, env: ENV, write: (text) => (output += text), ...changes })
  return { code, output }
}

describe('a valid document', () => {
  test('exits 0 and says what would be served', async () => {
    const { code, output } = await run({ file: FIXTURE })
    expect(code).toBe(0)
    expect(output).toContain('  assistant  order: openai/gpt-5-mini, mistral/mistral-small-latest, near/llama3.2\n')
    expect(output).toContain('  directly: openai/…, mistral/…, near/…\n')
    expect(output).toMatch(/holdfast\.yaml: valid, version [0-9a-f]{12}\.\n$/)
    expect(output).not.toContain('canary')
  })

  test('exits 0 with warnings, and shows them', async () => {
    await writeFile(file, 'providers: { a: { kind: scripted } }\n')
    const { code, output } = await run()
    expect(code).toBe(0)
    expect(output).toContain(`${file}:1:14  warning  unused_provider  providers.a\n`)
    expect(output).toMatch(/valid, version [0-9a-f]{12}, 1 warning\.\n$/)
  })

  test('as JSON', async () => {
    const { code, output } = await run({ file: FIXTURE, json: true })
    expect(code).toBe(0)
    expect(JSON.parse(output)).toEqual({
      ok: true,
      file: FIXTURE,
      problems: [],
      summary: {
        version: expect.stringMatching(/^[0-9a-f]{12}$/),
        providers: ['openai', 'mistral', 'near'],
        models: [
          {
            model: 'assistant',
            balance: 'order',
            rescue: 'auto',
            upstreams: ['openai/gpt-5-mini', 'mistral/mistral-small-latest', 'near/llama3.2'],
          },
        ],
      },
    })
  })
})

describe('a broken document', () => {
  const BROKEN =
    'providers:\n  near: { kind: openai-compatible, baseUrl: "http://127.0.0.1:1/v1" }\nmodels:\n  m:\n    upstreams:\n      - naer/llama\n      - near/llama\n    wait: soon\n'

  test('exits 1 and says all that is wrong, with the line and a caret under the place', async () => {
    await writeFile(file, BROKEN)
    const { code, output } = await run()
    expect(code).toBe(1)
    expect(output).toBe(
      [
        `${file}:6:9  error  unknown_provider  models.m.upstreams[0]`,
        '  Refused: `models.m.upstreams[0]` names `naer`, which is not under `providers`. Did you mean `near`? (holdfast.yaml:6)',
        '  6 |       - naer/llama',
        '    |         ^',
        '  found:    `naer`',
        '  expected: a name under `providers`',
        '  remedy:   Did you mean `near`?',
        '',
        `${file}:8:5  error  unknown_key  models.m.wait`,
        '  Refused: `models.m.wait` is not a known key. It belongs under `limits`. (holdfast.yaml:8)',
        '  8 |     wait: soon',
        '    |     ^',
        '  found:    the key `wait`',
        '  expected: one of `upstreams`, `balance`, `deadlines`, `slow`, `retries`, `breaker`, `rescue`',
        '  remedy:   It belongs under `limits`.',
        '',
        `${file}: refused, 2 errors.`,
        '',
      ].join('\n'),
    )
  })

  test('as JSON', async () => {
    await writeFile(file, BROKEN)
    const { code, output } = await run({ json: true })
    expect(code).toBe(1)
    expect(JSON.parse(output)).toMatchObject({
      ok: false,
      summary: null,
      problems: [
        { code: 'unknown_provider', line: 6, column: 9 },
        { code: 'unknown_key', line: 8, column: 5 },
      ],
    })
  })

  test('X1: shows no literal credential, in neither form', async () => {
    await writeFile(file, 'providers:\n  a: { kind: openai, apiKey: "hunter2" }\n  b:\n    kind: opena\n    apiKey:\n      "hunter2"\n')
    for (const json of [false, true]) {
      const { code, output } = await run({ json })
      expect(code).toBe(1)
      expect(output).not.toContain('hunter2')
      expect(output).toContain('literal_secret')
    }
  })

  test('is not probed', async () => {
    await writeFile(file, BROKEN)
    const { code } = await run({
      probe: true,
      probeUpstream: () => {
        throw new TypeError('asked')
      },
    })
    expect(code).toBe(1)
  })
})

test.each([
  ['that is not there', async () => undefined, 'file_missing'],
  ['that is empty', () => writeFile(file, ''), 'empty_document'],
])('a file %s exits 1 and says so', async (_name, make, code) => {
  await make()
  const result = await run()
  expect(result.code).toBe(1)
  expect(result.output).toContain(code)
})

test('writes nothing', async () => {
  await writeFile(file, 'providers: { a: { kind: scripted } }\nmodels: { m: { upstreams: [a/x] } }\n')
  await run({ probe: true, probeUpstream: () => Promise.resolve({ ok: true }) })
  expect(await readdir(folder)).toEqual(['holdfast.yaml'])
})

describe('probe', () => {
  test('asks each upstream once, all at the same time, and tells of each', async () => {
    await writeFile(file, 'providers: { a: { kind: scripted } }\nmodels:\n  m: { upstreams: [a/x, a/y] }\n  n: { upstreams: [a/y, a/z] }\n')
    const asked: string[] = []
    const all = Promise.withResolvers<void>()
    const { code, output } = await run({
      probe: true,
      probeUpstream: async (provider, model) => {
        asked.push(`${provider.id}/${model}`)
        if (asked.length === 3) all.resolve()
        await all.promise
        return { ok: true }
      },
    })
    expect(code).toBe(0)
    expect(asked).toEqual(['a/x', 'a/y', 'a/z'])
    expect(output).toContain('probe 3/3')
    expect(output).toContain('3 upstreams answered')
  })

  test('X1: exits 1 when one does not answer, and repeats no credential', async () => {
    const probeUpstream: CheckOptions['probeUpstream'] = (provider) => {
      if (provider.id === 'near') throw new TypeError('refused the connection')
      return Promise.resolve(provider.id === 'openai' ? { ok: false, message: `401: no such key ${provider.apiKey}` } : { ok: true })
    }
    const people = await run({ file: FIXTURE, probe: true, probeUpstream })
    expect(people.code).toBe(1)
    expect(people.output).toContain('openai/gpt-5-mini: 401: no such key •••\n')
    expect(people.output).toContain('near/llama3.2: refused the connection\n')
    expect(people.output).toContain('valid, but 2 upstreams of 3 did not answer')
    const machines = await run({ file: FIXTURE, probe: true, json: true, probeUpstream })
    expect(machines.code).toBe(1)
    expect(machines.output).not.toContain('canary')
    expect(JSON.parse(machines.output)).toMatchObject({
      ok: false,
      problems: [],
      probes: [
        { upstream: 'mistral/mistral-small-latest', ok: true, message: null },
        { upstream: 'near/llama3.2', ok: false, message: 'refused the connection' },
        { upstream: 'openai/gpt-5-mini', ok: false },
      ],
    })
  })
})
