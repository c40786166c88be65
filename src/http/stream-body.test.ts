import { describe, expect, test } from 'bun:test'
import { ManualClock } from '#base'
import { type Sink, StreamBody, type StreamBodyOptions } from './stream-body.ts'

type Read = IteratorResult<Uint8Array>

const COMMENT = ': waiting\n\n'

/** A source that gives what the test hands it, and counts who asks. */
class HandSource implements AsyncIterableIterator<Uint8Array> {
  #reading = Promise.withResolvers<Read>()
  reads = 0
  returned = 0

  next(): Promise<Read> {
    this.reads++
    return this.#reading.promise
  }
  return(): Promise<Read> {
    this.returned++
    return Promise.resolve({ done: true, value: undefined })
  }
  [Symbol.asyncIterator](): this {
    return this
  }
  give(text: string): void {
    this.#settled().resolve({ done: false, value: Buffer.from(text) })
  }
  end(): void {
    this.#settled().resolve({ done: true, value: undefined })
  }
  fail(error: unknown): void {
    this.#settled().reject(error)
  }
  #settled(): PromiseWithResolvers<Read> {
    const settled = this.#reading
    this.#reading = Promise.withResolvers()
    return settled
  }
}

/** A client that reads at once, until it is told to stop. */
class HandSink implements Sink {
  readonly pieces: string[] = []
  #full: PromiseWithResolvers<number> | undefined
  #stopped = false
  fails: 'throws' | 'rejects' | undefined

