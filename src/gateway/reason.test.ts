import { describe, expect, test } from 'bun:test'
import { type AttemptRecord, FAILURE_KINDS, type FailureKind } from '#contract'
import type { UpstreamHealth } from '#health'
import { failureWords, reasonFor } from './reason.ts'

const KINDS = Object.keys(FAILURE_KINDS) as FailureKind[]
const WELL: UpstreamHealth = { inFlight: 0, firstTokenMs: undefined, failingSince: undefined, lastFailure: undefined }
const FAILING: UpstreamHealth = { ...WELL, failingSince: Date.UTC(2026, 0, 2, 14, 2, 59) }

function attempt(upstream: string, outcome: AttemptRecord['outcome'], status: number | null = null): AttemptRecord {
  const phases = { dnsMs: null, connectMs: null, tlsMs: null, headersMs: null }
  return { upstream, outcome, status, startedMs: 0, durationMs: 1, firstTokenMs: null, rescue: null, detail: null, ...phases }
}

function reason(attempts: readonly AttemptRecord[], answeredBy?: string, rescued = false, health = WELL): string {
  return reasonFor({ attempts, resting: [], answeredBy, rescued }, () => health)
}

describe('failureWords', () => {
  test.each(KINDS)('%s has words of its own', (kind) => {
    const words = failureWords(kind, null)
    expect(words).toMatch(/^[A-Za-z][\w ,-]+$/)
    expect(KINDS.filter((other) => failureWords(other, null) === words)).toEqual([kind])
  })

  test('a status speaks where it says more', () => {
    expect(failureWords('server_error', 503)).toBe('503')
    expect(failureWords('overloaded', 529)).toBe('529')
    expect(failureWords('rate_limited', 429)).toBe('429')
    expect(failureWords('auth', 401)).toBe('our credential was refused')
    expect(failureWords('server_error', undefined)).toBe('server error')
  })
})

describe('reasonFor', () => {
  test('nothing to tell where the first attempt answered', () => {
    expect(reason([], 'a/m')).toBe('')
    expect(reason([attempt('a/m', 'ok', 200)], 'a/m')).toBe('')
  })

  test('who failed, how, since when, how often, and who answered', () => {
    const failed = [attempt('openai/x', 'server_error', 503), attempt('openai/x', 'server_error', 503)]
    expect(reason(failed, 'near/y', false, FAILING)).toBe('openai/x: 503 since 14:02 UTC, 2 attempts; answered by near/y')
  })

  test('the last failure of an upstream speaks for it', () => {
    expect(reason([attempt('a/m', 'server_error', 500), attempt('a/m', 'timeout_stall')])).toBe('a/m: stopped mid-answer, 2 attempts')
  })

  test('several upstreams, in the order in which they failed; nobody answered', () => {
    expect(reason([attempt('b/m', 'connect'), attempt('a/m', 'timeout_headers')])).toBe('b/m: connection refused; a/m: silent')
  })

  test('an answer that another one began is finished, not answered', () => {
    expect(reason([attempt('a/m', 'truncated')], 'b/m', true)).toBe('a/m: answer cut off; finished by b/m')
  })

  test('who was passed over, and why it rests', () => {
    const health = { ...FAILING, lastFailure: { kind: 'rate_limited', status: 429, message: '' } } as const
    const course = { attempts: [], resting: ['a/m'], answeredBy: 'b/m', rescued: false }
    expect(reasonFor(course, () => health)).toBe('a/m: resting after 429 since 14:02 UTC; answered by b/m')
    expect(reasonFor({ ...course, answeredBy: undefined }, () => WELL)).toBe('a/m: resting with its account')
  })

  test('a fault of the request has no since', () => {
    expect(reason([attempt('a/m', 'context_length', 400)], 'b/m', false, FAILING)).toBe('a/m: context too small; answered by b/m')
  })
})
