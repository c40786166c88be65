import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { nearest } from './nearest.ts'

const MODELS = ['assistant', 'openai/gpt-5-mini', 'mistral/mistral-small-latest', 'near/llama3.2', 'embed']

describe('nearest', () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['asistant', ['assistant']],
    ['ASSISTANT', ['assistant']],
    ['asisstant', ['assistant']],
    ['gpt-5-mini', ['openai/gpt-5-mini']],
    ['llama3.2', ['near/llama3.2']],
    ['embedd', ['embed']],
    ['claude-opus', []],
    ['', []],
    ['zz', []],
  ]
  test.each(table)('%s', (word, expected) => expect(nearest(word, MODELS)).toEqual([...expected]))

  test('the nearest comes first, and no more than asked for', () => {
    expect(nearest('modle-a', ['model-c', 'model-a', 'modle-b', 'model-bb'], 2)).toEqual(['modle-b', 'model-a'])
  })

  test('a known word is always found first, within three that are all known', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 3, maxLength: 20 }), { minLength: 1, maxLength: 8 }), fc.nat(), (words, pick) => {
        const word = words[pick % words.length] ?? ''
        const found = nearest(word, words)
        expect(found).toContain(word)
        expect(found.length).toBeLessThanOrEqual(3)
        expect(words).toEqual(expect.arrayContaining(found))
      }),
    )
  })

  test('one typing error in a longer word is always found', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 6, maxLength: 30 })
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('drop', 'add', 'change'), (text, at, how) => {
        const i = at % text.length
        const typed = text.slice(0, i) + (how === 'drop' ? '' : 'z') + text.slice(how === 'add' ? i : i + 1)
        expect(nearest(typed, [text])).toEqual([text])
      }),
    )
  })

  test('a word of a million letters costs nothing', () => {
    expect(nearest('x'.repeat(1_000_000), MODELS)).toEqual([])
  })
})