  write(bytes: Uint8Array): number | Promise<number> {
    this.pieces.push(Buffer.from(bytes).toString('utf8'))
    if (this.fails === 'throws') throw new TypeError('the sink is closed')
    if (this.fails === 'rejects') return Promise.reject(new TypeError('the sink is closed'))
    if (!this.#stopped) return bytes.length
    this.#full ??= Promise.withResolvers()
    return this.#full.promise
  }
  stop(): void {
    this.#stopped = true
  }
  readOn(): void {
    this.#stopped = false
    this.#full?.resolve(0)
    this.#full = undefined
  }
}

interface Bench {
  readonly clock: ManualClock
  readonly source: HandSource
  readonly sink: HandSink
  readonly body: StreamBody
  /** Resolves to true when the body is over. */
  readonly over: Promise<boolean>
  /** How often the slow reader was told of. */
  readonly slow: () => number
  /** How often it said that it is over. */
  readonly ends: () => number
}

function make(change: Partial<StreamBodyOptions> = {}, sink = new HandSink()): Bench {
  const clock = new ManualClock({ monotonic: 400 })
  const source = new HandSource()
  let [slow, ends] = [0, 0]
  const body = new StreamBody({
    clock,
    source,
    pending: source.next(),
    silentSoFar: false,
    describe: (error) => Buffer.from(`data: ${String(error)}\n\n`),
    slowReaderMs: 30_000,
    onSlowReader: () => slow++,
    onOver: () => ends++,
    ...change,
  })
  const over = body.writeTo(sink).then(() => true)
  return { clock, source, sink, body, over, slow: () => slow, ends: () => ends }
}

describe('StreamBody', () => {
  test('hands on what comes, and ends as the source does', async () => {
    const { source, sink, over, clock } = make()
    source.give('a')
    await clock.pass(0)
    source.give('b')
    await clock.pass(0)
    source.end()
    expect(await over).toBe(true)
    expect(sink.pieces).toEqual(['a', 'b'])
    expect([source.reads, clock.waiting]).toEqual([3, 0])
  })

  test('the read that had begun is not begun twice', async () => {
    const { source, clock } = make()
    await clock.pass(1)
    expect(source.reads).toBe(1)
  })

  test('S5 after 15 s of silence a comment, and again after each 15 s; then what comes, once', async () => {
    const { clock, source, sink } = make()
    for (let i = 1; i <= 3; i++) {
      await clock.pass(14_998)
      expect(sink.pieces).toHaveLength(i - 1)
      await clock.pass(2)
      expect(sink.pieces).toHaveLength(i)
    }
    source.give('a')
    await clock.pass(0)
    expect(sink.pieces).toEqual([COMMENT, COMMENT, COMMENT, 'a'])
  })

  test('S5 silence is counted from the last bytes', async () => {
    const { clock, source, sink } = make()
    await clock.pass(14_000)
    source.give('a')
    await clock.pass(14_900)
    expect(sink.pieces).toEqual(['a'])
    await clock.pass(100)
    expect(sink.pieces).toEqual(['a', COMMENT])
  })

  test('S5 headers that have waited long enough go out with a comment at once', async () => {
    const { source, sink, clock } = make({ silentSoFar: true })
    expect(sink.pieces).toEqual([COMMENT])
    source.give('a')
    await clock.pass(0)
    expect(sink.pieces).toEqual([COMMENT, 'a'])
  })

  test('S1 an error becomes one event, and then it is over', async () => {
    const { clock, source, sink, over } = make()
    source.fail(new TypeError('broken'))
    expect(await over).toBe(true)
    expect(sink.pieces).toEqual(['data: TypeError: broken\n\n'])
    expect([source.reads, clock.waiting]).toEqual([1, 0])
  })

  test('S1 an error behind a comment becomes one event too', async () => {
    const { clock, source, sink, over } = make()
    await clock.pass(15_000)
    source.fail(new TypeError('broken'))
    expect(await over).toBe(true)
    expect(sink.pieces).toEqual([COMMENT, 'data: TypeError: broken\n\n'])
  })

  test('S5 nothing more is read while the client does not', async () => {
    const { clock, source, sink } = make()
    sink.stop()
    source.give('a')
    await clock.pass(1_000)
    expect([source.reads, sink.pieces.length]).toEqual([1, 1])
    sink.readOn()
    await clock.pass(0)
    expect(source.reads).toBe(2)
  })

  test('S5 a client that reads nothing for the time allowed is told of, not before', async () => {
    const { clock, source, sink, slow } = make()
    sink.stop()
    source.give('a')
    await clock.pass(29_990)
    expect(slow()).toBe(0)
    await clock.pass(10)
    expect(slow()).toBe(1)
  })

  test('S5 the time in which the source was silent is not the client’s', async () => {
    const { clock, source, sink, slow } = make()
    await clock.pass(14_000)
    sink.stop()
    source.give('a')
    await clock.pass(29_990)
    expect(slow()).toBe(0)
    await clock.pass(10)
    expect(slow()).toBe(1)
  })

  test('S5 a client that does not read the comments either', async () => {
    const { clock, sink, slow } = make({ slowReaderMs: 20_000 })
    sink.stop()
    await clock.pass(34_990)
    expect([slow(), sink.pieces.length]).toEqual([0, 1])
    await clock.pass(20)
    expect([slow(), sink.pieces.length]).toEqual([1, 1])
  })

  test('a client that waits for a silent source is no slow reader', async () => {
    const { clock, sink, slow } = make({ slowReaderMs: 5_000 })
    await clock.pass(300_000)
    expect(slow()).toBe(0)
    expect(sink.pieces).toEqual(Array.from({ length: 20 }, () => COMMENT))
  })

  test('S4 cancel() cancels the source and stops the clock; nothing more is written', async () => {
    const { clock, source, sink, body, slow } = make()
    await body.cancel()
    expect([source.returned, clock.waiting]).toEqual([1, 0])
    source.give('late')
    await clock.pass(100_000)
    expect([sink.pieces, slow()]).toEqual([[], 0])
  })

  test('S4 an error after the client left is told to nobody', async () => {
    const { source, sink, body, over } = make()
    await body.cancel()
    source.fail(new TypeError('broken'))
    expect(await over).toBe(true)
    expect(sink.pieces).toEqual([])
  })

  test('a large piece goes out in small ones, nothing lost, and no more is read meanwhile', async () => {
    const { clock, source, sink } = make()
    const text = Array.from({ length: 30_000 }, (_, i) => `${i},`).join('')
    sink.stop()
    source.give(text)
    await clock.pass(0)
    expect([sink.pieces.length, source.reads]).toEqual([1, 1])
    sink.readOn()
    await clock.pass(0)
    expect(sink.pieces.every((piece) => piece.length <= 64 * 1024)).toBe(true)
    expect(sink.pieces.join('') === text).toBe(true)
    expect(source.reads).toBe(2)
  })

  test('S4 a client that leaves in the middle of a large piece gets no more of it', async () => {
    const { clock, source, sink, body } = make()
    sink.stop()
    source.give('x'.repeat(200_000))
    await clock.pass(0)
    await body.cancel()
    sink.readOn()
    await clock.pass(0)
    expect(sink.pieces).toHaveLength(1)
  })

  test.each(['throws', 'rejects'] as const)(
    'S4 a sink that %s is a client that is gone: the source is returned, nothing is told',
    async (how) => {
      const described: unknown[] = []
      const sink = new HandSink()
      sink.fails = how
      const { clock, source, over } = make({ describe: (error) => (described.push(error), Buffer.from('told')) }, sink)
      source.give('a')
      expect(await over).toBe(true)
      expect([described.length, sink.pieces, source.reads, source.returned, clock.waiting]).toEqual([0, ['a'], 1, 1, 0])
    },
  )

  test.each(['throws', 'rejects'] as const)('S4 a comment that the sink %s at cancels the source, and no timer goes on', async (how) => {
    const { clock, source, sink, over } = make()
    sink.fails = how
    await clock.pass(15_000)
    expect([sink.pieces, source.returned, clock.waiting]).toEqual([[COMMENT], 1, 0])
    source.fail(new TypeError('cancelled'))
    expect(await over).toBe(true)
    expect(sink.pieces).toEqual([COMMENT])
  })

  test.each(['throws', 'rejects'] as const)('S1 the end comes even when the sink %s at the error event', async (how) => {
    const { clock, source, sink, over } = make()
    sink.fails = how
    source.fail(new TypeError('broken'))
    expect(await over).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  test('S1 the end comes even when an error cannot be described, or the source fails at leaving', async () => {
    const undescribed = make({
      describe: () => {
        throw new TypeError('no words')
      },
    })
    undescribed.source.fail(new TypeError('broken'))
    expect(await undescribed.over).toBe(true)
    const stubborn = make()
    stubborn.source.return = () => Promise.reject(new TypeError('stubborn'))
    await stubborn.body.cancel()
    stubborn.source.end()
    expect(await stubborn.over).toBe(true)
  })

  test('a source that ended is not returned, one that was left is returned once', async () => {
    const ended = make()
    ended.source.end()
    await ended.over
    await ended.body.cancel()
    expect(ended.source.returned).toBe(0)
    const left = make()
    await left.body.cancel()
    left.source.give('late')
    await left.over
    expect(left.source.returned).toBe(1)
  })

  test('S5 a comment that gets through does not hide the data behind it that nobody reads', async () => {
    const writes: PromiseWithResolvers<number>[] = []
    const sink = new HandSink()
    sink.write = () => {
      const write = Promise.withResolvers<number>()
      writes.push(write)
      return write.promise
    }
    const { clock, source, slow } = make({ slowReaderMs: 10_000 }, sink)
    await clock.pass(15_000)
    source.give('a')
    await clock.pass(1_000)
    expect(writes).toHaveLength(2)
    writes[0]?.resolve(0)
    await clock.pass(9_900)
    expect([slow(), writes.length]).toEqual([0, 2])
    await clock.pass(200)
    expect([slow(), writes.length]).toEqual([1, 2])
    writes[1]?.resolve(0)
    await clock.pass(14_900)
    expect([slow(), writes.length, source.reads]).toEqual([1, 2, 2])
    await clock.pass(200)
    expect([slow(), writes.length]).toEqual([1, 3])
  })

  test('it says once that it is over, however that came', async () => {
    const [ended, broken, left] = [make(), make(), make()]
    expect([ended.ends(), broken.ends(), left.ends()]).toEqual([0, 0, 0])
    ended.source.end()
    broken.source.fail(new TypeError('broken'))
    await left.body.cancel()
    left.source.end()
    await Promise.all([ended.over, broken.over, left.over])
    await ended.body.cancel()
    expect([ended.ends(), broken.ends(), left.ends()]).toEqual([1, 1, 1])
  })
})
