import { describe, expect, test } from 'bun:test'
import { ManualClock, systemClock } from '#base'
import { BodyBudget, type BodyShare } from './body-budget.ts'
import { HttpError } from './http-error.ts'
import { readBody } from './read-body.ts'

/** A request without a length, whose body comes piece by piece; notes how many were taken. */
function chunked(pieces: Iterable<Uint8Array>): { request: Request; taken: () => number; cancelled: () => boolean } {
  const rest = pieces[Symbol.iterator]()
  let [taken, cancelled] = [0, false]
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const next = rest.next()
        if (next.done) return controller.close()
        taken++
        controller.enqueue(next.value)
      },
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  )
  return { request: new Request('http://x/', { method: 'POST', body }), taken: () => taken, cancelled: () => cancelled }
}

function share(budget = new BodyBudget(1_000_000)): BodyShare {
  return budget.share()
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(1_000, 'x')
}

function refusalOf(read: Promise<string>): Promise<HttpError | string> {
  return read.catch((error: unknown) => (error instanceof HttpError ? error : String(error)))
}

describe('readBody', () => {
  test('a body of known length, at the limit and beyond', async () => {
    const make = (): Request => new Request('http://x/', { method: 'POST', body: 'grüße', headers: { 'content-length': '7' } })
    expect(await readBody(make(), 7, systemClock, share())).toBe('grüße')
    expect(await refusalOf(readBody(make(), 6, systemClock, share()))).toMatchObject({
      status: 413,
      code: 'request_too_large',
      headers: { connection: 'close' },
      message: "The request's body is larger than 6 bytes. Send less, or have the operator raise limits.body.",
    })
  })

  test('a body of unknown length, at the limit and beyond; characters may be split anywhere', async () => {
    const pieces = [...Buffer.from('grüße')].map((byte) => Buffer.from([byte]))
    expect(await readBody(chunked(pieces).request, 7, systemClock, share())).toBe('grüße')
    expect(await refusalOf(readBody(chunked(pieces).request, 6, systemClock, share()))).toMatchObject({ status: 413 })
  })

  test('one without end is read no further than to the limit', async () => {
    const { request, taken, cancelled } = chunked(endless())
    expect(await refusalOf(readBody(request, 10_000, systemClock, share()))).toMatchObject({ status: 413 })
    expect(taken()).toBeLessThanOrEqual(12)
    expect(cancelled()).toBe(true)
  })

  test('no body is an empty one', async () => {
    expect(await readBody(new Request('http://x/', { method: 'POST' }), 10, systemClock, share())).toBe('')
  })

  test('one that does not arrive within a minute: 408, and the connection is closed', async () => {
    const clock = new ManualClock()
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{"model"')) })
    const reading = refusalOf(readBody(new Request('http://x/', { method: 'POST', body }), 1_000, clock, share()))
    let settled = false
    void reading.then(() => (settled = true))
    await clock.pass(59_999)
    expect(settled).toBe(false)
    await clock.pass(1)
    expect(await reading).toMatchObject({ status: 408, code: 'request_timeout', headers: { connection: 'close' } })
  })

  test('bodies that others hold leave no room: 503 before anything is read, or as soon as it is too much', async () => {
    const budget = new BodyBudget(10_000)
    budget.share().take(6_000)
    const known = new Request('http://x/', { method: 'POST', body: 'x'.repeat(5_000), headers: { 'content-length': '5000' } })
    expect(await refusalOf(readBody(known, 20_000, systemClock, share(budget)))).toMatchObject({ status: 503, code: 'overloaded_here' })
    expect(known.bodyUsed).toBe(false)
    const { request, taken, cancelled } = chunked(endless())
    expect(await refusalOf(readBody(request, 20_000, systemClock, share(budget)))).toMatchObject({ status: 503, code: 'overloaded_here' })
    expect(taken()).toBeLessThanOrEqual(6)
    expect(cancelled()).toBe(true)
  })
})
