import { describe, expect, test } from 'bun:test'
import { ManualClock } from '#base'
import { UpstreamError } from '#contract'
import type { Frame } from '#providers'
import { Attempt, type AttemptOptions } from './attempt.ts'
import type { StagedDeadlines } from './deadlines.ts'
import { HandUpstream, PHASES } from './fixtures/hand-upstream.ts'

const DEADLINES: StagedDeadlines = { connect: 2_000, headers: 15_000, firstToken: 30_000, stall: 20_000, total: 600_000 }
const COMMENT: Frame = { type: 'comment', bytes: Buffer.from(': ping\n\n') }
const CHUNK: Frame = { type: 'chunk', bytes: Buffer.from('data: {}\n\n'), chunk: {} }

interface Bench {
  readonly clock: ManualClock
  readonly upstream: HandUpstream
  readonly attempt: Attempt
  readonly client: AbortController
  tokens: number
  /** Reads until the attempt fails, noting `perBatch` tokens for each batch of chunks. */
  readonly readOn: () => Promise<string>
}

function make(change: Partial<AttemptOptions> = {}): Bench {
  const clock = new ManualClock({ monotonic: 9_000 })
  const upstream = new HandUpstream()
  const client = new AbortController()
  const options: AttemptOptions = {
    clock,
    provider: upstream,
    upstream: 'hand/m',
    body: '{}',
    stream: true,
    deadlines: DEADLINES,
    totalLeft: 600_000,
    slow: undefined,
    signal: client.signal,
    ...change,
  }
  const attempt = new Attempt(options)
  const bench: Bench = {
    clock,
    upstream,
    attempt,
    client,
    tokens: 0,
    readOn: async () => {
      for (;;) {
        const batch = await attempt.next()
        if (batch.done) return 'ended'
        bench.tokens += batch.value.filter((frame) => frame.type === 'chunk').length
        attempt.received(
          bench.tokens,
          batch.value.every((frame) => frame.type !== 'comment'),
        )
      }
    },
  }
  return bench
}

/** The attempt, opened, with its head there. */
async function opened(change: Partial<AttemptOptions> = {}): Promise<Bench> {
  const bench = make(change)
  const opening = bench.attempt.open()
  bench.upstream.head()
  await opening
  return bench
}

/** How a promise ended, by the failure's kind; `pending` until it has. */
function watch(promise: Promise<unknown>): { readonly now: string } {
  const state = { now: 'pending' }
  promise.then(
    (value) => (state.now = typeof value === 'string' ? value : 'resolved'),
    (error: unknown) => (state.now = error instanceof UpstreamError ? error.failure.kind : String(error)),
  )
  return state
}

