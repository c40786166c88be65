import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ENV, SHORT } from './routes.ts'
import { type Asked, framesOf, type Habit, play, stepsOf, understand, WireServer, writer, type Behaviour } from './upstreams/index.ts'
import { startWorld, type World } from './world.ts'

const TEXTS: Readonly<Record<string, string>> = {
  english:
    'Kelp forests grow along cold coasts. They shelter otters, urchins and fish. A single frond can grow half a metre in a day. When storms come, the holdfast keeps its grip on the rock.',
  german:
    'Die Größe der Wälder überrascht: Über fünfzig Meter hoch können sie wachsen. „Früher“, sagte er, „maß man sie mit Seilen.“ Heute genügt ein Blick vom Boot.',
  chinese: '海藻森林生长在寒冷的海岸边。它们为海獭、海胆和鱼类提供庇护。一片叶子一天可以长半米。风暴来临时，固着器牢牢抓住岩石。',
  arabic: 'تنمو غابات الأعشاب البحرية على السواحل الباردة. وتوفر المأوى لثعالب الماء والأسماك. ويمكن أن تنمو نصف متر في اليوم.',
  emoji: '🌊👩‍👩‍👧‍👦 The family went 🏊🏽‍♀️ to the kelp 🌿, saw 🦦🦦🦦 and 🐟, and came 🏠 happy 😀😀😀.',
  code: 'function grip(rock) {\n  if (!rock) {\n    return null\n  }\n  for (let i = 0; i < 10; i++) {\n    hold(rock, i)\n  }\n  return rock\n}\n\n```ts\nconst a = 1\nconst b = 1\n```\n',
  repetitive:
    'One potato, two potatoes, three potatoes, four. Five potatoes, six potatoes, seven potatoes, more. One potato, two potatoes, three potatoes, four.',
  spaces: 'a  b\n\n\n- one\n- two\n\n    indented   text\t\ttabs\n\nend  ',
}

/** Share of the text that the first upstream delivers. */
const CUTS = [0.2, 0.35, 0.5, 0.87] as const

/** What upstreams do of which the seam can be seen. */
const HABITS: readonly [string, Habit][] = [
  ['continues', 'continues'],
  ['repeats 40 characters', { repeat: 40, unit: 'characters' }],
  ['repeats 3 words', { repeat: 3, unit: 'words' }],
  ['repeats 2 sentences', { repeat: 2, unit: 'sentences' }],
  ['starts over', 'starts over'],
  ['obeys', 'obeys'],
  ['introduces itself', 'introduces'],
  ['refuses prefill', 'refuses prefill'],
  ['refuses to continue', 'refuses to continue'],
]
const WAYS = ['prefill', 'instruct', 'restart'] as const

let world: World
let first: WireServer
let second: WireServer
const seen: Asked[] = []

