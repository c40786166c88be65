import { describe, expect } from 'bun:test'
import { gzipSync } from 'node:zlib'
import { type ClientUnderTest, type ContractHarness, NEVER_ABORTED, failureOf, ok, readAll } from './contract-harness.ts'
import { EXPIRED_CERTIFICATE, GOOD_CERTIFICATE, MISNAMED_CERTIFICATE } from './test-certificates.ts'
import { refusingPort, type WirePeer, wireServer } from './wire-server.ts'

/** Every way to fail, by its kind. */
export function failuresContract(harness: ContractHarness, subject: ClientUnderTest): void {
  const { invariant, send, ask, answer } = harness

  describe('failures', () => {
    invariant('connect: a refused connection', async () => {
      const port = await refusingPort()
      const failure = await failureOf(send(new URL(`http://127.0.0.1:${port}/`)))
      expect(failure.kind).toBe('connect')
      expect(failure.message).toContain(`127.0.0.1:${port}`)
    })

    invariant('dns: a name that does not exist', async () => {
      expect((await failureOf(send(new URL('http://nowhere.invalid/')))).kind).toBe('dns')
    })

    invariant('reset: RST or FIN in place of an answer', async () => {
      const reset = async (peer: WirePeer): Promise<void> => {
        await peer.request()
        peer.reset()
      }
      const fin = async (peer: WirePeer): Promise<void> => {
        await peer.request()
        peer.fin()
      }
      const half = async (peer: WirePeer): Promise<void> => {
        await peer.request()
        peer.fin('HTTP/1.1 200 OK\r\ncontent-le')
      }
      for (const script of [reset, fin, half]) expect((await failureOf(ask(script))).kind).toBe('reset')
    })

    invariant('timeout_headers: a server that accepts and stays silent', async () => {
      await using server = await wireServer(() => undefined)
      const failure = await failureOf(send(server.url(), { connectMs: 50, headersMs: 50 }))
      expect(failure.kind).toBe('timeout_headers')
      await server.peers[0]?.closed
    })

    invariant('truncated: a body that ends before its length or its last chunk', async () => {
      const sized = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'
      const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'
      for (const bytes of [sized, chunked]) expect((await failureOf(answer(bytes, 'fin'))).kind).toBe('truncated')
    })

    invariant('truncated: a last chunk without the line that ends it', async () => {
      const bytes = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'
      expect((await failureOf(answer(bytes, 'fin'))).kind).toBe('truncated')
    })

    invariant('truncated: RST in the body, after the pieces that came', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        await peer.flush('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
      })
      const response = await send(server.url())
      expect(String(Buffer.from((await response.body.next()).value ?? ''))).toBe('abc')
      server.peers[0]?.reset()
      expect((await failureOf(response.body.next())).kind).toBe('truncated')
    })

    invariant('truncated: gzip that ends in the middle', async () => {
      const body = gzipSync('x'.repeat(10_000)).subarray(0, 30)
      const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`
      expect((await failureOf(answer(Buffer.concat([Buffer.from(head), body])))).kind).toBe('truncated')
    })

    invariant('malformed: gzip that is none', async () => {
      const failure = await failureOf(answer('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain'))
      expect(failure.kind).toBe('malformed')
    })

    for (const [what, bytes] of Object.entries(MALFORMED)) {
      invariant(`malformed: ${what}`, async () => {
        const failure = await failureOf(answer(bytes))
        expect(failure.kind).toBe('malformed')
        expect(failure.message).toMatch(/^127\.0\.0\.1:\d+ /)
      })
    }

    invariant('too_large: more than 64 KiB of headers', async () => {
      const failure = await failureOf(answer(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\ncontent-length: 0\r\n\r\n`))
      expect(failure.kind).toBe('too_large')
    })

    invariant('too_large: 1 MiB of headers without an end', async () => {
      expect((await failureOf(answer(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1 << 20)}`))).kind).toBe('too_large')
    })

    invariant('too_large: more than 200 headers', async () => {
      const failure = await failureOf(
        answer(`HTTP/1.1 200 OK\r\n${Array.from({ length: 201 }, (_, i) => `x-${i}: 1\r\n`).join('')}content-length: 0\r\n\r\n`),
      )
      expect(failure.kind).toBe('too_large')
    })
  })

  describe('TLS', () => {
    invariant('trusts the authority that it was given, and reuses the connection', async () => {
      const script = async (peer: WirePeer): Promise<void> => {
        while (await peer.request()) peer.write(ok(String(peer.index)))
      }
      await using server = await wireServer(script, { tls: GOOD_CERTIFICATE })
      for (let i = 0; i < 2; i++) expect((await readAll(await send(server.url('/', 'localhost')))).text).toBe('0')
    })

    invariant('tls: an authority that is not known', async () => {
      await using server = await wireServer(() => undefined, { tls: GOOD_CERTIFICATE })
      const stranger = subject.create({})
      const request = { method: 'GET', url: server.url('/', 'localhost'), headers: {}, connectMs: 5_000, headersMs: 5_000 } as const
      const failure = await failureOf(stranger.send(request, NEVER_ABORTED))
      expect([failure.kind, failure.message]).toEqual(['tls', expect.stringContaining('authority that is not trusted')])
    })

    invariant('tls: a certificate for another name', async () => {
      await using server = await wireServer(() => undefined, { tls: MISNAMED_CERTIFICATE })
      const failure = await failureOf(send(server.url('/', 'localhost')))
      expect([failure.kind, failure.message]).toEqual(['tls', expect.stringContaining('another name than localhost')])
    })

    invariant('tls: a certificate that has expired', async () => {
      await using server = await wireServer(() => undefined, { tls: EXPIRED_CERTIFICATE })
      const failure = await failureOf(send(server.url('/', 'localhost')))
      expect([failure.kind, failure.message]).toEqual(['tls', expect.stringContaining('has expired')])
    })

    invariant('tls: a server that speaks plain HTTP', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.anything()
        peer.fin('HTTP/1.1 400 Bad Request\r\n\r\n')
      })
      const failure = await failureOf(send(new URL(`https://127.0.0.1:${server.port}/`)))
      expect(failure.kind).toBe('tls')
    })

    invariant('timeout_connect: a handshake that is never answered', async () => {
      await using server = await wireServer(() => undefined)
      const failure = await failureOf(send(new URL(`https://127.0.0.1:${server.port}/`), { connectMs: 50 }))
      expect(failure.kind).toBe('timeout_connect')
      await server.peers[0]?.closed
    })
  })
}

const MALFORMED: Readonly<Record<string, string>> = {
  'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n',
  'a status line that is none': 'HTTP/1.1 OK\r\n\r\n',
  'both Content-Length and Transfer-Encoding':
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'two lengths that differ': 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
  'a size of chunk that is none': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n',
  'a chunk that is longer than its size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
  'a folded header': 'HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 3\r\n\r\nabc',
  'a NUL in a header': 'HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 3\r\n\r\nabc',
  'a protocol switch that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
}
