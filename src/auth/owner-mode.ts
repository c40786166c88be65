import { isLoopback } from '#base'
import { AuthError } from './auth-error.ts'

/** What a request says about who sent it. */
export interface Caller {
  readonly authorization: string | null
  /** `x-api-key`, which some clients send instead. */
  readonly apiKeyHeader?: string | null
  readonly host: string | null
  readonly origin: string | null
  /** Whether it came with a forwarding header, from whomever. */
  readonly forwarded: boolean
  readonly remoteAddress: string
}

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i
const MAKE_ONE = 'Make a key with `holdfast key create NAME` and send it as `Authorization: Bearer …`.'

/**
 * Throws unless the caller is certainly a program on this machine that means to talk to us (X2): not one behind a proxy, not
 * a web page that a name server or a link led here. A request without Host is an HTTP/1.0 client; browsers always send one.
 */
export function requireOwner(caller: Caller): void {
  if (caller.forwarded || !isLoopback(caller.remoteAddress)) {
    const why = caller.forwarded ? 'The request came through a proxy' : `The request came from ${caller.remoteAddress}`
    throw new AuthError(`${why}, and only programs on this machine may call without a key.`, {
      status: 401,
      code: 'invalid_api_key',
      remedy: MAKE_ONE,
    })
  }
  if (caller.host !== null && !LOCAL_HOST.test(caller.host)) {
    throw new AuthError(
      `The request is for the host ${quoted(caller.host)}; without a key only localhost, 127.0.0.1 and [::1] are answered.`,
      {
        status: 403,
        code: 'host_not_local',
        remedy: `Use http://localhost, or a key. ${MAKE_ONE}`,
      },
    )
  }
  if (caller.origin !== null && !isSameHost(caller.origin, caller.host)) {
    throw new AuthError(
      `The request was made by a page from ${quoted(caller.origin)}; without a key pages from elsewhere are not answered.`,
      {
        status: 403,
        code: 'origin_not_local',
        remedy: MAKE_ONE,
      },
    )
  }
}

function isSameHost(origin: string, host: string | null): boolean {
  const from = URL.parse(origin)
  const to = URL.parse(`${from?.protocol}//${host}`)
  return host !== null && from !== null && to !== null && /^https?:$/.test(from.protocol) && from.host === to.host
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