describe('each deadline by its own name', () => {
  test('no head: timeout_headers, at the first token’s deadline when streamed', async () => {
    const { clock, attempt } = make()
    const opening = watch(attempt.open())
    await clock.pass(29_999)
    expect(opening.now).toBe('pending')
    await clock.pass(1)
    expect(opening.now).toBe('timeout_headers')
  })

  test('no head: timeout_headers, after connect and headers when whole', async () => {
    const { clock, attempt } = make({ stream: false })
    const opening = watch(attempt.open())
    await clock.pass(16_999)
    expect(opening.now).toBe('pending')
    await clock.pass(1)
    expect(opening.now).toBe('timeout_headers')
  })

  test('a head and no token: timeout_first_token, counted from the start', async () => {
    const { clock, upstream, attempt, readOn } = make()
    const opening = attempt.open()
    await clock.pass(10_000)
    upstream.head()
    await opening
    const reading = watch(readOn())
    await clock.pass(19_999)
    expect(reading.now).toBe('pending')
    await clock.pass(1)
    expect(reading.now).toBe('timeout_first_token')
  })

  test('tokens and then none: timeout_stall, counted from the last', async () => {
    const { clock, upstream, attempt, readOn } = await opened()
    const reading = watch(readOn())
    for (let i = 0; i < 4; i++) {
      await clock.pass(19_000)
      upstream.send([CHUNK])
    }
    await clock.pass(19_999)
    expect(reading.now).toBe('pending')
    await clock.pass(1)
    expect(reading.now).toBe('timeout_stall')
    expect(attempt.firstTokenMs).toBe(19_000)
  })

  test('a whole answer that stops in its body: timeout_stall', async () => {
    const { clock, upstream, readOn } = await opened({ stream: false })
    const reading = watch(readOn())
    await clock.pass(10_000)
    upstream.send([])
    await clock.pass(19_999)
    expect(reading.now).toBe('pending')
    await clock.pass(1)
    expect(reading.now).toBe('timeout_stall')
  })

  test('a whole answer that sends nothing but white space after its head: its headers’ deadline', async () => {
    const { clock, upstream, readOn } = await opened({ stream: false })
    const reading = watch(readOn())
    for (let i = 0; i < 200 && reading.now === 'pending'; i++) {
      await clock.pass(1_000)
      upstream.send([COMMENT])
    }
    expect(reading.now).toBe('timeout_first_token')
    expect(clock.monotonic()).toBeLessThan(200_000)
  })

  test('comments are no tokens: neither for the first nor in the middle', async () => {
    const first = await opened()
    const reading = watch(first.readOn())
    for (let i = 0; i < 29; i++) {
      await first.clock.pass(1_000)
      first.upstream.send([COMMENT])
    }
    await first.clock.pass(1_000)
    expect(reading.now).toBe('timeout_first_token')
    const middle = await opened()
    const readingOn = watch(middle.readOn())
    middle.upstream.send([CHUNK])
    for (let i = 0; i < 19; i++) {
      await middle.clock.pass(1_000)
      middle.upstream.send([COMMENT])
    }
    await middle.clock.pass(1_000)
    expect(readingOn.now).toBe('timeout_stall')
  })

  test('the call’s time is over: timeout_total, while opening, waiting and reading', async () => {
    const opening = make({ totalLeft: 5_000 })
    const open = watch(opening.attempt.open())
    await opening.clock.pass(5_000)
    expect(open.now).toBe('timeout_total')
    const reading = await opened({ totalLeft: 35_000 })
    const read = watch(reading.readOn())
    for (let i = 0; i < 3; i++) {
      reading.upstream.send([CHUNK])
      await reading.clock.pass(10_000)
    }
    await reading.clock.pass(4_999)
    expect(read.now).toBe('pending')
    await reading.clock.pass(1)
    expect(read.now).toBe('timeout_total')
  })

  test('S4 the client leaves: the upstream’s signal aborts at once', async () => {
    const { client, upstream, clock, readOn } = await opened()
    const reading = watch(readOn())
    client.abort(new UpstreamError({ kind: 'cancelled', message: 'The client left.' }))
    await clock.pass(0)
    expect(upstream.signal?.aborted).toBe(true)
    expect(reading.now).toBe('cancelled')
  })
})

describe('time in which the client does not read', () => {
  test('is not held against an upstream that is paused by it', async () => {
    const { clock, upstream, attempt } = await opened()
    const first = attempt.next()
    upstream.send([CHUNK])
    await first
    attempt.received(1, true)
    await clock.pass(507_000)
    expect(upstream.signal?.aborted).toBe(false)
    const second = watch(attempt.next())
    await clock.pass(19_999)
    expect(second.now).toBe('pending')
    await clock.pass(1)
    expect(second.now).toBe('timeout_stall')
  })

  test('does not stop the call’s own time', async () => {
    const { clock, upstream, attempt } = await opened({ totalLeft: 60_000 })
    const first = attempt.next()
    upstream.send([CHUNK])
    await first
    attempt.received(1, true)
    await clock.pass(60_000)
    expect(upstream.signal?.aborted).toBe(true)
  })

  test('is not held against its pace', async () => {
    const slow = { tokensPerSecond: 1, over: 8_000, applies: () => true }
    const { clock, upstream, attempt } = await opened({ slow })
    const first = attempt.next()
    upstream.send([CHUNK])
    await first
    attempt.received(1, true)
    await clock.pass(7_900)
    const second = watch(attempt.next())
    await clock.pass(7_000)
    expect(second.now).toBe('pending')
    await clock.pass(1_500)
    expect(second.now).toBe('slow')
  })
})

