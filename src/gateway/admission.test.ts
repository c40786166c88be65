import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { ManualClock } from '#base'
import { Admission } from './admission.ts'
import { CallError } from './call.ts'

const NOBODY = new AbortController().signal

function make(taken: number): { clock: ManualClock; admission: Admission; client: AbortController } {
  const clock = new ManualClock()
  const admission = new Admission(clock)
  for (let i = 0; i < taken; i++) void admission.enter(taken, 0, NOBODY)
  return { clock, admission, client: new AbortController() }
}

function errorOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('Admission', () => {
  test('lets in as many as there are places', () => {
    const { admission } = make(0)
    expect([1, 2, 3].map(() => admission.enter(2, 5_000, NOBODY) === undefined)).toEqual([true, true, false])
    admission.leave()
    expect([admission.inFlight, admission.waiting]).toEqual([2, 0])
  })

  test('those who wait enter in the order in which they came', async () => {
    const { clock, admission, client } = make(1)
    const order: string[] = []
    for (const name of ['first', 'second']) void admission.enter(1, 5_000, client.signal)?.then(() => order.push(name))
    expect([admission.inFlight, admission.waiting]).toEqual([1, 2])
    admission.leave()
    await clock.pass(0)
    expect(order).toEqual(['first'])
    expect([admission.inFlight, admission.waiting]).toEqual([1, 1])
    admission.leave()
    await clock.pass(0)
    expect(order).toEqual(['first', 'second'])
    expect(clock.waiting).toBe(0)
  })

  test('after the wait it is overloaded_here: 503 with a time to come back, and no place is taken', async () => {
    const { clock, admission, client } = make(2)
    const error = errorOf(admission.enter(2, 5_000, client.signal))
    await clock.pass(5_000)
    expect(await error).toBeInstanceOf(CallError)
    expect(await error).toMatchObject({ code: 'overloaded_here', status: 503, retryAfterMs: 1_000 })
    expect(String(await error)).toContain('All 2 places are taken and none became free within 5 s.')
    expect([admission.inFlight, admission.waiting]).toEqual([2, 0])
  })

  test('who leaves while waiting takes no place', async () => {
    const { clock, admission, client } = make(1)
    const error = errorOf(admission.enter(1, 5_000, client.signal))
    client.abort(new TypeError('left'))
    expect(String(await error)).toBe('TypeError: left')
    admission.leave()
    expect([admission.inFlight, admission.waiting, clock.waiting]).toEqual([0, 0, 0])
  })

  test('who has left before does not wait', async () => {
    const { clock, admission } = make(1)
    expect(String(await errorOf(admission.enter(1, 5_000, AbortSignal.abort(new TypeError('left')))))).toBe('TypeError: left')
    expect([admission.waiting, clock.waiting]).toEqual([0, 0])
  })

  test('a reload that changes the limit holds for those who wait already', async () => {
    const { clock, admission, client } = make(4)
    const order: number[] = []
    for (let i = 0; i < 3; i++) void admission.enter(4, 5_000, client.signal)?.then(() => order.push(i))
    void admission.enter(2, 5_000, client.signal)?.then(() => order.push(3))
    admission.leave()
    admission.leave()
    await clock.pass(0)
    expect([order, admission.inFlight]).toEqual([[], 2])
    void admission.enter(5, 5_000, client.signal)?.then(() => order.push(4))
    await clock.pass(0)
    expect([order, admission.inFlight]).toEqual([[0, 1, 2], 5])
  })

  test('a thousand who want to wait for one place do not', async () => {
    const { admission, client } = make(1)
    const errors = Array.from({ length: 1_000 }, () => errorOf(admission.enter(1, 5_000, client.signal)))
    expect(admission.waiting).toBe(100)
    expect(String(await errors.at(-1))).toContain('All 1 places are taken and as many calls are waiting.')
  })

  test('whatever happens in whatever order: never more than the limit, and no place is lost', async () => {
    const step = fc.oneof(fc.constantFrom('enter', 'leave', 'abort'), fc.nat(3_000))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        const { clock, admission } = make(0)
        const waiting: AbortController[] = []
        let inside = 0
        for (const what of steps) {
          if (what === 'enter') {
            const client = new AbortController()
            waiting.push(client)
            Promise.resolve(admission.enter(limit, 2_000, client.signal)).then(
              () => inside++,
              () => undefined,
            )
          } else if (what === 'abort') waiting.shift()?.abort()
          else if (what === 'leave' && inside > 0) {
            inside--
            admission.leave()
          }
          await clock.pass(typeof what === 'number' ? what : 0)
          expect(inside).toBe(admission.inFlight)
          expect(inside).toBeLessThanOrEqual(limit)
          if (admission.waiting > 0) expect(inside).toBe(limit)
        }
        await clock.pass(2_000)
        while (inside > 0) {
          inside--
          admission.leave()
        }
        expect([admission.inFlight, admission.waiting, clock.waiting]).toEqual([0, 0, 0])
      }),
      { numRuns: 200 },
    )
  })
})
