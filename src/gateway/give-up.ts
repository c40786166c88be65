import { formatDuration } from '#base'
import { FAILURE_KINDS, type Failure, type FailureKind } from '#contract'
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
  const why = ending.reason === '' ? '' : ` ${ending.reason}.`
  return new CallError(`Every upstream of "${ending.model}" is resting.${why}`, {
    code: 'upstreams_resting',
    status: 503,
    reason: ending.reason,
    retryAfterMs: ending.returnsIn ?? 1_000,
    remedy: remedyFor(ending),
  })
}

/** Failures that last until a person does something. */
const LASTING: ReadonlySet<FailureKind> = new Set(['auth', 'quota', 'upstream_model_not_found', 'redirect', 'tls', 'dns'])

function remedyFor({ committed, failure, returnsIn }: Ending): string {
  if (committed) return 'What arrived is incomplete: ask again.'
  if (failure && LASTING.has(failure.kind))
    return 'It will not pass by itself: the operator finds the cause with `holdfast calls` and `holdfast check --probe`.'
  return returnsIn === undefined ? 'Try again shortly.' : `Try again in ${formatDuration(Math.max(1_000, returnsIn))}.`
}
