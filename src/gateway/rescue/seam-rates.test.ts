import { expect, test } from 'bun:test'
import type { Continuation } from '#contract'
import { chooseAnchor } from './anchor.ts'
import { divideDelivered } from './delivered-core.ts'
import { NATURAL_TEXTS } from './natural-texts.ts'
import { Seam } from './seam.ts'

type Behaviour = (text: string, core: string, anchor: string | undefined) => string | undefined

/** The last words, the last of them perhaps cut. */
function lastWords(core: string, count: number): string | undefined {
  return new RegExp(`(?:\\S+\\s+){${count - 1}}\\S+$`).exec(core)?.[0]
}

function repeatWords(count: number): Behaviour {
  return (text, core) => {
    const words = lastWords(core, count)
    return words === undefined ? undefined : words + text.slice(core.length)
  }
}

const exactly: Behaviour = (text, core) => text.slice(core.length)
const anchored: Behaviour = (text, core, anchor) => (anchor === undefined ? undefined : anchor + text.slice(core.length))
const introduced: Behaviour = (text, core, anchor) =>
  anchor === undefined ? undefined : `Sure, here is the continuation:\n\n${anchor}${text.slice(core.length)}`
const line: Behaviour = (text, core) => core.slice(core.lastIndexOf('\n') + 1) + text.slice(core.length)

const over: Behaviour = (text) => text
/** From the third character on: one letter or two may as well be doubled. */
const overLater: Behaviour = (text, core) => (core.length < 3 ? undefined : text)

/** Shares of wrong and of broken joins over every third cut of the texts. */
function rates(way: Continuation, behaviour: Behaviour, texts: readonly string[]): { wrong: number; broken: number } {
  let all = 0
  let wrong = 0
  let broken = 0
  for (const text of texts) {
    for (let cut = 1; cut < text.length; cut += 3) {
      const delivered = text.slice(0, cut)
      const { core } = divideDelivered(delivered)
      const anchor = way === 'instruct' ? chooseAnchor(core) : undefined
      const reply = behaviour(text, core, anchor)
      if (reply === undefined) continue
      const seam = new Seam(delivered, way, anchor)
      const sent = seam.push(reply.slice(0, 20)) + seam.push(reply.slice(20))
      const end = seam.end()
      all++
      if ('broken' in end) broken++
      else if (delivered + sent + end.text !== text) wrong++
    }
  }
  return { wrong: wrong / all, broken: broken / all }
}

const STRUCTURED = new Set(['code', 'typescript', 'html', 'json', 'table', 'numbers', 'list', 'math'])
const entries = Object.entries(NATURAL_TEXTS)
const everything = entries.map(([, text]) => text)
const languages = entries.filter(([name]) => !STRUCTURED.has(name)).map(([, text]) => text)

test.each<[string, Continuation, Behaviour, readonly string[], number, number]>([
  ['continues exactly', 'prefill', exactly, everything, 0, 0],
  ['repeats the anchor', 'instruct', anchored, everything, 0, 0],
  ['repeats the anchor after an introduction', 'instruct', introduced, everything, 0, 0],
  ['starts over', 'restart', over, everything, 0, 0],
  ['starts over', 'instruct', over, everything, 0, 0],
  ['starts over', 'prefill', overLater, everything, 0, 0],
  ['ignores the anchor and continues exactly', 'instruct', exactly, everything, 0.002, 0.01],
  ['repeats two words', 'prefill', repeatWords(2), languages, 0.01, 0.01],
  ['repeats two words', 'instruct', repeatWords(2), languages, 0.01, 0.01],
  ['repeats two words', 'prefill', repeatWords(2), everything, 0.03, 0.01],
  ['repeats three words', 'prefill', repeatWords(3), everything, 0.005, 0.01],
  ['repeats five words', 'prefill', repeatWords(5), everything, 0.002, 0.01],
  ['repeats the line', 'instruct', line, everything, 0.03, 0.02],
])('S2: an upstream that %s (%s) joins wrongly or not at all as seldom as this', (_, way, behaviour, texts, mostWrong, mostBroken) => {
  const { wrong, broken } = rates(way, behaviour, texts)
  expect(wrong).toBeLessThanOrEqual(mostWrong)
  expect(broken).toBeLessThanOrEqual(mostBroken)
})
