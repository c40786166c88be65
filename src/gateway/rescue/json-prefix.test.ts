import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { JsonPrefix } from './json-prefix.ts'

function check(text: string): { valid: boolean; complete: boolean } {
  const json = new JsonPrefix()
  const valid = json.push(text)
  return { valid, complete: json.complete }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('every beginning of a JSON text is valid, and only whole values are complete', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, cut) => {
      const beginning = text.slice(0, cut % (text.length + 1))
      expect(check(beginning)).toEqual({ valid: true, complete: parses(beginning) })
      expect(check(text).complete).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('agrees with JSON.parse on texts of JSON characters', () => {
  const text = fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0019eE+-.tfnrualse \n'), maxLength: 10 })
  fc.assert(
    fc.property(text, (candidate) => {
      expect(check(candidate).complete).toBe(parses(candidate))
    }),
    { numRuns: 20_000 },
  )
})

test('what cannot become JSON is refused', () => {
  for (const text of [
    '{,',
    '[,',
    '[1,]',
    '{"a":1,}',
    '01',
    '1.e',
    '-a',
    '.5',
    '+1',
    'tru ',
    'nulll',
    '"\n',
    '"\\x',
    '"\\u12g',
    '{} {',
    'Sure',
    '{a',
    '{"a" 1',
    '[1 2',
    '}',
    ']',
    '[}',
    '1e+.',
  ]) {
    expect({ text, valid: check(text).valid }).toEqual({ text, valid: false })
  }
})

test('the answer does not depend on how the text is split', () => {
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 1, max: 5 }), (text, size) => {
      const json = new JsonPrefix()
      for (let at = 0; at < text.length; at += size) expect(json.push(text.slice(at, at + size))).toBe(true)
      expect(json.complete).toBe(true)
    }),
  )
})

test('depth is bounded and costs no stack', () => {
  expect(check('['.repeat(1_000)).valid).toBe(true)
  expect(check('['.repeat(100_000)).valid).toBe(false)
})
