import { describe, expect, test } from 'bun:test'
import type { Bus, Hint } from './bus.ts'

/** What every bus keeps. `create` makes one whose readers hold at most `capacity` hints. */
export function busContract(name: string, create: (capacity: number) => Bus): void {
  describe(`${name} keeps the contract of a bus`, () => {
    test('a subscriber gets the hints of its topic, in order, from its subscription on', async () => {
      const bus = create(10)
      const { signal } = new AbortController()
      bus.publish({ topic: 'keys', key: 'before' })
      const hints = bus.subscribe('keys', signal)
      bus.publish({ topic: 'keys', key: 'a' })
      bus.publish({ topic: 'other', key: 'x' })
      bus.publish({ topic: 'keys', key: 'b' })
      expect(await take(hints, 2)).toEqual(['a', 'b'])
    })

    test('every subscriber gets every hint, and one that waits is woken', async () => {
      const bus = create(10)
      const { signal } = new AbortController()
      const both = Promise.all([take(bus.subscribe('keys', signal), 1), take(bus.subscribe('keys', signal), 1)])
      await Promise.resolve()
      bus.publish({ topic: 'keys', key: 'a' })
      expect(await both).toEqual([['a'], ['a']])
    })

    test('a reader that is too slow loses the oldest, and they are counted', async () => {
      const bus = create(3)
      const { signal } = new AbortController()
      const hints = bus.subscribe('keys', signal)
      for (const key of ['a', 'b', 'c', 'd', 'e']) bus.publish({ topic: 'keys', key })
      expect(await take(hints, 3)).toEqual(['c', 'd', 'e'])
      expect(bus.dropped).toBe(2)
    })

    test('an abort ends the iteration, and nothing is kept for it afterwards', async () => {
      const bus = create(1)
      const controller = new AbortController()
      const ending = take(bus.subscribe('keys', controller.signal), 1)
      controller.abort()
      expect(await ending).toEqual([])
      bus.publish({ topic: 'keys' })
      bus.publish({ topic: 'keys' })
      expect(bus.dropped).toBe(0)
    })
  })
}

async function take(hints: AsyncIterable<Hint>, most: number): Promise<string[]> {
  const keys: string[] = []
  for await (const hint of hints) {
    keys.push(hint.key ?? '')
    if (keys.length === most) break
  }
  return keys
}
