import { formatDuration } from '#base'
import { FAILURE_KINDS, type Failure } from '#contract'
import { CallError } from './call.ts'

export interface Ending {
  readonly model: string
  readonly attempts: number
  /** The last attempt's; undefined when none was made. */
  readonly failure: Failure | undefined
  readonly reason: string
  /** Part of the answer was sent. */
  readonly committed: boolean
  /** Milliseconds until an upstream may be asked again, when that is known. */
  readonly returnsIn: number | undefined
}

/** The one honest error of a call that no upstream could answer. Only the caller's own faults are 4xx (law 4). */
export function giveUp(ending: Ending): CallError {
  const { failure } = ending
  if (!failure) return allCooling(ending)
  const { attempts, reason } = ending
  const { scope, status } = FAILURE_KINDS[failure.kind]
  if (failure.kind === 'cancelled') return new CallError(failure.message, { code: 'cancelled', status, attempts, reason })
  const callersFault = scope === 'request' && !ending.committed
  if (callersFault && failure.kind !== 'timeout_total') {
    return new CallError(failure.callerMessage ?? failure.message, {
      code: failure.kind,
      status,
      param: failure.param,
      attempts,
      reason,
    })
  }
  const what = ending.committed ? 'The answer broke off and could not be finished' : `No upstream could answer "${ending.model}"`
  return new CallError(reason === '' ? `${what}. ${failure.message}` : `${what}. ${reason}.`, {
    code: failure.kind,
    status: status < 500 ? 502 : status,
    attempts,
    reason,
    ...(ending.returnsIn === undefined ? {} : { retryAfterMs: ending.returnsIn }),
    remedy: remedyFor(ending),
  })
}

function allCooling(ending: Ending): CallError {
  return new CallError(`Every upstream of "${ending.model}" is resting after failures.`, {
    code: 'overloaded_here',
    status: 503,
    retryAfterMs: ending.returnsIn ?? 1_000,
    remedy: remedyFor(ending),
  })
}

function remedyFor(ending: Ending): string {
  if (ending.committed) return 'What arrived is incomplete: ask again.'
  return ending.returnsIn === undefined ? 'Try again shortly.' : `Try again in ${formatDuration(Math.max(1_000, ending.returnsIn))}.`
}
