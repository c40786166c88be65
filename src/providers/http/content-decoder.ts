import { pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { abortReason, messageOf } from '#base'
import { UpstreamError } from '#contract'
import type { ResponseHead } from './response-head.ts'

type Bytes = AsyncIterableIterator<Uint8Array>

/** The body without its content encoding, decoded as it arrives. We ask for none; some upstreams compress all the same. */
export function decodeBody(body: Bytes, head: ResponseHead, { peer, signal }: { peer: string; signal: AbortSignal }): Bytes {
  const coding = head.headers.get('content-encoding')
  if (coding === undefined || coding === 'identity' || coding === '' || head.framing.type === 'none') return body
  return new DecodedBody(body, { coding: coding.toLowerCase(), peer, signal })
}

/** Reads one piece from the source for each that is asked for, so that a small body cannot become a large one in memory. */
class DecodedBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: Bytes
  readonly #pieces: AsyncGenerator<Uint8Array, undefined>
  readonly #signal: AbortSignal
  readonly #abandoned = new AbortController()

  constructor(source: Bytes, options: { coding: string; peer: string; signal: AbortSignal }) {
    this.#source = source
    this.#signal = options.signal
    this.#pieces = decoded(source, { ...options, signal: this.#abandoned.signal })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#signal.aborted ? Promise.reject(abortReason(this.#signal)) : this.#pieces.next()
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#abandoned.abort()
    await this.#source.return?.()
    await this.#pieces.return(undefined)
    return { done: true, value: undefined }
  }
}

async function* decoded(
  source: Bytes,
  options: { coding: string; peer: string; signal: AbortSignal },
): AsyncGenerator<Uint8Array, undefined> {
  const { coding, peer } = options
  const first = await source.next()
  if (first.done) return
  const decoder = decoderFor(coding, first.value)
  if (!decoder) {
    await source.return?.()
    throw new UpstreamError({ kind: 'malformed', message: `${peer} sent a content encoding that was not asked for and cannot be read.` })
  }
  let sourceError: unknown
  async function* pieces(): AsyncGenerator<Uint8Array, undefined> {
    if (first.value) yield first.value
    try {
      yield* { [Symbol.asyncIterator]: () => source }
    } catch (error) {
      sourceError = error
      throw error
    }
  }
  pipeline(pieces(), decoder, () => undefined)
  options.signal.addEventListener('abort', () => decoder.destroy())
  try {
    for await (const piece of decoder) yield piece
  } catch (error) {
    if (options.signal.aborted) return
    throw sourceError ?? decodingFailure(error, peer)
  } finally {
    decoder.destroy()
    await source.return?.()
  }
}

function decoderFor(coding: string, first: Uint8Array): Transform | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      // Some servers send it with the header of zlib, as the standard says, and some without.
      return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw()
    case 'br':
      return createBrotliDecompress()
    default:
      return undefined
  }
}

function decodingFailure(error: unknown, peer: string): UpstreamError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'Z_BUF_ERROR' || /unexpected end/i.test(messageOf(error))
    ? new UpstreamError({ kind: 'truncated', message: `${peer} ended its compressed answer in the middle.` }, error)
    : new UpstreamError({ kind: 'malformed', message: `${peer} sent an answer that cannot be decompressed.` }, error)
}
