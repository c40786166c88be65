import { describe, expect, test } from 'bun:test'
import { AuthError } from '#auth'
import { AppError } from '#base'
import { CallError } from '#gateway'
import { headerText } from './header-text.ts'
import { faultOf, HttpError, toWireError, type WireError } from './http-error.ts'

const SECRET = 'SELECT secret FROM somewhere'
const FOREIGN: WireError = {
  status: 500,
  headers: {},
  body: {
    error: {
      message: 'Holdfast itself failed on this request. The log says more.',
      type: 'server_error',
      param: null,
      code: 'internal_error',
      call_id: 'call_1',
    },
  },
}

function callError(change: Partial<ConstructorParameters<typeof CallError>[1]> = {}): CallError {
  return new CallError('No upstream could answer.', { code: 'server_error', status: 502, ...change })
}

describe('toWireError', () => {
  test('a request that cannot be served: its status, code, field and headers', () => {
    const error = new HttpError('There is no model "x".', {
      status: 404,
      code: 'model_not_found',
      param: 'model',
      remedy: 'Did you mean "y"?',
      headers: { allow: 'GET' },
    })
    expect(toWireError(error, 'call_1')).toEqual({
      status: 404,
      headers: { allow: 'GET' },
      body: {
        error: {
          message: 'There is no model "x". Did you mean "y"?',
          type: 'invalid_request_error',
          param: 'model',
          code: 'model_not_found',
          call_id: 'call_1',
        },
      },
    })
  })

  test('a call that could not be answered: when to come back, in whole seconds, in body and header; how it went', () => {
    const wire = toWireError(callError({ retryAfterMs: 1_200, attempts: 3, reason: 'a: 503 – ü\r\nx: 1' }), 'call_1')
    expect(wire.headers).toEqual({ 'x-holdfast-attempts': '3', 'x-holdfast-reason': 'a: 503 ? ???x: 1', 'retry-after': '2' })
    expect(wire.body.error).toMatchObject({ retry_after: 2, code: 'server_error', type: 'upstream_error', param: null })
  })

  test('to come back at once is to come back in a second', () => {
    expect(toWireError(callError({ retryAfterMs: 0 }), 'call_1').body.error.retry_after).toBe(1)
  })

  test('no time to come back, no attempts, no reason: nothing is said of them', () => {
    const wire = toWireError(callError(), 'call_1')
    expect(wire.headers).toEqual({})
    expect(wire.body.error).not.toHaveProperty('retry_after')
  })

  test('one that is not let in', () => {
    const error = new AuthError('Too many calls.', { status: 429, code: 'rate_limit_exceeded', retryAfterMs: 30_000 })
    const wire = toWireError(error, 'call_1')
    expect([wire.status, wire.headers, wire.body.error.type]).toEqual([429, { 'retry-after': '30' }, 'rate_limit_error'])
  })

  test.each<[string, unknown]>([
    ['a TypeError', new TypeError(SECRET)],
    ['an AppError of elsewhere', new AppError(SECRET, { code: 'store_broken' })],
    ['a text', SECRET],
    ['nothing', undefined],
  ])('%s says nothing of itself', (_, thrown) => expect(toWireError(thrown, 'call_1')).toEqual(FOREIGN))

  const types: readonly (readonly [number, string])[] = [
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'invalid_request_error'],
    [413, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'server_error'],
    [502, 'upstream_error'],
    [503, 'upstream_error'],
    [504, 'upstream_error'],
  ]
  test.each(types)('status %d is of type %s', (status, type) => {
    expect(toWireError(new HttpError('No.', { status, code: 'no' }), 'call_1').body.error.type).toBe(type)
    expect(toWireError(callError({ status }), 'call_1').body.error.type).toBe(type)
  })
})

describe('faultOf', () => {
  test('what was foreseen is no fault of ours', () => {
    expect(faultOf(new HttpError('No.', { status: 400, code: 'no' }))).toBeUndefined()
    expect(faultOf(new AuthError('No.', { status: 401, code: 'no' }))).toBeUndefined()
    expect(faultOf(callError())).toBeUndefined()
  })

  test('everything else is, in its own words', () => {
    expect(faultOf(new TypeError('broken'))).toBe('broken')
    expect(faultOf('broken')).toBe('broken')
    expect(faultOf(callError({ code: 'internal_error', status: 500, cause: new TypeError('deeper') }))).toBe('deeper')
  })
})

describe('headerText', () => {
  test('visible ASCII stays, everything else is a question mark, and 1,000 characters are the most', () => {
    expect(headerText('a ~!\r\n\t\u0000ü🦊')).toBe('a ~!???????')
    expect(headerText('x'.repeat(5_000))).toHaveLength(1_000)
  })
})
