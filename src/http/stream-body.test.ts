import { describe, expect, test } from 'bun:test'
import { ManualClock } from '#base'
import { StreamBody, type StreamBodyOptions } from './stream-body.ts'

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

interface Bench {
  readonly clock: ManualClock
  readonly source: HandSource
  readonly body: StreamBody
  /** How often the slow reader was told of. */
  readonly slow: () => number
}

function make(change: Partial<StreamBodyOptions> = {}): Bench {
  const clock = new ManualClock({ monotonic: 400 })
  const source = new HandSource()
  let slow = 0
  const body = new StreamBody({
    clock,
    source,
    pending: source.next(),
    silentSoFar: false,
    describe: (error) => Buffer.from(`data: ${String(error)}\n\n`),
    slowReaderMs: 30_000,
    onSlowReader: () => slow++,
    ...change,
  })
  return { clock, source, body, slow: () => slow }
}

function show({ done, value }: Read): string {
  return done ? 'over' : Buffer.from(value as Uint8Array).toString('utf8')
}

/** What a read gave, once it has; `pending` until then. */
function watch(read: Promise<Read>): { readonly now: string } {
  const state = { now: 'pending' }
  void read.then((result) => (state.now = show(result)))
  return state
}

describe('StreamBody', () => {
  test('hands on what comes, and ends as the source does', async () => {
    const { source, body, clock } = make()
    source.give('a')
    expect(show(await body.next())).toBe('a')
    const next = body.next()
    source.give('b')
    expect(show(await next)).toBe('b')
    const last = body.next()
    source.end()
    expect(show(await last)).toBe('over')
    expect(show(await body.next())).toBe('over')
    expect([source.reads, clock.waiting]).toEqual([3, 0])
  })

  test('the read that had begun is not begun twice', async () => {
    const { source, body } = make()
    const first = body.next()
    expect(source.reads).toBe(1)
    source.give('a')
    expect(show(await first)).toBe('a')
  })

  test('S5 after 15 s of silence a comment, and again after each 15 s; then what comes, once', async () => {
    const { clock, source, body } = make()
    const reads: { now: string }[] = []
    for (let i = 0; i < 3; i++) {
      const read = watch(body.next())
      reads.push(read)
      await clock.pass(14_998)
      expect(read.now).toBe('pending')
      await clock.pass(2)
      expect(read.now).toBe(COMMENT)
    }
    const read = watch(body.next())
    source.give('a')
    await clock.pass(0)
    expect(read.now).toBe('a')
    expect(source.reads).toBe(1)
  })

  test('S5 silence is counted from the last bytes', async () => {
    const { clock, source, body } = make()
    const first = watch(body.next())
    await clock.pass(14_000)
    source.give('a')
    await clock.pass(0)
    expect(first.now).toBe('a')
    const second = watch(body.next())
    await clock.pass(14_900)
    expect(second.now).toBe('pending')
    await clock.pass(100)
    expect(second.now).toBe(COMMENT)
  })

  test('S5 headers that have waited long enough go out with a comment at once', async () => {
    const { source, body } = make({ silentSoFar: true })
    expect(show(await body.next())).toBe(COMMENT)
    const second = body.next()
    source.give('a')
    expect(show(await second)).toBe('a')
  })

  test('S1 an error becomes one event, and then it is over', async () => {
    const { clock, source, body } = make()
    const read = body.next()
    source.fail(new TypeError('broken'))
    expect(show(await read)).toBe('data: TypeError: broken\n\n')
    expect(show(await body.next())).toBe('over')
    expect([source.reads, clock.waiting]).toEqual([1, 0])
  })

  test('S1 an error behind a comment becomes one event too', async () => {
    const { clock, source, body } = make()
    const first = watch(body.next())
    await clock.pass(15_000)
    expect(first.now).toBe(COMMENT)
    source.fail(new TypeError('broken'))
    await clock.pass(0)
    expect(show(await body.next())).toBe('data: TypeError: broken\n\n')
    expect(show(await body.next())).toBe('over')
  })

  test('what comes while the client does not read is kept for it', async () => {
    const { clock, source, body } = make()
    const first = watch(body.next())
    await clock.pass(15_000)
    expect(first.now).toBe(COMMENT)
    source.give('a')
    await clock.pass(5_000)
    expect(show(await body.next())).toBe('a')
  })

  test('S5 a client that reads nothing for the time allowed is told of, not before', async () => {
    const { clock, source, body, slow } = make()
    source.give('a')
    await body.next()
    await clock.pass(29_990)
    expect(slow()).toBe(0)
    await clock.pass(10)
    expect(slow()).toBe(1)
  })

  test('S5 the time in which the source was silent is not the client’s', async () => {
    const { clock, source, body, slow } = make()
    const read = watch(body.next())
    await clock.pass(14_000)
    source.give('a')
    await clock.pass(29_990)
    expect([read.now, slow()]).toEqual(['a', 0])
    await clock.pass(10)
    expect(slow()).toBe(1)
  })

  test('S5 one that never began to read, too', async () => {
    const { clock, slow } = make({ slowReaderMs: 2_000 })
    await clock.pass(1_998)
    expect(slow()).toBe(0)
    await clock.pass(2)
    expect(slow()).toBe(1)
  })

  test('a client that waits for a silent source is no slow reader', async () => {
    const { clock, body, slow } = make({ slowReaderMs: 5_000 })
    let comments = 0
    const reading = (async () => {
      for await (const bytes of body) comments += Buffer.from(bytes).toString('utf8') === COMMENT ? 1 : 0
    })()
    await clock.pass(300_000)
    expect(slow()).toBe(0)
    expect(comments).toBe(20)
    await body.return()
    void reading
  })

  test('S4 return() cancels the source, stops the clock and ends the body', async () => {
    const { clock, source, body, slow } = make()
    expect(show(await body.return())).toBe('over')
    expect([source.returned, clock.waiting]).toEqual([1, 0])
    expect(show(await body.next())).toBe('over')
    await clock.pass(100_000)
    expect(slow()).toBe(0)
  })

  test('S4 return() while a read is under way: that read ends when the source does', async () => {
    const { clock, source, body } = make()
    const read = watch(body.next())
    await body.return()
    source.end()
    await clock.pass(0)
    expect([read.now, source.returned]).toEqual(['over', 1])
  })

  test('a large piece goes out in small ones, nothing lost, and no more is read meanwhile', async () => {
    const { source, body } = make()
    const text = Array.from({ length: 30_000 }, (_, i) => `${i},`).join('')
    source.give(text)
    let out = ''
    while (out.length < text.length) {
      const read = await body.next()
      const piece = show(read)
      expect(piece.length).toBeLessThanOrEqual(64 * 1024)
      out += piece
    }
    expect(out === text).toBe(true)
    expect(source.reads).toBe(1)
  })

  test('return() in the middle of a large piece drops the rest', async () => {
    const { source, body } = make()
    source.give('x'.repeat(200_000))
    await body.next()
    await body.return()
    expect(show(await body.next())).toBe('over')
  })
})
