import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { systemClock } from '#base'
import { UpstreamError } from '#contract'
import { NEVER_ABORTED, readAll, within } from './contract-harness.ts'
import { createSocketClient } from './socket-client.ts'
import { wireServer } from './wire-server.ts'

const FRAGMENTS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'content-length: 5\r\n',
  'content-length: 0\r\n',
  'transfer-encoding: chunked\r\n',
  'content-encoding: gzip\r\n',
  'connection: close\r\n',
  'keep-alive: timeout=0\r\n',
  '\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  'hello',
  '\0',
  '\n',
]

test('whatever a server sends, a request ends with an answer or an UpstreamError', async () => {
  let script: { readonly pieces: readonly string[]; readonly ending: 'fin' | 'reset' } = { pieces: [], ending: 'fin' }
  await using server = await wireServer(async (peer) => {
    while (await peer.request()) {
      const { pieces, ending } = script
      for (const piece of pieces) await peer.flush(piece)
      if (ending === 'fin') peer.fin()
      else peer.reset()
    }
  })
  const client = createSocketClient({ clock: systemClock })
  const garbage = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
  const fragment = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...FRAGMENTS) }, { weight: 1, arbitrary: garbage })
  const start = fc.constantFrom('', 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
  const pieces = fc.tuple(start, fc.array(fragment, { maxLength: 10 })).map(([first, rest]) => [first, ...rest])
  const kinds = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.record({ pieces, ending: fc.constantFrom('fin', 'reset') }), async (next) => {
      script = next
      const request = { method: 'GET', url: server.url(), headers: {}, connectMs: 2_000, headersMs: 2_000 } as const
      const outcome = client.send(request, NEVER_ABORTED).then(readAll)
      const error: unknown = await within(1_500, outcome).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (error !== undefined) expect(error).toBeInstanceOf(UpstreamError)
      kinds.add(error instanceof UpstreamError ? error.failure.kind : 'ok')
    }),
    { numRuns: 500 },
  )
  expect([...kinds].toSorted()).toEqual(['malformed', 'ok', 'reset', 'truncated'])
  client.close()
}, 60_000)
