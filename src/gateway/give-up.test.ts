import { describe, expect, test } from 'bun:test'
import { FAILURE_KINDS, type FailureKind } from '#contract'
import { type Ending, giveUp } from './give-up.ts'

const ENDING: Ending = {
  model: 'assistant',
  attempts: 2,
  failure: { kind: 'server_error', message: 'The upstream answered 500.', status: 500 },
  reason: 'a/m: 500, 2 attempts',
  committed: false,
  returnsIn: undefined,
}
const KINDS = Object.keys(FAILURE_KINDS) as FailureKind[]

describe('giveUp', () => {
  test('no upstream could answer: what happened, and what to do', () => {
    expect(giveUp(ENDING)).toMatchObject({
      code: 'server_error',
      status: 502,
      attempts: 2,
      reason: 'a/m: 500, 2 attempts',
      retryAfterMs: undefined,
      message: 'No upstream could answer "assistant". a/m: 500, 2 attempts. Try again shortly.',
    })
  })

  test('it is known when an upstream returns: computed Retry-After', () => {
    expect(giveUp({ ...ENDING, returnsIn: 4_200 })).toMatchObject({ retryAfterMs: 4_200 })
    expect(giveUp({ ...ENDING, returnsIn: 4_200 }).message).toEndWith('Try again in 4.2 s.')
    expect(giveUp({ ...ENDING, returnsIn: 90 }).message).toEndWith('Try again in 1 s.')
  })

  test('F5 no attempt was made, all rest: 503 and when to come back', () => {
    const resting: Ending = { ...ENDING, failure: undefined, attempts: 0, reason: '' }
    expect(giveUp({ ...resting, returnsIn: 6_000 })).toMatchObject({
      code: 'upstreams_resting',
      status: 503,
      retryAfterMs: 6_000,
      message: 'Every upstream of "assistant" is resting. Try again in 6 s.',
    })
    expect(giveUp(resting)).toMatchObject({ status: 503, retryAfterMs: 1_000 })
  })

  test('the time was over before any attempt: a sentence all the same', () => {
    const failure = { kind: 'timeout_total', message: "The call's time of 5000 ms is over." } as const
    expect(giveUp({ ...ENDING, failure, attempts: 0, reason: '' }).message).toBe(
      'No upstream could answer "assistant". The call\'s time of 5000 ms is over. Try again shortly.',
    )
  })

  test('law 4: the caller’s own fault goes to it with the provider’s words and field; any other kind is 502, 503 or 504', () => {
    const callers = new Set<FailureKind>(['context_length', 'content_policy', 'invalid_request', 'cancelled'])
    for (const kind of KINDS) {
      const failure = { kind, message: 'In our words.', callerMessage: 'In its words.', param: 'messages', status: 401 }
      const error = giveUp({ ...ENDING, failure })
      expect(error.code).toBe(kind)
      if (!callers.has(kind)) expect([502, 503, 504]).toContain(error.status)
      else if (kind === 'cancelled') expect([error.status, error.message]).toEqual([499, 'In our words.'])
      else expect([error.status, error.message, error.param]).toEqual([400, 'In its words.', 'messages'])
    }
  })

  test('law 4: once a part was sent nothing is the caller’s fault, and the text says that what arrived is incomplete', () => {
    for (const kind of KINDS.filter((one) => one !== 'cancelled')) {
      const error = giveUp({ ...ENDING, committed: true, failure: { kind, message: 'No.', callerMessage: 'In its words.', status: 400 } })
      expect(error.status).toBeGreaterThanOrEqual(502)
      expect(error.message).toBe(
        'The answer broke off and could not be finished. a/m: 500, 2 attempts. What arrived is incomplete: ask again.',
      )
    }
  })
})
