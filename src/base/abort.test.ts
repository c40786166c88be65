import { describe, expect, test } from 'bun:test'
import { abortable, abortReason, linkSignals, sleep } from './abort.ts'
import { ManualClock } from './manual-clock.ts'

describe('abortable', () => {
  test('a promise that is given up before it began to wait may reject later without being called unhandled', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', onUnhandled)
    const late = Promise.withResolvers<never>()
    const waiting = abortable(late.promise, AbortSignal.abort(new TypeError('left')))
    expect(await waiting.catch(String)).toBe('TypeError: left')
    late.reject(new TypeError('too late'))
    const turn = Promise.withResolvers<void>()
    setImmediate(turn.resolve)
    await turn.promise
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  test('settles as its promise does while nobody aborts', async () => {
    const { signal } = new AbortController()
    expect(await abortable(Promise.resolve(7), signal)).toBe(7)
    expect(await abortable(Promise.reject(new TypeError('broken')), signal).catch(String)).toBe('TypeError: broken')
  })

  test('an abort wins over a promise that is still open, and a late abort changes nothing', async () => {
    const controller = new AbortController()
    const waiting = abortable(new Promise<never>(() => undefined), controller.signal)
    const ready = abortable(Promise.resolve('ready'), controller.signal)
    expect(await ready).toBe('ready')
    controller.abort(new TypeError('left'))
    expect(await waiting.catch(String)).toBe('TypeError: left')
  })
})

describe('abortReason', () => {
  test('is the reason where that is an error, an AbortError where it is not', () => {
    const reason = new TypeError('left')
    expect(abortReason(AbortSignal.abort(reason))).toBe(reason)
    expect(abortReason(AbortSignal.abort('a word')).name).toBe('AbortError')
    expect(abortReason(AbortSignal.abort()).name).toBe('AbortError')
  })
})

describe('sleep', () => {
  test('ends at its time and not before', async () => {
    const clock = new ManualClock()
    let woke = false
    const sleeping = sleep(clock, 100).then(() => (woke = true))
    await clock.pass(99)
    expect(woke).toBe(false)
    await clock.pass(1)
    await sleeping
    expect(woke).toBe(true)
  })

  test('an abort ends it at once and leaves no timer behind', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const sleeping = sleep(clock, 100, controller.signal).catch(String)
    expect(clock.waiting).toBe(1)
    controller.abort(new TypeError('left'))
    expect(await sleeping).toBe('TypeError: left')
    expect(clock.waiting).toBe(0)
  })

  test('on a signal that is aborted it does not begin', async () => {
    const clock = new ManualClock()
    expect(await sleep(clock, 100, AbortSignal.abort(new TypeError('left'))).catch(String)).toBe('TypeError: left')
    expect(clock.waiting).toBe(0)
  })
})

describe('linkSignals', () => {
  test('the child aborts with its parent and for the same reason', () => {
    const parent = new AbortController()
    const { controller } = linkSignals(parent.signal)
    const reason = new TypeError('left')
    parent.abort(reason)
    expect(controller.signal.reason).toBe(reason)
  })

  test('a child of an aborted parent is aborted from the start', () => {
    expect(linkSignals(AbortSignal.abort()).controller.signal.aborted).toBe(true)
  })

  test('unlinked, the parent has no say any more; the child never has one over the parent', () => {
    const parent = new AbortController()
    const { controller, unlink } = linkSignals(parent.signal)
    const other = linkSignals(parent.signal)
    unlink()
    other.controller.abort()
    expect(parent.signal.aborted).toBe(false)
    parent.abort()
    expect(controller.signal.aborted).toBe(false)
  })
})
