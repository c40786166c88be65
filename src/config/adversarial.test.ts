import { systemClock } from '#base'
import { describe, expect, test } from 'bun:test'
import { loadDocument } from './index.ts'

const SIZE = 256 * 1024

function load(content: string | Uint8Array): ReturnType<typeof loadDocument> {
  return loadDocument({
    file: 'holdfast.yaml',
    content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
    environment: {},
    loadedAt: 0,
  })
}

function fill(piece: string): string {
  return piece.repeat(Math.floor(SIZE / piece.length))
}

function bomb(): string {
  const names = [...'abcdefghi']
  const lines = names.map(
    (name, index) =>
      `  ${name}: &${name} [${Array.from({ length: 9 }, () => (index === 0 ? 'x' : `*${names[index - 1] ?? ''}`)).join(', ')}]`,
  )
  return `providers:\n${lines.join('\n')}\n`
}

/** What no document may be, the code that says so, and the line. */
const REFUSED: Readonly<Record<string, readonly [content: string | Uint8Array, code: string, line: number]>> = {
  'an empty file': ['', 'empty_document', 1],
  'comments alone': ['# later\n\n---\n', 'empty_document', 1],
  'a file cut after a key': ['providers:\n', 'wrong_type', 1],
  'a file cut in a quote': ['providers:\n  a: { kind: "opena', 'bad_yaml', 2],
  'a list': ['- a', 'not_a_map', 1],
  'a bare word': ['hello', 'not_a_map', 1],
  'a NUL byte': ['providers: {}\n# \0', 'control_character', 2],
  'an escape character': ['providers: {}\n\u001b[2J', 'control_character', 2],
  'bytes that are not UTF-8': [new Uint8Array([0x61, 0x3a, 0x0a, 0xc3, 0x28]), 'invalid_utf8', 2],
  'UTF-16': [new Uint8Array([0xff, 0xfe, 0x61, 0x00]), 'invalid_utf8', 1],
  'more than 256 KiB': ['#'.repeat(SIZE + 1), 'document_too_large', 1],
  'two documents': ['providers: {}\n---\nproviders: {}\n', 'several_documents', 2],
  'a tab as indentation': ['providers:\n\ta: { kind: scripted }', 'bad_yaml', 2],
  '5,000 lists in each other': [`providers: ${'['.repeat(5_000)}${']'.repeat(5_000)}`, 'too_deep', 1],
  '5,000 maps in each other': [`{providers: `.repeat(5_000), 'too_deep', 1],
  'nesting by dashes': [fill('- '), 'too_deep', 1],
  'nesting by question marks': [fill('? '), 'too_deep', 1],
  'nesting by lines': [Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), 'too_deep', 34],
  'an alias bomb': [bomb(), 'alias_bomb', 5],
  'an alias of what it is in': ['providers: &all { a: *all }', 'alias_bomb', 1],
  'an alias of nothing': ['providers: *none', 'unknown_alias', 1],
  'the key __proto__': ['providers: {}\n__proto__: { polluted: true }', 'forbidden_key', 2],
  'the key __proto__ as a model': ['providers: {}\nmodels:\n  __proto__: {}', 'forbidden_key', 3],
  'the key constructor': ['providers: { constructor: { kind: scripted } }', 'forbidden_key', 1],
  'a merge key': ['providers:\n  a: &a { kind: scripted }\n  b: { <<: *a }', 'unknown_key', 3],
  'a list as a key': ['providers: {}\n? [a, b]\n: c', 'bad_yaml', 2],
  'a tag': ['providers: !!set { a, b }', 'bad_yaml', 1],
  'a timestamp': ['providers: !!timestamp 2001-01-01', 'bad_yaml', 1],
  'another YAML': ['%YAML 1.1\n---\nproviders: {}', 'bad_yaml', 1],
  'an unknown directive': ['%HOLD fast\n---\nproviders: {}', 'bad_yaml', 1],
}

describe('C1: bad input is refused with a reason and a line', () => {
  test.each(Object.entries(REFUSED))('%s', (_name, [content, code, line]) => {
    const loaded = load(content)
    expect(loaded.ok).toBe(false)
    expect(loaded.problems.map((problem) => `${problem.code} ${problem.line}`)).toContain(`${code} ${line}`)
  })

  test('and leaves no trace on other objects', () => {
    load('providers: {}\n__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})

/** Texts of the largest size that make careless readers slow. */
const SLOW: Readonly<Record<string, string>> = {
  brackets: fill('['),
  commas: `[${fill(',')}`.slice(0, SIZE),
  quotes: fill('"'),
  colons: fill(': '),
  hashes: fill('#'),
  anchors: fill('&a '),
  aliases: fill('- *a\n'),
  documents: fill('a\n---\n'),
  directives: fill('%a\n'),
  'reserved characters': fill('@a\n'),
  'one key, again and again': fill('a: 1\n'),
  'different keys': Array.from({ length: 22_000 }, (_, index) => `key${index}: 1`).join('\n'),
  'wrong escapes': `a: "${fill('\\q').slice(0, SIZE - 10)}"`,
  'what begins like a token': fill('eyJ-'),
  'what begins like an address': fill('://a:'),
  'at signs': `a: ${fill('@:').slice(0, SIZE - 10)}`,
  'unknown upstreams': `providers: {}\nmodels: { m: { upstreams: [${Array.from({ length: 25_000 }, (_, index) => `q/m${index}`).join(',')}] } }`,
}

describe('bad input is refused before anybody notices', () => {
  test.each(Object.entries(SLOW))('256 KiB of %s', (_name, text) => {
    const start = systemClock.monotonic()
    const loaded = load(text)
    expect(loaded.ok).toBe(false)
    expect(loaded.problems.length).toBeGreaterThan(0)
    expect(loaded.problems.length).toBeLessThanOrEqual(100)
    expect(systemClock.monotonic() - start).toBeLessThan(5_000)
  })
})

describe('what looks odd and is right', () => {
  test.each([
    ['a byte order mark', '\uFEFFproviders: {}\n'],
    ['CRLF line ends', 'providers: {}\r\nmodels: {}\r\n'],
    ['a document marker', '---\nproviders: {}\n...\n'],
    ['JSON', '{"providers": {"a": {"kind": "scripted"}}, "models": {"m": {"upstreams": ["a/b"]}}}'],
    ['names of methods', 'providers: { toString: { kind: scripted }, hasOwnProperty: { kind: scripted } }'],
    ['numbers as names', 'providers: { 1: { kind: scripted } }\nmodels: { 2: { upstreams: [1/gpt] } }'],
  ])('%s', (_name, text) => {
    const loaded = load(text)
    expect(loaded.problems.filter((problem) => problem.severity === 'error')).toEqual([])
    expect(loaded.ok).toBe(true)
  })
})