describe('pace', () => {
  const slow = { tokensPerSecond: 1, over: 8_000, applies: () => true }

  async function drip(gapMs: number, gaps: number, change: Partial<AttemptOptions>): Promise<string> {
    const { clock, upstream, readOn } = await opened(change)
    const reading = watch(readOn())
    for (let i = 0; i < gaps; i++) {
      upstream.send([CHUNK])
      await clock.pass(gapMs)
    }
    return reading.now
  }

  test('below it: slow; at it, or where no other upstream is left: not', async () => {
    expect(await drip(1_200, 8, { slow })).toBe('slow')
    expect(await drip(900, 30, { slow })).toBe('pending')
    expect(await drip(1_200, 30, { slow: { ...slow, applies: () => false } })).toBe('pending')
    expect(await drip(1_200, 30, {})).toBe('pending')
  })

  test('an answer that becomes slow later is found out as well', async () => {
    const { clock, upstream, readOn } = await opened({ slow })
    const reading = watch(readOn())
    for (let i = 0; i < 20; i++) {
      upstream.send([CHUNK])
      await clock.pass(500)
    }
    expect(reading.now).toBe('pending')
    await clock.pass(16_000)
    expect(reading.now).toBe('slow')
  })
})

describe('the end', () => {
  test('S3 hurry: usage is waited for as long as told, and no other deadline counts', async () => {
    const { clock, upstream, attempt, readOn } = await opened({ slow: { tokensPerSecond: 1, over: 500, applies: () => true } })
    const reading = watch(readOn())
    upstream.send([CHUNK])
    await clock.pass(0)
    attempt.hurry(1_000)
    await clock.pass(999)
    expect(reading.now).toBe('pending')
    await clock.pass(1)
    expect(reading.now).toBe('timeout_stall')
  })

  test('S4 close ends the frames and leaves no timer; the client’s leaving concerns it no more', async () => {
    const { clock, client, upstream, attempt } = await opened()
    attempt.close()
    expect([upstream.returned, clock.waiting]).toEqual([1, 0])
    client.abort()
    expect(upstream.signal?.aborted).toBe(false)
  })

  test('S4 close before the head cancels the request', async () => {
    const { clock, upstream, attempt } = make()
    const opening = watch(attempt.open())
    attempt.close()
    await clock.pass(0)
    expect([opening.now, clock.waiting, upstream.signal?.aborted]).toEqual(['cancelled', 0, true])
  })

  test('close does not throw when closing the frames does', async () => {
    const { clock, upstream, attempt } = await opened()
    upstream.onReturn = () => Promise.reject(new TypeError('broken'))
    attempt.close()
    await clock.pass(1)
    expect(upstream.returned).toBe(1)
  })

  test('drain reads to the end', async () => {
    const { clock, upstream, attempt } = await opened()
    const draining = watch(attempt.drain())
    upstream.send([CHUNK])
    await clock.pass(1)
    upstream.end()
    await clock.pass(1)
    expect([draining.now, upstream.reads, upstream.returned, clock.waiting]).toEqual(['resolved', 2, 0, 0])
  })

  test('drain closes what does not end within a second', async () => {
    const { clock, upstream, attempt } = await opened()
    upstream.onReturn = () => {
      upstream.end()
      return Promise.resolve({ done: true, value: undefined })
    }
    const draining = watch(attempt.drain())
    await clock.pass(999)
    expect([draining.now, upstream.returned]).toEqual(['pending', 0])
    await clock.pass(1)
    expect([draining.now, upstream.returned, clock.waiting]).toEqual(['resolved', 1, 0])
  })

  test('drain never throws: not when the connection breaks, not before there is a head', async () => {
    const { clock, upstream, attempt } = await opened()
    const draining = watch(attempt.drain())
    upstream.fail(new TypeError('reset'))
    await clock.pass(1)
    expect([draining.now, clock.waiting]).toEqual(['resolved', 0])
    const early = make()
    const opening = watch(early.attempt.open())
    await early.attempt.drain()
    await early.clock.pass(0)
    expect(opening.now).toBe('cancelled')
  })

  test('phases are those of the response; none before it', async () => {
    expect(make().attempt.phases).toBeUndefined()
    expect((await opened()).attempt.phases).toBe(PHASES)
  })
})
