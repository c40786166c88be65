import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { systemClock } from '#base'
import { withModel } from './request-body.ts'

const blank = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 })
const scalar = fc.oneof(
  fc.constantFrom('null', 'true', '0', '-1.5e3', '1e400', '12345678901234567890', '"model"', '"a\\"model"', '"\\\\"', '"{\\"model\\":1}"'),
  fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => JSON.stringify(text)),
)
const key = fc.oneof(
  fc.constantFrom('"model"', '"m\\u006fdel"', '"a\\"model"', '"model "', '"Model"', '"mode"', '"models"', '"\\\\"'),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
)
/** JSON text of any depth, with its own white space. */
const { value } = fc.letrec<{ value: string }>((tie) => {
  const member = fc.tuple(blank, key, blank, blank, tie('value'), blank).map(([a, name, b, c, one, d]) => `${a}${name}${b}:${c}${one}${d}`)
  const entry = fc.tuple(blank, tie('value'), blank).map(([a, one, b]) => a + one + b)
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`),
      fc.array(entry, { maxLength: 4 }).map((entries) => `[${entries.join(',')}]`),
    ),
  }
})
const MODEL_KEYS = ['"model"', '"m\\u006fdel"', '"\\u006d\\u006f\\u0064\\u0065\\u006c"'] as const
const other = fc.tuple(
  blank,
  key.filter((name) => JSON.parse(name) !== 'model'),
  blank,
  blank,
  value,
  blank,
)
const model = fc.tuple(blank, fc.constantFrom(...MODEL_KEYS), blank, blank, fc.constantFrom('"assistant"', '"assist\\u0061nt"'), blank)
const name = fc.oneof(fc.constantFrom('gpt-5-mini', 'a "quoted"\\name', '$&', '$1', 'ü/后'), fc.string({ unit: 'grapheme', maxLength: 20 }))

/** One member's text in five pieces, the value in the fourth place. */
function piecesOf([a, left, b, c, right, d]: readonly string[]): readonly [string, string, string] {
  return [`${a}${left}${b}:${c}`, right ?? '', d ?? '']
}

describe('withModel', () => {
  test('any object, with the model anywhere: only its value changes, and all other bytes stay', () => {
    fc.assert(
      fc.property(
        fc.array(other, { maxLength: 4 }),
        model,
        fc.array(other, { maxLength: 4 }),
        name,
        blank,
        (before, own, after, to, edge) => {
          const rest = (members: readonly (readonly string[])[]): string[] => members.map((member) => piecesOf(member).join(''))
          const [head, found, tail] = piecesOf(own)
          const body = `${edge}{${[...rest(before), head + found + tail, ...rest(after)].join(',')}}${edge}`
          const wanted = `${edge}{${[...rest(before), head + JSON.stringify(to) + tail, ...rest(after)].join(',')}}${edge}`
          expect(withModel(body, 'assistant', to)).toBe(wanted)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('a model that is named twice does not mean two things', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(other, model, model), { minLength: 1, maxLength: 6 }), name, (members, to) => {
        const body = `{${members.map((member) => piecesOf(member).join('')).join(',')}}`
        const wanted = `{${members
          .map((member) => {
            const [head, found, tail] = piecesOf(member)
            return head + (JSON.parse(member[1]) === 'model' ? JSON.stringify(to) : found) + tail
          })
          .join(',')}}`
        expect(withModel(body, 'assistant', to)).toBe(wanted)
      }),
      { numRuns: 2_000 },
    )
  })

  const table: readonly (readonly [string, string, string])[] = [
    ['first', '{"model":"a","messages":[]}', '{"model":"z","messages":[]}'],
    ['last, behind white space', '{ "messages" : [ ] ,\n "model" :\t"a" }', '{ "messages" : [ ] ,\n "model" :\t"z" }'],
    ['also inside', '{"tools":[{"model":"a"}],"model":"a","x":{"model":"a"}}', '{"tools":[{"model":"a"}],"model":"z","x":{"model":"a"}}'],
    ['only inside in letters', '{"x":{"model":"a"},"mod\\u0065l":"a"}', '{"x":{"model":"a"},"mod\\u0065l":"z"}'],
    [
      'named in a text',
      '{"messages":[{"content":"set \\"model\\":\\"a\\""}],"model":"a"}',
      '{"messages":[{"content":"set \\"model\\":\\"a\\""}],"model":"z"}',
    ],
    ['as a value', '{"x":"model","model":"a"}', '{"x":"model","model":"z"}'],
    ['twice', '{"model":"a","n":1,"model":"a"}', '{"model":"z","n":1,"model":"z"}'],
    ['twice, first as a number', '{"model":17 ,"model":"a"}', '{"model":"z" ,"model":"z"}'],
    ['twice, first as an object', '{"model":{"model":"a"},"model":"a"}', '{"model":{"model":"a"},"model":"z"}'],
    [
      'numbers that JavaScript cannot hold',
      '{"seed":12345678901234567890,"t":1e400,"model":"a"}',
      '{"seed":12345678901234567890,"t":1e400,"model":"z"}',
    ],
    ['braces in a text', '{"x":"}]{[","model":"a"}', '{"x":"}]{[","model":"z"}'],
    ['backslashes before a quote', '{"x":"\\\\","y":"\\\\\\"","model":"a"}', '{"x":"\\\\","y":"\\\\\\"","model":"z"}'],
  ]
  test.each(table)('%s', (_, body, expected) => expect(withModel(body, 'a', 'z')).toBe(expected))

  // A pattern with a group in it gives up on such strings without a word, and the upstream gets our own name for the model.
  test.each(['x', '\\n', '\\"', '\\\\', 'a\\n', '后', '{', '"model"'.replaceAll('"', '\\"')])(
    '5 MB of %s, wherever the model stands',
    (unit) => {
      const text = unit.repeat(Math.ceil(5_000_000 / unit.length))
      const bodies = [
        (to: string): string => `{"messages":[{"content":"${text}"}],"model":"${to}"}`,
        (to: string): string => `{"model":"${to}","messages":[{"content":"${text}"}]}`,
        (to: string): string => `{"messages":[{"content":"${text}"}],"model":"${to}","metadata":{"model":"${text}"}}`,
      ]
      for (const make of bodies) {
        const began = systemClock.monotonic()
        const result = withModel(make('a'), 'a', 'gpt-5-mini')
        expect(systemClock.monotonic() - began).toBeLessThan(500)
        // Compared as a whole, but not printed when it differs.
        expect(result === make('gpt-5-mini')).toBe(true)
      }
    },
  )
})
