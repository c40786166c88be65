import { describe, expect, test } from 'bun:test'
import { systemClock } from '#base'
import type { Continuation } from '#contract'
import * as fc from 'fast-check'
import { chooseAnchor } from './anchor.ts'
import { divideDelivered } from './delivered-core.ts'
import { NATURAL_TEXTS, REPETITIVE_TEXTS } from './natural-texts.ts'
import { Seam } from './seam.ts'

interface Joint {
  readonly delivered: string
  readonly way: Continuation
  readonly anchor?: string | undefined
  readonly pieces: readonly string[]
}

/** The whole text that the client has in the end, or why there is none. */
function join({ delivered, way, anchor, pieces }: Joint): { text: string } | { broken: string; sent: string } {
  const seam = new Seam(delivered, way, anchor)
  let sent = ''
  for (const piece of pieces) sent += seam.push(piece)
  const end = seam.end()
  return 'broken' in end ? { broken: end.broken, sent } : { text: delivered + sent + end.text }
}

function joinWhole(
  delivered: string,
  way: Continuation,
  reply: string,
  anchor?: string,
): { text: string } | { broken: string; sent: string } {
  return join({ delivered, way, anchor, pieces: [reply] })
}

function anchorOf(delivered: string): string | undefined {
  return chooseAnchor(divideDelivered(delivered).core)
}

/** Cuts between any two UTF-16 units, also within surrogate pairs. */
function split(text: string, cuts: readonly number[]): string[] {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length]
  return at.slice(1).map((end, i) => text.slice(at[i], end))
}

const natural = fc.constantFrom(...Object.values(NATURAL_TEXTS))
const any = fc.constantFrom(...Object.values(NATURAL_TEXTS), ...Object.values(REPETITIVE_TEXTS))
const random = fc.string({ unit: 'grapheme', minLength: 2, maxLength: 120 })
const cuts = fc.array(fc.nat(2_000), { maxLength: 30 })
const position = fc.double({ min: 0, max: 1, noNaN: true })

function cutAt(text: string, share: number): number {
  return Math.max(1, Math.min(text.length - 1, Math.ceil(share * text.length)))
}

