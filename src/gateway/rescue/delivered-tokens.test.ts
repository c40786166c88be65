import { expect, test } from 'bun:test'
import { deliveredTokens } from './delivered-tokens.ts'

test('frames that look like a token each are counted as tokens', () => {
  expect(deliveredTokens('The tide comes in', 4)).toBe(4)
})

test('larger frames, or none known, are estimated by bytes', () => {
  expect(deliveredTokens('a'.repeat(400), 3)).toBe(100)
  expect(deliveredTokens('海'.repeat(40), 2)).toBe(30)
  expect(deliveredTokens('abcde', 0)).toBe(2)
  expect(deliveredTokens('', 0)).toBe(0)
})
