import { expect, test } from 'bun:test'
import { systemClock } from '#base'
import { httpClientContract } from './client.contract.ts'
import { failureOf, NEVER_ABORTED, ok, readAll } from './contract-harness.ts'
import { createFetchClient } from './fetch-client.ts'
import { wireServer } from './wire-server.ts'

httpClientContract({
  name: 'fetch client',
  create: (options) => createFetchClient({ clock: systemClock, ...options }),
  skip: {
    'malformed: a status line that is none': 'fetch waits for more',
    'malformed: both Content-Length and Transfer-Encoding': 'fetch lets chunked win',
    'truncated: a last chunk without the line that ends it': 'fetch takes it for the end',
    'truncated: gzip that ends in the middle': 'fetch cannot tell it from gzip that is broken',
    'timeout_connect: a handshake that is never answered': 'fetch does not tell connecting from waiting',
    'sends again, once, when a connection that was used before is closed without an answer':
      'fetch does not tell used connections from new ones',
  },
})

const request = { method: 'GET', headers: {}, connectMs: 5_000, headersMs: 5_000 } as const

test('asks the proxy that it was given', async () => {
  let head = ''
  await using proxy = await wireServer(async (peer) => {
    head = (await peer.request())?.head ?? ''
    peer.write(ok('through'))
  })
  const client = createFetchClient({ clock: systemClock, proxy: proxy.url('/').href })
  const response = await client.send({ ...request, url: new URL('http://upstream.test/v1/models') }, NEVER_ABORTED)
  expect((await readAll(response)).text).toBe('through')
  expect(head).toStartWith('GET http://upstream.test/v1/models HTTP/1.1\r\n')
  client.close()
})

test('opens a tunnel through the proxy for https:, and X1 names neither side of its credential in a failure', async () => {
  let head = ''
  await using proxy = await wireServer(async (peer) => {
    head = (await peer.request())?.head ?? ''
    peer.fin()
  })
  const client = createFetchClient({ clock: systemClock, proxy: `http://person:secret@127.0.0.1:${proxy.port}` })
  const failure = await failureOf(client.send({ ...request, url: new URL('https://upstream.test/v1/models') }, NEVER_ABORTED))
  expect(head).toStartWith('CONNECT upstream.test:443 HTTP/1.1\r\n')
  expect(failure.message).not.toMatch(/person|secret/)
  client.close()
})
