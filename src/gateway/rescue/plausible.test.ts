import { describe, expect, test } from 'bun:test'
import { Seam } from './seam.ts'

const TEXT = 'A holdfast is the root by which kelp grips the rock. It takes no food from it: it only holds on.'
const AT = TEXT.indexOf(' the rock')
const ANCHOR = 'is the root by which kelp grips'

/** What of a reply to `instruct` or `prefill` is sent, or why nothing is. */
function join(delivered: string, reply: string, way: 'instruct' | 'prefill' = 'instruct', anchor?: string): string {
  const seam = new Seam(delivered, way, anchor)
  let out = seam.push(reply)
  const end = seam.end()
  if ('broken' in end) return end.broken
  out += end.text
  return out
}

describe('a reply that repeats nothing', () => {
  const within = TEXT.slice(0, AT)
  test.each([
    ['says something else', 'I would rather talk about bananas.'],
    ['asks back', 'What would you like me to finish?'],
    ['begins a sentence within one', 'Kelp clings to rocks.'],
    ['opens a fence within a line', '```\n the rock. It takes no food.\n```'],
    ['begins with dots', '... the rock. It takes no food.'],
    ['opens a quotation behind a letter', '"the rock. It takes no food."'],
    ['opens an emphasis behind a letter', '**the rock.** It takes no food.'],
  ])('and %s is not joined, whichever way it was asked', (_, reply) => {
    expect(join(within, reply, 'instruct', ANCHOR)).toBe('does_not_follow')
    expect(join(within, reply, 'prefill')).toBe('does_not_follow')
  })

  test.each([
    [TEXT.slice(0, AT), TEXT.slice(AT)],
    [TEXT.slice(0, AT + 1), TEXT.slice(AT + 1)],
    [TEXT.slice(0, 7), TEXT.slice(7)],
    ['Es hängt vom Wetter ab, vom Wind, vom Stand der Sonne und vom ', 'Meer selbst, das nie zweimal gleich ist.'],
    ['Three cities:\n- Oslo\n- ', 'Bergen is the second one, and it rains there.'],
    ['He asked: "', 'Where is the lighthouse keeper tonight?"'],
  ])('and goes on is: %s|%s', (delivered, rest) => {
    expect(join(delivered, rest)).toBe(rest)
  })

  test('a whole text is not followed by a question', () => {
    expect(join(TEXT, 'What would you like me to finish? I see no earlier message.')).toBe('does_not_follow')
  })

  test('nothing at all is an end only where the text has one', () => {
    expect(join(TEXT, '')).toBe('')
    for (const open of [TEXT.slice(0, AT), '```ts\nif (n < 2) return', '"tags": ["a", "b"', '1. ', '```ts\ndone.']) {
      expect(join(open, '')).toBe('empty_reply')
    }
  })
})

describe('a reply in marks', () => {
  const delivered = TEXT.slice(0, AT)
  const rest = TEXT.slice(AT)
  test('is joined where the marks hold the anchor alone', () => {
    expect(join(delivered, `"${ANCHOR}"${rest}`, 'instruct', ANCHOR)).toBe(rest)
    expect(join(delivered, `**${ANCHOR}**${rest}`, 'instruct', ANCHOR)).toBe(rest)
  })
  test('is not where they hold more', () => {
    expect(join(delivered, `"${ANCHOR}${rest}"`, 'instruct', ANCHOR)).toBe('anchor_after_other_text')
    expect(join(delivered, `**${ANCHOR}${rest}**`, 'instruct', ANCHOR)).toBe('anchor_after_other_text')
  })
  test('an anchor of a character is not sought behind an introduction', () => {
    expect(join('D', 'Sure, here is the rest of the Document:\n\nDer Tang.', 'instruct', 'D')).not.toContain('ocument')
  })
})
