import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { StopScan } from './stop-sequences.ts'

function scan(
  stops: string | readonly string[] | null | undefined,
  delivered: string,
  pieces: readonly string[],
): { text: string; stopped: boolean } {
  const scanner = new StopScan(stops, delivered)
  let text = ''
  for (const piece of pieces) {
    const result = scanner.push(piece)
    text += result.text
    if (result.stopped) return { text, stopped: true }
  }
  return { text: text + scanner.end(), stopped: false }
}

test('a sequence across the seam ends the answer; what of it was delivered stays', () => {
  expect(scan('END', 'one E', ['N', 'D two'])).toEqual({ text: '', stopped: true })
  expect(scan(['END', '\n\n'], 'one', ['.\n', '\ntwo'])).toEqual({ text: '.', stopped: true })
})

test('a sequence that was delivered whole does not end the rest', () => {
  expect(scan(['a', 'longer'], 'ba', ['nd on'])).toEqual({ text: 'nd on', stopped: false })
})

test('a possible start is held back only while it is one', () => {
  const scanner = new StopScan(['###'], 'text')
  expect(scanner.push('a#')).toEqual({ text: 'a', stopped: false })
  expect(scanner.push('#b')).toEqual({ text: '##b', stopped: false })
  expect(scanner.push('##')).toEqual({ text: '', stopped: false })
  expect(scanner.end()).toBe('##')
  expect(scanner.end()).toBe('')
})

test('nothing is changed without stop sequences', () => {
  for (const none of [null, undefined, '', [], ['']]) expect(scan(none, 'a', ['b', '', 'c'])).toEqual({ text: 'bc', stopped: false })
})

test('however the reply is split, it ends before the sequence that is complete first', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 })
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), { maxLength: 3 })
  fc.assert(
    fc.property(letters, fc.array(letters, { maxLength: 6 }), stops, (delivered, pieces, sequences) => {
      const reply = pieces.join('')
      const whole = delivered + reply
      let end = Number.POSITIVE_INFINITY
      let start = 0
      for (const stop of sequences) {
        for (let at = whole.indexOf(stop); at !== -1; at = whole.indexOf(stop, at + 1)) {
          const closes = at + stop.length
          if (closes <= delivered.length) continue
          if (closes < end || (closes === end && at < start)) {
            end = closes
            start = at
          }
          break
        }
      }
      const expected =
        end === Number.POSITIVE_INFINITY
          ? { text: reply, stopped: false }
          : { text: reply.slice(0, Math.max(0, start - delivered.length)), stopped: true }
      expect(scan(sequences, delivered, pieces)).toEqual(expected)
    }),
    { numRuns: 2_000 },
  )
})
