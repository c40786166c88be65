import { describe, expect, test } from 'bun:test'
import { loadDocument } from './index.ts'

/** Different in shape, so that no single pattern finds them all; none may come out again. */
const CANARIES = [
  'hunter2',
  'sk-proj-Zq8Zq8Zq8Zq8Zq8Zq8',
  'canary word 17',
  '0123456789abcdef0123456789abcdef',
  'eyJhbGciOi.eyJzdWIiOiIx.c2ln',
]

/** Ways to put a credential into a document. */
const PLACES: Readonly<Record<string, (secret: string) => string>> = {
  'as apiKey': (secret) => `providers: { a: { kind: openai, apiKey: "${secret}" } }`,
  'as apiKey on a line of its own': (secret) => `providers:\n  a:\n    kind: openai\n    apiKey:\n      "${secret}"\n`,
  'as apiKey in a block': (secret) => `providers:\n  a:\n    kind: openai\n    apiKey: |\n      ${secret}\n`,
  'as apiKey without quotes': (secret) => `providers:\n  a:\n    kind: opena\n    apiKey: ${secret}\n`,
  'behind Bearer': (secret) => `providers: { a: { kind: openai, apiKey: "Bearer ${secret}" } }`,
  'under a misspelt key': (secret) => `providers: { a: { kind: openai, api_key: "${secret}" } }`,
  'under an unknown key': (secret) => `providers: { a: { kind: openai, pat: "${secret}" } }`,
  'in a map under apiKey': (secret) => `providers: { a: { kind: openai, apiKey: { value: "${secret}" } } }`,
  'in a list under apiKey': (secret) => `providers: { a: { kind: openai, apiKey: ["${secret}"] } }`,
  'as user of the address': (secret) =>
    `providers: { a: { kind: openai, baseUrl: "https://me:${encodeURIComponent(secret)}@api.example.com" } }`,
  'in the query of the address': (secret) => `providers: { a: { kind: openai, baseUrl: "https://api.example.com?key=${secret}" } }`,
  'at the top': (secret) => `apiKey: "${secret}"\nproviders: {}`,
  'beside a tab': (secret) => `providers:\n  a:\n    kind: openai\n\tapiKey: "${secret}"\n`,
  'in a quote that is not closed': (secret) => `providers: { a: { kind: openai, apiKey: "${secret} } }`,
  twice: (secret) => `providers: { a: { kind: openai, apiKey: "${secret}", apiKey: "${secret}" } }`,
  'behind a key without a colon': (secret) => `providers: { a: { kind: openai, apiKey "${secret}" } }`,
  'behind a bracket too many': (secret) => `providers:\n  a: { kind: openai, apiKey}: "${secret}" }\n`,
  'without a key': (secret) => `providers:\n  a: { kind: openai, "${secret}" }\n`,
  'at the wrong indentation': (secret) => `providers:\n  a:\n    kind: openai\n  apiKey:\n    "${secret}"\n`,
  'behind an alias': (secret) => `providers:\n  a: { kind: openai, apiKey: &key "${secret}" }\n  b: { kind: opena, apiKey: *key }\n`,
}

describe('X1: a literal credential is refused and comes out nowhere', () => {
  const cases = Object.entries(PLACES).flatMap(([place, write]) => CANARIES.map((secret) => [place, secret, write(secret)] as const))
  test.each(cases)('%s: %s', (_place, secret, text) => {
    const loaded = loadDocument({ file: 'holdfast.yaml', content: new TextEncoder().encode(text), environment: {}, loadedAt: 0 })
    expect(loaded.ok).toBe(false)
    const shown = JSON.stringify(loaded.problems)
    expect(shown).not.toContain(secret)
    expect(shown).not.toContain(encodeURIComponent(secret))
  })

  test.each([
    ['in a comment', '# was sk-abcdefghijklmnopqrst'],
    ['as a bearer token in a comment', '# Authorization: Bearer abcdefghijklmnop'],
    ['in an address in a comment', '# see https://me:hunter2@example.com'],
  ])('%s', (_name, line) => {
    const loaded = loadDocument({
      file: 'holdfast.yaml',
      content: new TextEncoder().encode(`providers: {}\n${line}\n`),
      environment: {},
      loadedAt: 0,
    })
    expect(loaded.problems.map((problem) => `${problem.line} ${problem.code}`)).toContain('2 literal_secret')
    expect(JSON.stringify(loaded.problems)).not.toMatch(/abcdefgh|hunter2/)
  })

  test('what the environment holds comes out nowhere, even when it is unfit', () => {
    const text = 'providers: { a: { kind: openai, apiKey: "${KEY}" } }'
    const loaded = loadDocument({
      file: 'holdfast.yaml',
      content: new TextEncoder().encode(text),
      environment: { KEY: 'canary word 17' },
      loadedAt: 0,
    })
    expect(loaded.problems.map((problem) => problem.code)).toContain('bad_environment')
    expect(JSON.stringify(loaded.problems)).not.toContain('canary')
  })
})

test('what is no credential is shown as it stands', () => {
  const text = 'providers:\n  a: { kind: opena, baseUrl: "http://127.0.0.1:1/v1", apiKey: "${KEY}" } # note\n'
  const loaded = loadDocument({ file: 'holdfast.yaml', content: new TextEncoder().encode(text), environment: { KEY: 'k' }, loadedAt: 0 })
  const shown = loaded.problems.find((problem) => problem.code === 'bad_choice')?.excerpt
  expect(shown).toEqual({ text: '  a: { kind: opena, baseUrl: "http://127.0.0.1:1/v1", apiKey: "${KEY}" } # …', column: 14 })
})

test('names that only resemble credentials are no problem', () => {
  const text =
    'providers: { a: { kind: scripted } }\nmodels: { ask-anything-about-the-product-1: { upstreams: [a/task-model-for-long-documents-2] } } # sk- is a prefix\n'
  const loaded = loadDocument({ file: 'holdfast.yaml', content: new TextEncoder().encode(text), environment: {}, loadedAt: 0 })
  expect(loaded.problems).toEqual([])
})
