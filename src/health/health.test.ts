import { describe, expect, test } from 'bun:test'
import { ManualClock } from '#base'
import type { Failure } from '#contract'
import { Health } from './health.ts'

const FAILURE: Failure = { kind: 'server_error', message: 'The upstream answered 500.', status: 500 }
const NOW = Date.UTC(2026, 0, 2)

function make(): { clock: ManualClock; health: Health } {
  const clock = new ManualClock({ now: NOW })
  return { clock, health: new Health(clock) }
}

function attempt(health: Health, outcome: 'ok' | 'neutral' | Failure, firstTokenMs: number | null = null, upstream = 'a/m'): void {
  health.began(upstream)
  health.ended(upstream, outcome, firstTokenMs)
}

describe('Health', () => {
  test('of an upstream that was never tried nothing is known, and asking for it leaves no trace', () => {
    const { health } = make()
    expect(health.of('a/m')).toMatchObject({ inFlight: 0, firstTokenMs: undefined, failingSince: undefined, lastFailure: undefined })
  })

  test('counts the attempts under way, each upstream by itself', () => {
    const { health } = make()
    health.began('a/m')
    health.began('a/m')
    health.began('b/m')
    health.ended('a/m', 'ok', null)
    expect([health.of('a/m').inFlight, health.of('b/m').inFlight]).toEqual([1, 1])
  })

  test('the first figure counts whole, later ones a fifth; attempts without a token have none', () => {
    const { health } = make()
    attempt(health, 'ok', 100)
    expect(health.of('a/m').firstTokenMs).toBe(100)
    attempt(health, 'ok', 200)
    expect(health.of('a/m').firstTokenMs).toBe(120)
    attempt(health, FAILURE, null)
    expect(health.of('a/m').firstTokenMs).toBe(120)
  })

  test('failing since the first of the failures in a row; the last one is the one that is told', () => {
    const { clock, health } = make()
    attempt(health, FAILURE)
    clock.advance(60_000)
    attempt(health, { ...FAILURE, status: 503 })
    expect(health.of('a/m')).toMatchObject({ failingSince: NOW, lastFailure: { status: 503 } })
  })

  test('an answer ends it, and the next failure begins anew', () => {
    const { clock, health } = make()
    attempt(health, FAILURE)
    attempt(health, 'ok')
    expect(health.of('a/m')).toMatchObject({ failingSince: undefined, lastFailure: undefined })
    clock.advance(60_000)
    attempt(health, FAILURE)
    expect(health.of('a/m').failingSince).toBe(NOW + 60_000)
  })

  test('a neutral end says nothing of the upstream', () => {
    const { health } = make()
    attempt(health, 'neutral')
    expect(health.of('a/m')).toMatchObject({ inFlight: 0, firstTokenMs: undefined, failingSince: undefined, lastFailure: undefined })
    attempt(health, FAILURE)
    attempt(health, 'neutral')
    expect(health.of('a/m').failingSince).toBe(NOW)
  })

  const CALLERS = ['invalid_request', 'content_policy', 'context_length', 'cancelled', 'timeout_total'] as const
  test.each(CALLERS)('%s says nothing of the upstream', (kind) => {
    const { health } = make()
    attempt(health, { kind, message: 'It said no.', status: 400 })
    expect(health.of('a/m')).toMatchObject({ inFlight: 0, failingSince: undefined, lastFailure: undefined })
  })

  test('a failure of one upstream is not another’s, though they share an account', () => {
    const { health } = make()
    attempt(health, FAILURE, null, 'a/m')
    expect(health.of('a/other').failingSince).toBeUndefined()
  })
})
