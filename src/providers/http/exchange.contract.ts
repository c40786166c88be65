import { describe, expect } from 'bun:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { type ContractHarness, chunk, ok, readAll } from './contract-harness.ts'
import { wireServer } from './wire-server.ts'

/** What is sent, and how answers are read. */
export function exchangeContract(harness: ContractHarness): void {
  const { invariant, send, ask, answer } = harness

  describe('requests', () => {
    invariant('sends method, path, host, headers and body as they are', async () => {
      let got: { head: string; body: Buffer } | undefined
      const result = await ask(
        async (peer) => {
          got = await peer.request()
          peer.write(ok('hello'))
        },
        { body: '{"text":"é€😀"}', headers: { authorization: 'Bearer k', 'x-more': 'a, b' } },
      )
      expect(result.text).toBe('hello')
      expect(got?.head.split('\r\n')[0]).toBe('POST /v1/chat/completions HTTP/1.1')
      expect(got?.body.toString('utf8')).toBe('{"text":"é€😀"}')
      const head = got?.head.toLowerCase() ?? ''
      for (const line of ['authorization: bearer k', 'x-more: a, b', 'accept-encoding: identity', 'content-type: application/json']) {
        expect(head).toContain(`\r\n${line}`)
      }
      expect(head).toMatch(/\r\nhost: 127\.0\.0\.1:\d+/)
    })

    invariant('sends a GET without a body', async () => {
      let head = ''
      await using server = await wireServer(async (peer) => {
        head = (await peer.request())?.head ?? ''
        peer.write(ok('[]'))
      })
      expect((await readAll(await send(server.url('/v1/models?limit=2'), { method: 'GET' }))).text).toBe('[]')
      expect(head).toStartWith('GET /v1/models?limit=2 HTTP/1.1')
      expect(head.toLowerCase()).not.toContain('content-length')
    })

    invariant('writes a body of 32 MiB in UTF-8, whole and in order', async () => {
      const body = '0123456789äöü€😀'.repeat(1_400_000)
      const hash = Bun.hash(body)
      const result = await ask(
        async (peer) => {
          const got = await peer.request()
          peer.write(ok(String(Bun.hash(got?.body ?? ''))))
        },
        { body },
      )
      expect(result.text).toBe(String(hash))
    })

    invariant('delivers an answer that comes while the request is still being written', async () => {
      const result = await ask(
        async (peer) => {
          await peer.anything()
          peer.socket.pause()
          peer.write('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig')
        },
        { body: 'x'.repeat(32 << 20) },
      )
      expect([result.status, result.text]).toEqual([413, 'big'])
    })
  })

  describe('responses', () => {
    invariant('gives status, lower-case headers, joined repeats, and a body of known length', async () => {
      const result = await answer('HTTP/1.1 429 Too Many\r\nX-One: 1\r\nx-one:  2 \r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nslow')
      expect([result.status, result.text]).toEqual([429, 'slow'])
      expect(result.headers.get('x-one')).toBe('1, 2')
      expect(result.headers.get('retry-after')).toBe('3')
    })

    invariant('reads a chunked body with extensions and trailers that comes byte by byte', async () => {
      const bytes = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n006\r\n world\r\n0\r\nx-sum: 1\r\n\r\n'
      const result = await ask(async (peer) => {
        peer.socket.setNoDelay(true)
        await peer.request()
        for (const byte of bytes) await peer.flush(byte)
      })
      expect(result.text).toBe('hello world')
    })

    invariant('hands out each piece when it comes, not when the next one does', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        await peer.flush('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n')
      })
      const response = await send(server.url())
      expect(String(Buffer.from((await response.body.next()).value ?? ''))).toBe('one')
      await server.peers[0]?.flush('3\r\ntwo\r\n')
      expect(String(Buffer.from((await response.body.next()).value ?? ''))).toBe('two')
      server.peers[0]?.write('0\r\n\r\n')
      expect((await response.body.next()).done).toBe(true)
      expect((await response.body.next()).done).toBe(true)
    })

    invariant('reads a body that ends with the connection, from HTTP/1.0 too', async () => {
      expect((await answer('HTTP/1.1 200 OK\r\n\r\nuntil the end', 'fin')).text).toBe('until the end')
      expect((await answer('HTTP/1.0 200 OK\r\nserver: old\r\n\r\nuntil the end', 'fin')).text).toBe('until the end')
    })

    invariant('reads 204 and 304 as having no body', async () => {
      expect((await answer('HTTP/1.1 204 No Content\r\n\r\n')).text).toBe('')
      expect((await answer('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n')).status).toBe(304)
    })

    invariant('passes over 100 Continue', async () => {
      const result = await answer(`HTTP/1.1 100 Continue\r\n\r\n${ok('done')}`)
      expect([result.status, result.text]).toEqual([200, 'done'])
    })

    invariant('passes over 103 Early Hints', async () => {
      const result = await answer(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('done')}`)
      expect([result.status, result.text]).toEqual([200, 'done'])
    })

    invariant('X3 hands a redirect to the caller and asks nobody else', async () => {
      await using other = await wireServer(() => undefined)
      const result = await answer(`HTTP/1.1 307 Moved\r\nlocation: ${other.url().href}\r\ncontent-length: 0\r\n\r\n`)
      expect([result.status, result.headers.get('location')]).toEqual([307, other.url().href])
      expect(other.peers).toBeEmpty()
    })

    invariant('decodes gzip, deflate and brotli that it did not ask for', async () => {
      const text = 'compressed '.repeat(20_000)
      const encoded = { gzip: gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text) }
      for (const [coding, body] of Object.entries(encoded)) {
        const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`
        expect((await answer(Buffer.concat([Buffer.from(head), body]))).text).toBe(text)
      }
    })

    invariant('decodes deflate without the header of zlib', async () => {
      const body = deflateRawSync('raw')
      const head = `HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\ncontent-length: ${body.length}\r\n\r\n`
      expect((await answer(Buffer.concat([Buffer.from(head), body]))).text).toBe('raw')
    })

    invariant('gives decoded bytes as they arrive', async () => {
      const { createGzip, constants } = await import('node:zlib')
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
      const compressed = (text: string): Promise<Buffer> =>
        new Promise((resolve) => {
          gzip.once('data', resolve)
          gzip.write(text)
        })
      await using server = await wireServer(async (peer) => {
        await peer.request()
        await peer.flush('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n')
        await peer.flush(chunk(await compressed('first')))
      })
      const response = await send(server.url())
      expect(String(Buffer.from((await response.body.next()).value ?? ''))).toBe('first')
      await server.peers[0]?.flush(chunk(await compressed('second')))
      expect(String(Buffer.from((await response.body.next()).value ?? ''))).toBe('second')
      await response.body.return?.()
    })
  })
}
