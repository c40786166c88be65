import { AppError, messageOf } from '#base'
import { AuthError } from '#auth'
import { CallError } from '#gateway'
import { headerText } from './header-text.ts'

export interface HttpErrorOptions {
  readonly status: number
  readonly code: string
  readonly remedy?: string
  /** The request's field that is wrong. */
  readonly param?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly retryAfterMs?: number
}

/** A request that cannot be served as it is. */
export class HttpError extends AppError {
  override readonly name = 'HttpError'
  readonly status: number
  readonly param: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: HttpErrorOptions) {
    super(message, options)
    this.status = options.status
    this.param = options.param
    this.headers = options.headers ?? {}
    this.retryAfterMs = options.retryAfterMs
  }
}

/** What a caller is told of an error: OpenAI's shape, plus the call's id and when to come back. */
export interface WireError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: {
    readonly error: {
      readonly message: string
      readonly type: string
      readonly param: string | null
      readonly code: string
      readonly call_id: string
      /** Seconds. */
      readonly retry_after?: number
    }
  }
}

/** The one place where errors become HTTP. An error that nobody foresaw says nothing of itself; the log does. */
export function toWireError(error: unknown, callId: string): WireError {
  const known = describe(error)
  const retryAfter = known.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(known.retryAfterMs / 1_000))
  return {
    status: known.status,
    headers: retryAfter === undefined ? known.headers : { ...known.headers, 'retry-after': String(retryAfter) },
    body: {
      error: {
        message: known.message,
        type: typeOf(known.status),
        param: known.param ?? null,
        code: known.code,
        call_id: callId,
        ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
      },
    },
  }
}

interface Known {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly param?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly headers: Readonly<Record<string, string>>
}

function describe(error: unknown): Known {
  if (error instanceof HttpError) return error
  if (error instanceof CallError || error instanceof AuthError) {
    const { status, code, message, retryAfterMs } = error
    return { status, code, message, retryAfterMs, headers: {}, ...(error instanceof CallError ? ofCall(error) : {}) }
  }
  return { status: 500, code: 'internal_error', message: 'Holdfast itself failed on this request. The log says more.', headers: {} }
}

function ofCall(error: CallError): { param: string | undefined; headers: Record<string, string> } {
  const { param, attempts, reason } = error
  const headers: Record<string, string> = {}
  if (attempts > 0) headers['x-holdfast-attempts'] = String(attempts)
  if (reason !== '') headers['x-holdfast-reason'] = headerText(reason)
  return { param, headers }
}

/** Whether an error is a fault of ours that the log must hold, and what it says. */
export function faultOf(error: unknown): string | undefined {
  if (error instanceof CallError) return error.code === 'internal_error' ? messageOf(error.cause) : undefined
  return error instanceof HttpError || error instanceof AuthError ? undefined : messageOf(error)
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  if (status < 500) return 'invalid_request_error'
  return status === 500 ? 'server_error' : 'upstream_error'
}
