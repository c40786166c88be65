import { describe, expect, test } from 'bun:test'
import type { ChatRequest } from '#contract'
import { deadlinesFor, type StagedDeadlines } from './deadlines.ts'

const ASKED: ChatRequest = { model: 'assistant', messages: [{}] }
const STREAMED = { ...ASKED, stream: true }

/** headers, first token, stall, in seconds. */
function seconds({ headers, firstToken, stall }: StagedDeadlines): readonly number[] {
  return [headers, firstToken, stall].map((ms) => ms / 1_000)
}

describe('deadlinesFor', () => {
  test('streamed: 15 s, 30 s, 20 s; whole: 120 s for its headers', () => {
    expect(seconds(deadlinesFor({}, 'gpt-4o', STREAMED))).toEqual([15, 30, 20])
    expect(seconds(deadlinesFor({}, 'gpt-4o', ASKED))).toEqual([120, 120, 20])
    expect(seconds(deadlinesFor({}, 'gpt-4o', { ...ASKED, stream: false }))).toEqual([120, 120, 20])
    expect(deadlinesFor({}, 'gpt-4o', STREAMED)).toMatchObject({ connect: 2_000, total: 600_000 })
  })

  const REASONING = [
    'o1',
    'o3-mini',
    'openai/o4-mini',
    'gpt-5',
    'gpt-5-mini',
    'deepseek-r1',
    'deepseek/deepseek-r1:free',
    'qwq-32b',
    'magistral-small',
    'grok-4',
    'grok-3-mini',
    'kimi-k2-thinking',
    'deepseek-reasoner',
  ]
  test.each(REASONING)('%s is known to reason: 120 s and 60 s', (model) => {
    expect(seconds(deadlinesFor({}, model, STREAMED))).toEqual([120, 120, 60])
    expect(seconds(deadlinesFor({}, model, ASKED))).toEqual([120, 120, 60])
  })

  test.each(['gpt-4o', 'gpt-4o-mini', 'llama3.2', 'mistral-small-latest', 'claude-opus', 'foo1', 'yolo1', 'gpt-50', 'r12'])(
    '%s is not',
    (model) => expect(seconds(deadlinesFor({}, model, STREAMED))).toEqual([15, 30, 20]),
  )

  test('a call that asks for reasoning gets its time, one that declines it does not', () => {
    expect(seconds(deadlinesFor({}, 'gpt-4o', { ...STREAMED, reasoning_effort: 'low' }))).toEqual([120, 120, 60])
    expect(seconds(deadlinesFor({}, 'gpt-4o', { ...STREAMED, reasoning_effort: 'none' }))).toEqual([15, 30, 20])
    expect(seconds(deadlinesFor({}, 'gpt-4o', { ...STREAMED, reasoning_effort: null }))).toEqual([15, 30, 20])
  })

  test('a value that is written in the document holds for all', () => {
    const written = { headers: 1_000, stall: 3_000, total: 9_000, connect: 500 }
    for (const model of ['gpt-4o', 'o3']) {
      for (const request of [ASKED, STREAMED]) expect(deadlinesFor(written, model, request)).toMatchObject(written)
    }
    expect(seconds(deadlinesFor({ firstToken: 7_000 }, 'o3', STREAMED))).toEqual([120, 7, 60])
  })
})