describe('S2: what is sent and what was delivered are one text', () => {
  test('an upstream that continues a prefill exactly', () => {
    fc.assert(
      fc.property(natural, position, cuts, (text, share, pieces) => {
        const delivered = text.slice(0, cutAt(text, share))
        const { core } = divideDelivered(delivered)
        expect(join({ delivered, way: 'prefill', pieces: split(text.slice(core.length), pieces) })).toEqual({ text })
      }),
      { numRuns: 3_000 },
    )
  })

  test('an upstream that repeats the anchor and goes on', () => {
    fc.assert(
      fc.property(fc.oneof(any, random), position, cuts, (text, share, pieces) => {
        const delivered = text.slice(0, cutAt(text, share))
        const { core } = divideDelivered(delivered)
        const anchor = anchorOf(delivered)
        if (anchor === undefined) return
        const reply = anchor + text.slice(core.length)
        expect(join({ delivered, way: 'instruct', anchor, pieces: split(reply, pieces) })).toEqual({ text })
      }),
      { numRuns: 3_000 },
    )
  })

  test('an upstream that is asked again and says the same', () => {
    fc.assert(
      fc.property(fc.oneof(any, random), position, cuts, (text, share, pieces) => {
        const delivered = text.slice(0, cutAt(text, share))
        expect(join({ delivered, way: 'restart', pieces: split(text, pieces) })).toEqual({ text })
      }),
      { numRuns: 3_000 },
    )
  })

  test('an upstream that starts over although it was told to continue', () => {
    fc.assert(
      fc.property(natural, position, cuts, fc.constantFrom<Continuation>('prefill', 'instruct'), (text, share, pieces, way) => {
        const delivered = text.slice(0, cutAt(text, share))
        if (delivered.trim().length < 4) return
        const anchor = way === 'instruct' ? anchorOf(delivered) : undefined
        expect(join({ delivered, way, anchor, pieces: split(text, pieces) })).toEqual({ text })
      }),
      { numRuns: 3_000 },
    )
  })

  test('another answer is never spliced onto a restart', () => {
    fc.assert(
      fc.property(natural, fc.oneof(natural, random), position, cuts, (text, other, share, pieces) => {
        const delivered = text.slice(0, cutAt(text, share))
        if (other.trimStart().startsWith(delivered)) return
        expect(join({ delivered, way: 'restart', pieces: split(other, pieces) })).toMatchObject({ sent: '' })
      }),
      { numRuns: 2_000 },
    )
  })

  test('the outcome does not depend on how the reply is split', () => {
    const reply = fc.tuple(any, position, position, fc.nat(60), fc.constantFrom('', ' ', '\n', 'Sure, here is the rest:\n\n', '"', '…'))
    fc.assert(
      fc.property(
        reply,
        cuts,
        fc.constantFrom<Continuation>('prefill', 'instruct', 'restart'),
        ([text, share, back, more, before], pieces, way) => {
          const cut = cutAt(text, share)
          const delivered = text.slice(0, cut)
          const anchor = way === 'instruct' ? anchorOf(delivered) : undefined
          const replied = before + text.slice(Math.floor(cut * back), cut + more)
          expect(join({ delivered, way, anchor, pieces: split(replied, pieces) })).toEqual(joinWhole(delivered, way, replied, anchor))
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('no piece that is sent ends within a surrogate pair', () => {
    const seam = new Seam('Look: ', 'prefill')
    const sent = [...'go on now then 😀😀'.split('').map((unit) => seam.push(unit)), ...['😀 there'].map((text) => seam.push(text))]
    for (const piece of sent) expect(piece.isWellFormed()).toBe(true)
    expect(sent.join('')).toBe('go on now then 😀😀😀 there')
  })
})

describe('what upstreams do', () => {
  const delivered = 'The anchor that keeps a kelp in its place is called the hold'
  const rest = 'fast grips the rock below.'
  const whole = { text: delivered + rest }

  test.each<[string, Continuation, string]>([
    ['continues exactly', 'prefill', rest],
    ['begins the cut word again', 'prefill', `hold${rest}`],
    ['repeats two words', 'prefill', `the hold${rest}`],
    ['repeats the line', 'prefill', delivered + rest],
    ['repeats from within a word', 'prefill', `alled the hold${rest}`],
    ['repeats with the space before it', 'prefill', ` is called the hold${rest}`],
    ['repeats the anchor', 'instruct', `${anchorOf(delivered)}${rest}`],
    ['quotes the anchor after an introduction', 'instruct', `Sure, here is the continuation:\n\n"…${anchorOf(delivered)}${rest}`],
    ['repeats the anchor with other white space', 'instruct', `${anchorOf(delivered)?.replaceAll(' ', '\n')}${rest}`],
    ['repeats fewer words than the anchor', 'instruct', `called the hold${rest}`],
    ['ignores the anchor and continues exactly', 'instruct', rest],
    ['announces and does not repeat', 'instruct', `Sure, here is the rest:\n\nthe hold${rest}`],
  ])('%s (%s)', (_, way, reply) => {
    expect(joinWhole(delivered, way, reply, way === 'instruct' ? anchorOf(delivered) : undefined)).toEqual(whole)
  })

  test.each<[string, string, Continuation, string, string]>([
    ['repeats one word after a space', 'It sat on the mat ', 'instruct', 'mat and slept.', 'It sat on the mat and slept.'],
    ['repeats a short sentence', 'Wait. It holds. ', 'prefill', 'It holds. Always.', 'Wait. It holds. Always.'],
    ['drops the space that was delivered', 'on the ', 'prefill', 'mat', 'on the mat'],
    ['brings the line break again, and one more', 'a title\n', 'prefill', '\n\ntext', 'a title\n\ntext'],
    ['begins a list item again', '- apples\n- ', 'prefill', '- pears', '- apples\n- pears'],
    ['begins an indented line again', 'if (a) {\n    ret', 'prefill', '    return b', 'if (a) {\n    return b'],
    ['repeats a Chinese clause', '老人说风暴并不可怕', 'prefill', '并不可怕，可怕的是', '老人说风暴并不可怕，可怕的是'],
    ['finishes half an emoji', 'ok \ud83d', 'prefill', ' \ud83d\ude00!', 'ok 😀!'],
    ['goes on within a grapheme', 'family 👨‍👩', 'prefill', '‍👧 and', 'family 👨‍👩‍👧 and'],
  ])('%s', (_, before, way, reply, text) => {
    expect(joinWhole(before, way, reply)).toEqual({ text })
  })

  test.each<[string, string, string]>([
    ['laughs on', 'And he laughed: ha ha ha', ' ha ha!'],
    ['draws a ruler', '| a | b |\n|---|---', '|---|---|\n'],
    ['writes nines', 'that is 99', '99 times'],
    ['doubles a character', '我们看', '看吧'],
    ['closes blocks', '    }\n', '\n  }\n}\n'],
    ['doubles a word', 'It was very', ' very good'],
    ['repeats a refrain', 'Row, row, row your boat,\nrow, row', ', row your boat,'],
    ['repeats a line of code', 'x += 1\n', '\nx += 1\nreturn x'],
  ])('is not taken for a repeat when it %s', (_, before, reply) => {
    const { core } = divideDelivered(before)
    expect(joinWhole(before, 'prefill', reply)).toEqual({
      text: before + reply.slice(reply.startsWith(before.slice(core.length)) ? before.length - core.length : 0),
    })
  })
})

describe('without an honest seam nothing is sent', () => {
  const delivered = 'It is important to know that the lighthouse was built in 1911 by a company from Hull, and that'

  test.each<[string, Continuation, string, string]>([
    ['another answer', 'restart', 'The lighthouse is old.', 'different_answer'],
    ['an answer that ends before the seam', 'restart', delivered.slice(0, 20), 'ended_before_seam'],
    ['a retelling that diverges', 'prefill', `${delivered.slice(0, -30)}ship owners of Hull and others of that name`, 'retold'],
    ['a retelling of the anchor', 'instruct', 'by a company from Hull, and then it was painted.', 'retold'],
    [
      'the anchor after other text',
      'instruct',
      `My answer would have been another one. ${anchorOf(delivered)} it shone.`,
      'anchor_after_other_text',
    ],
    ['a new sentence within a sentence', 'instruct', 'Lighthouses are towers with a light.', 'does_not_follow'],
    ['an announcement without the anchor', 'instruct', 'Sure, here is the rest:\n\nit shone.', 'does_not_follow'],
  ])('%s (%s)', (_, way, reply, reason) => {
    const result = joinWhole(delivered, way, reply, way === 'instruct' ? anchorOf(delivered) : undefined)
    expect(result).toEqual({ broken: reason, sent: '' })
  })

  test('a short delivered text and something else', () => {
    expect(joinWhole('Yes', 'restart', 'No, it is not.')).toEqual({ broken: 'different_answer', sent: '' })
  })

  test('an empty reply within a sentence', () => {
    expect(joinWhole(delivered, 'prefill', '')).toEqual({ broken: 'empty_reply', sent: '' })
    expect(joinWhole(`${delivered}.`, 'prefill', '')).toEqual({ text: `${delivered}.` })
  })

  test('a character whose second half does not come', () => {
    expect(joinWhole('ok \ud83d', 'prefill', ' then')).toEqual({ broken: 'half_character', sent: '' })
  })

  test('one letter that may begin the cut word again, or double it', () => {
    expect(joinWhole('la casa se l', 'instruct', 'lenó de sombras')).toEqual({ broken: 'ambiguous', sent: '' })
  })
})

describe('bounds', () => {
  const long = Array.from({ length: 900 }, (_, i) => `Line ${i} says something that no other says: ${i * 7919}.\n`).join('')
  const tokens = (text: string): string[] => text.match(/.{1,4}/gsu) ?? []

  test.each<[Continuation, boolean]>([
    ['prefill', true],
    ['instruct', true],
    ['restart', true],
    ['prefill', false],
    ['instruct', false],
  ])('48 KB delivered, a token at a time (%s, starting over: %p), in well under a second', (way, over) => {
    const delivered = long.slice(0, 48 * 1024)
    const anchor = way === 'instruct' ? anchorOf(delivered) : undefined
    const pieces = tokens(over ? long : long.slice(divideDelivered(delivered).core.length))
    const started = systemClock.monotonic()
    expect(join({ delivered, way, anchor, pieces })).toEqual({ text: long })
    expect(systemClock.monotonic() - started).toBeLessThan(1_000)
  })

  test('a text of one repeated piece takes no longer', () => {
    const delivered = 'ha '.repeat(16_000)
    const started = systemClock.monotonic()
    const result = join({ delivered, way: 'prefill', pieces: tokens(' ha'.repeat(17_000)) })
    expect(result).toHaveProperty('text')
    expect(systemClock.monotonic() - started).toBeLessThan(1_000)
  })

  test('a reply that continues is held back for 16 units, or 300 where it may introduce an anchor', () => {
    const delivered = NATURAL_TEXTS['english']?.slice(0, 200) ?? ''
    for (const [way, first, most] of [
      ['prefill', 'A', 18],
      ['instruct', ' a', 18],
      ['instruct', 'Under', 300],
    ] as const) {
      const seam = new Seam(`${delivered}. `, way, way === 'instruct' ? anchorOf(`${delivered}. `) : undefined)
      let held = 0
      for (const piece of tokens(`${first} wholly new sentence goes on and on, ${long}`)) {
        if (seam.push(piece) !== '') break
        held += piece.length
      }
      expect(held).toBeLessThanOrEqual(most)
    }
  })
})
