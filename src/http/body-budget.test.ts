import { describe, expect, test } from 'bun:test'
import { BodyBudget, type BodyShare } from './body-budget.ts'
import { HttpError, toWireError } from './http-error.ts'

function refusalOf(share: BodyShare, bytes: number): unknown {
  try {
    share.take(bytes)
    return undefined
  } catch (error) {
    return error instanceof HttpError ? toWireError(error, 'call_1') : error
  }
}

describe('BodyBudget', () => {
  test('beyond what all may hold it is 503, to be tried again in a second, until somebody gives bytes back', () => {
    const budget = new BodyBudget(100)
    const [first, second] = [budget.share(), budget.share()]
    first.take(60)
    second.take(40)
    expect(refusalOf(second, 1)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { error: { code: 'overloaded_here', retry_after: 1 } },
    })
    expect(refusalOf(budget.share(), 1)).toMatchObject({ status: 503 })
    first.release()
    expect(refusalOf(second, 60)).toBeUndefined()
    expect(refusalOf(first, 1)).toMatchObject({ status: 503 })
  })

  test('a body that is alone may be larger than the budget, whether it comes at once or in pieces', () => {
    const budget = new BodyBudget(100)
    const share = budget.share()
    for (const bytes of [90, 90]) share.take(bytes)
    expect(refusalOf(budget.share(), 1)).toMatchObject({ status: 503 })
    share.release()
    expect(refusalOf(budget.share(), 500)).toBeUndefined()
  })

  test('what is given back twice counts once', () => {
    const budget = new BodyBudget(100)
    const [first, second] = [budget.share(), budget.share()]
    first.take(50)
    second.take(50)
    first.release()
    first.release()
    expect(refusalOf(budget.share(), 51)).toMatchObject({ status: 503 })
    expect(refusalOf(budget.share(), 50)).toBeUndefined()
  })
})
