import { type Clock, firstOf, TIMED_OUT } from '#base'
import type { BodyShare } from './body-budget.ts'
import { HttpError } from './http-error.ts'

/** How long a request's body may take to arrive, ms. */
const BODY_MS = 60_000

/**
 * The request's body as text, counted in `share` before it is held. Throws 413 beyond `limit` bytes, 408 when it does not
 * arrive, and what `share` throws.
 */
export async function readBody(request: Request, limit: number, clock: Clock, share: BodyShare): Promise<string> {
  const length = request.headers.get('content-length')
  if (length !== null && Number(length) > limit) throw tooLarge(limit)
  if (length !== null) share.take(Number(length))
  const text = await firstOf(clock, length === null ? readCounted(request, limit, share) : request.text(), BODY_MS).catch(
    (error: unknown) => {
      if (!request.signal.aborted) throw error
      throw new HttpError('The client left while it sent the request.', { status: 499, code: 'cancelled' })
    },
  )
  if (text !== TIMED_OUT) return text
  throw new HttpError(`The request's body did not arrive within ${BODY_MS / 1_000} s.`, {
    status: 408,
    code: 'request_timeout',
    headers: { connection: 'close' },
  })
}

/** Reads a body of unknown length, and no more of it than is allowed. */
async function readCounted(request: Request, limit: number, share: BodyShare): Promise<string> {
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    share.take(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(limit: number): HttpError {
  return new HttpError(`The request's body is larger than ${limit} bytes.`, {
    status: 413,
    code: 'request_too_large',
    remedy: 'Send less, or have the operator raise limits.body.',
    headers: { connection: 'close' },
  })
}