beforeAll(async () => {
  first = await WireServer.listen(async () => undefined)
  second = await WireServer.listen(async () => undefined)
  world = await startWorld({
    env: ENV,
    config: {
      providers: {
        a: { kind: 'openai-compatible', baseUrl: first.url, apiKey: '${UPSTREAM_KEY}' },
        b: { kind: 'openai-compatible', baseUrl: second.url, apiKey: '${UPSTREAM_KEY}' },
      },
      models: Object.fromEntries(
        WAYS.map((way) => [
          way,
          {
            upstreams: ['a/m', { upstream: 'b/m', continuation: way }],
            deadlines: SHORT,
            retries: { perUpstream: 1, budget: '100%' },
            breaker: { failures: 100_000, minimum: 100_000 },
          },
        ]),
      ),
    },
  })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

/** Streams the beginning of a text, cut between code points, and breaks. */
function breaksAt(text: string, share: number): Behaviour {
  const points = Array.from(text)
  const beginning = points.slice(0, Math.max(1, Math.round(points.length * share)))
  const pieces = Array.from({ length: Math.ceil(beginning.length / 5) }, (_, i) => beginning.slice(i * 5, i * 5 + 5).join(''))
  return (exchange) => play([...stepsOf(framesOf({ pieces }, exchange.asked).slice(0, pieces.length + 1)), { wait: 5 }, 'rst'])(exchange)
}

describe('S2 an answer that breaks is finished elsewhere, exactly', () => {
  for (const way of WAYS) {
    for (const [habitName, habit] of HABITS) {
      test(`by ${way}, an upstream that ${habitName}`, async () => {
        for (const [name, text] of Object.entries(TEXTS)) {
          if (name === 'repetitive' && habitName.startsWith('repeats')) continue
          for (const cut of CUTS) {
            first.behave = breaksAt(text, cut)
            second.behave = writer(text, habit, seen)
            const result = await world.stream({ model: way })
            const where = `${name} at ${cut}`
            expect(result.text, where).toBe(text)
            expect(result.error, where).toBeUndefined()
            expect(result.note?.upstream, where).toBe('b/m')
            expect(result.model, where).toBe('m')
          }
        }
      })
    }
  }

  test('each way was really used', () => {
    expect(new Set(seen.map((asked) => asked.way))).toEqual(new Set(['plain', 'prefill', 'instruct']))
  })
})

describe('S2 an answer that broke after a word or two', () => {
  for (const way of WAYS) {
    for (const [habitName, habit] of HABITS.filter(([name]) => !name.startsWith('repeats'))) {
      test(`by ${way}, an upstream that ${habitName}`, async () => {
        for (const text of [TEXTS['english'] ?? '', TEXTS['german'] ?? '', TEXTS['chinese'] ?? '', TEXTS['code'] ?? '']) {
          first.behave = breaksAt(text, 0.08)
          second.behave = writer(text, habit)
          expect((await world.stream({ model: way })).text).toBe(text)
        }
      })
    }
  }
})

describe('S2 no honest seam', () => {
  const text = TEXTS['english'] ?? ''

  test('an upstream that says something else: one typed error, and none of its words', async () => {
    for (const way of ['instruct', 'restart'] as const) {
      first.behave = breaksAt(text, 0.5)
      second.behave = (exchange) =>
        understand(exchange.asked, text).way === 'plain'
          ? writer('Sorry, what do you mean?')(exchange)
          : writer(text, 'says something else')(exchange)
      const result = await world.stream({ model: way })
      const joined = result.error === undefined ? 'an end that looks whole' : result.text
      expect(joined, way).toBe(text.slice(0, Math.round(text.length * 0.5)))
    }
  })

  for (const [name, body] of [
    ['n of 2', { n: 2 }],
    ['logprobs', { logprobs: true }],
  ] as const) {
    test(`with ${name} nothing is rescued`, async () => {
      first.behave = breaksAt(text, 0.5)
      second.behave = writer(text)
      const before = second.requests.length
      const result = await world.stream({ model: 'prefill', ...body })
      expect(result.error).toBeDefined()
      expect(second.requests.length).toBe(before)
    })
  }
})

describe('what the second upstream is asked', () => {
  const text = TEXTS['english'] ?? ''

  test('max_tokens less what was delivered; every other field as it was', async () => {
    for (const field of ['max_tokens', 'max_completion_tokens']) {
      first.behave = breaksAt(text, 0.5)
      second.behave = writer(text)
      const before = second.requests.length
      await world.stream({ model: 'prefill', [field]: 200, temperature: 0.25, x_unknown: { a: [1] } })
      const asked = second.requests[before]?.json
      expect(asked).toMatchObject({ temperature: 0.25, x_unknown: { a: [1] }, stream: true })
      const left =
        typeof asked === 'object' && asked !== null && field in asked
          ? Number(Object.entries(asked).find(([key]) => key === field)?.[1])
          : 0
      expect(left).toBeGreaterThan(100)
      expect(left).toBeLessThan(200)
    }
  })

  test('a stop sequence across the seam ends the answer there', async () => {
    const whole = 'one two three STOP four five six'
    first.behave = (exchange) =>
      play([...stepsOf(framesOf({ pieces: ['one two', ' three ST'] }, exchange.asked).slice(0, 3)), 'rst'])(exchange)
    second.behave = writer(whole)
    const result = await world.stream({ model: 'prefill', stop: ['STOP'] })
    expect(result.finish).toBe('stop')
    expect(result.text).not.toContain('STOP')
    expect(result.text).not.toContain('four')
  })

  test('JSON output is joined only where it stays valid', async () => {
    const whole = '{"name":"kelp","depth":[1,2,3],"note":"holds fast"}'
    const body = { response_format: { type: 'json_object' } }
    for (const cut of CUTS) {
      first.behave = breaksAt(whole, cut)
      second.behave = writer(whole)
      const result = await world.stream({ model: 'prefill', ...body })
      if (result.error === undefined) expect(result.text).toBe(whole)
      else expect(whole.startsWith(result.text)).toBe(true)
    }
  })

  test('usage reports what really served, the finish is the second one’s', async () => {
    first.behave = breaksAt(text, 0.5)
    second.behave = writer(text)
    const result = await world.stream({ model: 'prefill', stream_options: { include_usage: true } })
    expect(result.usage?.completion_tokens).toBeGreaterThan(0)
    expect(result.finish).toBe('stop')
  })

  test('it breaks again and again: each upstream once more, then one error', async () => {
    first.behave = breaksAt(text, 0.3)
    second.behave = breaksAt(text, 0.6)
    const result = await world.stream({ model: 'restart' })
    expect(result.error).toBeDefined()
    expect(text.startsWith(result.text)).toBe(true)
  })
})
