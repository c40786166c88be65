import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { loadDocument, type LoadResult } from './index.ts'

const FIXTURE = readFileSync(new URL('../../test/fixtures/holdfast.yaml', import.meta.url))
const ENV = { OPENAI_API_KEY: 'test-one', MISTRAL_API_KEY: 'test-two' }

function load(content: Uint8Array): LoadResult {
  return loadDocument({ file: 'holdfast.yaml', content, environment: ENV, loadedAt: 0 })
}

/** Every result is a snapshot or says why not, each problem with a place inside the text. */
function expectSound(loaded: LoadResult, content: Uint8Array): void {
  const errors = loaded.problems.filter((problem) => problem.severity === 'error')
  expect(errors.length === 0).toBe(loaded.ok)
  const lines = new TextDecoder().decode(content).split('\n').length
  for (const problem of loaded.problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1)
    expect(problem.line).toBeLessThanOrEqual(lines)
    expect(problem.column).toBeGreaterThanOrEqual(1)
    expect(problem.message).toEndWith(`(holdfast.yaml:${problem.line})`)
    for (const part of [problem.code, problem.found, problem.expected, problem.remedy]) expect(part).not.toBe('')
  }
}

test('C1: any bytes give a snapshot or problems, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectSound(load(bytes), bytes)),
    { numRuns: 500 },
  )
})

test('C1: any text made of what YAML is made of gives a snapshot or problems, and never throws', () => {
  const piece = fc.constantFrom(
    'providers',
    'models',
    'limits',
    'a',
    ':',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '&a ',
    '*a',
    '"',
    "'",
    '|',
    '>',
    '#',
    '!',
    '%',
    '@',
    '`',
    '? ',
    '<<',
    '~',
    '---\n',
    '\t',
    '\r\n',
    '${A}',
    '\\',
    'é',
    '🙂',
    '0x1',
    '.inf',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const content = new TextEncoder().encode(pieces.join(''))
      expectSound(load(content), content)
    }),
    { numRuns: 1_500 },
  )
})

test('C1: a valid document with any bytes cut out and others put in gives a snapshot or problems', () => {
  fc.assert(
    fc.property(
      fc.nat(FIXTURE.length),
      fc.nat(40),
      fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('\0', '\n', '  ', '[', '{', '*x', '"')),
      (at, cut, text) => {
        const content = Buffer.concat([FIXTURE.subarray(0, at), Buffer.from(text), FIXTURE.subarray(at + cut)])
        expectSound(load(content), content)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('C1: any tree of values gives a snapshot or problems', () => {
  const key = fc.oneof(
    fc.constantFrom('version', 'providers', 'models', 'limits', 'upstreams', 'kind', 'apiKey', 'balance', 'breaker', 'cooldown', 'slow'),
    fc.string({ maxLength: 8 }),
  )
  const leaf = fc.oneof(
    fc.constantFrom('1s', '20%', '32MiB', 'openai', 'scripted', 'order', 'a/b', '${OPENAI_API_KEY}', 'https://a.example/v1'),
    fc.string({ maxLength: 8 }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  )
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (document) => {
      const content = new TextEncoder().encode(stringify(document))
      expectSound(load(content), content)
    }),
    { numRuns: 500 },
  )
})

/** Every line of the fixture that names something, and what breaks it. */
const BREAKS: readonly (readonly [line: number, from: string, to: string])[] = [
  [3, 'openai,', 'closedai,'],
  [4, 'baseUrl', 'baseURI'],
  [5, 'http://', ''],
  [9, 'openai/', 'nobody/'],
  [10, '1,', '-1,'],
  [11, 'prefill', 'continue'],
  [12, 'order ', 'random '],
  [13, '15s', '15'],
  [14, '8s', '8%'],
  [15, '20%', '20s'],
  [16, '50%', 'half'],
  [17, 'auto', 'always'],
  [18, '32MiB', '-32MiB'],
]

test('C1: whatever set of lines is broken, exactly those lines are named, all at once', () => {
  const lines = FIXTURE.toString().split('\n')
  fc.assert(
    fc.property(fc.subarray([...BREAKS], { minLength: 1 }), (breaks) => {
      const broken = [...lines]
      for (const [line, from, to] of breaks) broken[line - 1] = (broken[line - 1] ?? '').replace(from, to)
      const loaded = load(Buffer.from(broken.join('\n')))
      const named = new Set(
        loaded.problems.filter((problem) => problem.severity === 'error' && problem.path !== '').map((problem) => problem.line),
      )
      expect([...named]).toEqual(breaks.map(([line]) => line))
    }),
    { numRuns: 200 },
  )
})
