import { describe, expect, test } from 'bun:test'
import { abortable } from './abort.ts'

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
})
