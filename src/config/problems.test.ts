import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { loadDocument } from './index.ts'
import type { ConfigProblem } from './problem.ts'

const ENV = { OPENAI_API_KEY: 'test-one', MISTRAL_API_KEY: 'test-two', BLANK: ' ', BROKEN: 'two words' }

/** A valid document in which one line can be replaced. */
const LINES = [
  'providers:',
  '  openai: { kind: openai, apiKey: "${OPENAI_API_KEY}" }',
  '  near: { kind: openai-compatible, baseUrl: "http://127.0.0.1:11434/v1" }',
  'models:',
  '  assistant:',
  '    upstreams:',
  '      - openai/gpt-5-mini',
  '      - { upstream: near/llama3.2, continuation: prefill }',
  '    breaker: { cooldown: 1s }',
  'limits: { wait: 5s }',
]

function problemsOf(lines: readonly string[]): readonly ConfigProblem[] {
  return loadDocument({
    file: '/etc/holdfast/holdfast.yaml',
    content: new TextEncoder().encode(lines.join('\n')),
    environment: ENV,
    loadedAt: 0,
  }).problems
}

function withLine(line: number, text: string): string[] {
  return LINES.with(line - 1, text)
}

test('C1: the document that the table below breaks is valid', () => {
  expect(problemsOf(LINES)).toEqual([])
})

/** Three lines each: the line that is replaced and its new text, the place and the code, the message. */
const TABLE = readFileSync(new URL('./fixtures/problems.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n\n')
  .map((block): readonly [change: string, place: string, message: string] => {
    const [change = '', place = '', message = ''] = block.split('\n')
    return [change, place, message]
  })

describe('C1: each kind of problem says path, line, what was found, what was expected and the remedy', () => {
  test.each(TABLE)('%s: %s', (change, place, message) => {
    const bar = change.indexOf('|')
    const text = change
      .slice(bar + 1)
      .replaceAll('\\n', '\n')
      .replaceAll('\\t', '\t')
    const problems = problemsOf(withLine(Number(change.slice(0, bar)), text))
    const problem = problems.find((candidate) => `${candidate.line}:${candidate.column} ${candidate.code}` === place)
    expect(problem?.message ?? problems).toBe(message)
    for (const part of [problem?.found, problem?.expected, problem?.remedy]) expect(part?.length).toBeGreaterThan(0)
  })
})

test('C1: all problems come at once, in the order of the text', () => {
  const lines = LINES.with(1, '  openai: { kind: opena, apiKey: hunter2 }')
    .with(6, '      - nowhere/x')
    .with(9, 'limits: { wait: soon, colour: red }')
  const problems = problemsOf(lines)
  expect(problems.map((problem) => `${problem.line} ${problem.code}`)).toEqual([
    '2 unused_provider',
    '2 bad_choice',
    '2 literal_secret',
    '7 unknown_provider',
    '10 bad_duration',
    '10 unknown_key',
  ])
})

test('an alias gives several models the same breaker', () => {
  const lines = [...LINES.slice(0, 8), '    breaker: &shared { failures: 3 }', '  other: { upstreams: [near/x], breaker: *shared }']
  const loaded = loadDocument({ file: 'holdfast.yaml', content: new TextEncoder().encode(lines.join('\n')), environment: ENV, loadedAt: 0 })
  expect(loaded.ok && loaded.snapshot.models.get('other')?.breaker.failures).toBe(3)
})
