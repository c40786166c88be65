import type { Failure } from '#contract'
import { type ErrorBody, readError, readErrorBody } from './error-body.ts'
import { byCode, byPhrase, byStatus, isTooLarge, type Verdict, type VerdictName, VERDICTS, withoutQuotations } from './failure-rules.ts'
import { readHint, readRetryAfter } from './retry-after.ts'
import { identifier, scrub } from './scrub.ts'

export interface ErrorResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Wall time, ms since the epoch. */
  readonly now: number
  /** What must not come back in a message. */
  readonly credential?: string | undefined
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map()
/** The caller's own faults: the only ones whose words go to it. */
const CALLERS: ReadonlySet<Failure['kind']> = new Set(['invalid_request', 'content_policy', 'context_length'])
const WAITS: ReadonlySet<Failure['kind']> = new Set(['rate_limited', 'quota', 'overloaded', 'server_error'])
/** The waits that a provider's words tell. Its other failures can echo the caller, who must not rest the account. */
const HINTS: ReadonlySet<Failure['kind']> = new Set(['rate_limited', 'quota'])
/** The statuses whose bodies name a field of the request. */
const NAMES_FIELDS: ReadonlySet<number> = new Set([400, 403, 404, 422])

/** What an error response means: by the provider's code, then its words, then its status (F3). Pure. */
export function classifyResponse(response: ErrorResponse): Failure {
  const { status, headers } = response
  if (status >= 300 && status < 400) return redirect(status, headers.get('location'))
  return describe(readErrorBody(response.body), status, response)
}

/** What an error within a response that began as a success means: `value` is its parsed JSON. Pure. */
export function classifyEvent(value: unknown, context: { readonly now: number; readonly credential?: string | undefined }): Failure {
  const body = readError(value)
  return describe(body, undefined, { headers: NO_HEADERS, ...context })
}

function describe(body: ErrorBody, status: number | undefined, response: Omit<ErrorResponse, 'status' | 'body'>): Failure {
  const said = status === undefined || status < 300 ? body.status : status
  const { kind, words } = decide(body, said)
  const coded = identifier(body.code)
  const code = coded !== undefined && scrub(coded, response.credential) === coded ? coded : undefined
  const facts = [said === undefined ? '' : String(said), code ?? ''].filter(Boolean).join(', ')
  const param = CALLERS.has(kind) ? identifier(body.param, 100) : undefined
  const callerMessage = CALLERS.has(kind) ? scrub(body.message, response.credential) : ''
  const hint = HINTS.has(kind) ? readHint(withoutQuotations(body.message), body.retryDelay) : undefined
  const retryAfterMs = WAITS.has(kind) ? readRetryAfter(response.headers, hint, response.now) : undefined
  return {
    kind,
    message: facts ? `${words} (${facts}).` : `${words}.`,
    ...(callerMessage && { callerMessage }),
    ...(said !== undefined && { status: said }),
    ...(code !== undefined && { providerCode: code }),
    ...(param !== undefined && { param }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

function decide(body: ErrorBody, status: number | undefined): Verdict {
  const name = decideName(body, status)
  if (body.form !== 'html') return VERDICTS[name]
  // A web page does not come from the model's server: what it says about the request says nothing about the caller.
  if (name === 'invalid') return VERDICTS.proxy
  return name === 'forbidden' ? { kind: 'auth', words: 'Something in front of the provider refuses us with a web page' } : VERDICTS[name]
}

function decideName(body: ErrorBody, status: number | undefined): VerdictName {
  if (isTooLarge(body.message)) return 'context'
  const coded = byCode(body.codes)
  if (coded !== undefined && !isShared(coded, body)) return coded
  // The name of the model is ours, so what is wrong with it is never the caller's fault.
  if (body.param === 'model' && (status === undefined || NAMES_FIELDS.has(status))) return 'model'
  return byPhrase(body.message, status) ?? coded ?? (status === undefined ? inEvent(body) : byStatus(status))
}

/** Some codes leave open what was meant: "resource exhausted" is a rate or a quota, "forbidden" the content or the account. */
function isShared(coded: VerdictName, body: ErrorBody): boolean {
  return coded === 'forbidden' || body.codes.includes('resource_exhausted')
}

/** An error without any status: the caller's where its type says so. */
function inEvent(body: ErrorBody): VerdictName {
  return body.codes.some((code) => /invalid_?(?:request|argument|value|param)|bad_?request|unsupported_|unknown_param/.test(code))
    ? 'invalid'
    : 'failed'
}

function redirect(status: number, location: string | undefined): Failure {
  const host = location !== undefined && URL.canParse(location) ? new URL(location).host : ''
  const target = host === '' ? 'another address' : host
  return {
    kind: 'redirect',
    message: `The provider redirects to ${target} (${status}). Redirects are not followed: name the final address as the base URL.`,
    status,
  }
}
