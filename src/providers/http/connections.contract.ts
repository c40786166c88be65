import { describe, expect } from 'bun:test'
import { gzipSync } from 'node:zlib'
import { sleep, systemClock } from '#base'
import { UpstreamError } from '#contract'
import { type ContractHarness, AT_ONCE_MS, failureOf, ok, readAll, settled, until, within } from './contract-harness.ts'
import { type WirePeer, type WireServer, wireServer } from './wire-server.ts'

/** Reuse, backpressure, and how connections are let go. */
export function connectionsContract(harness: ContractHarness): void {
  const { invariant, send } = harness

  describe('connections', () => {
    const answering = async (peer: WirePeer): Promise<void> => {
      while (await peer.request()) peer.write(ok(String(peer.index)))
    }

    invariant('uses a connection again once its body was read', async () => {
      await using server = await wireServer(answering)
      for (let i = 0; i < 5; i++) expect((await readAll(await send(server.url()))).text).toBe('0')
      expect(server.peers).toHaveLength(1)
    })

    invariant('does not use a connection again that the server wants closed', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n${peer.index}`)
      })
      for (const expected of ['0', '1']) expect((await readAll(await send(server.url()))).text).toBe(expected)
    })

    invariant('sends again, once, when a connection that was used before is closed without an answer', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write(ok(String(peer.index)))
        await peer.request()
        peer.reset()
      })
      expect((await readAll(await send(server.url()))).text).toBe('0')
      expect((await readAll(await send(server.url()))).text).toBe('1')
    })

    for (const how of ['reset', 'fin'] as const) {
      invariant(`F1 does not send again when a connection that was used before takes a request and drops it later (${how})`, async () => {
        let requests = 0
        await using server = await wireServer(async (peer) => {
          while (await peer.request()) {
            if (++requests === 1) peer.write(ok('first'))
            else {
              await sleep(systemClock, 400)
              peer[how]()
            }
          }
        })
        expect((await readAll(await send(server.url()))).text).toBe('first')
        expect((await failureOf(send(server.url()))).kind).toBe('reset')
        expect(requests).toBe(2)
        expect(server.peers).toHaveLength(1)
      })
    }

    invariant('closes an idle connection on which stray bytes come', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        await peer.flush(ok(String(peer.index)))
      })
      expect((await readAll(await send(server.url()))).text).toBe('0')
      server.peers[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong')
      await within(1_000, server.peers[0]?.closed)
      expect((await readAll(await send(server.url()))).text).toBe('1')
    })

    invariant('uses a connection again that was paused when the last bytes of a body came', async () => {
      await using server = await wireServer(async (peer) => {
        while (await peer.request()) peer.write(ok('x'.repeat(70_000)))
      })
      for (let i = 0; i < 3; i++) {
        const response = await send(server.url())
        await settled(() => 0)
        expect((await readAll(response)).text).toHaveLength(70_000)
      }
      expect(server.peers).toHaveLength(1)
    })

    invariant('does not use a connection again whose request was not written whole', async () => {
      await using server = await wireServer(async (peer) => {
        if (peer.index > 0) return answering(peer)
        await peer.anything()
        peer.socket.pause()
        peer.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig')
      })
      expect((await readAll(await send(server.url(), { body: 'x'.repeat(32 << 20) }))).text).toBe('big')
      expect((await readAll(await send(server.url()))).text).toBe('1')
    })

    invariant('does not give bytes after one answer to the next request', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write(ok(String(peer.index)) + ok('wrong'))
      })
      expect((await readAll(await send(server.url()))).text).toBe('0')
      expect((await readAll(await send(server.url()))).text).toBe('1')
    })

    invariant('reaches a server on localhost whichever family it listens on', async () => {
      for (const hostname of ['127.0.0.1', '::1']) {
        await using server = await wireServer(answering, { hostname })
        expect((await readAll(await send(server.url('/', 'localhost')))).text).toBe('0')
      }
    })

    invariant('S5 stops reading when nobody reads on, and goes on when somebody does', async () => {
      const total = 48 << 20
      let written = 0
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`)
        const piece = Buffer.alloc(1 << 16)
        while (written < total) {
          const isFull = !peer.socket.write(piece)
          written += piece.length
          if (isFull) await Promise.race([new Promise((resolve) => peer.socket.once('drain', resolve)), peer.closed])
          if (peer.socket.destroyed) return
        }
      })
      const response = await send(server.url())
      await settled(() => written)
      expect(written).toBeLessThan(total / 2)
      const stalledAt = written
      let read = 0
      for await (const piece of response.body) read += piece.length
      expect(read).toBe(total)
      expect(written).toBeGreaterThan(stalledAt)
    })

    invariant('returning early closes the connection, a pending read included', async () => {
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n')
      })
      const response = await send(server.url())
      const pending = response.body.next()
      const closed = within(AT_ONCE_MS, server.peers[0]?.closed)
      await response.body.return?.()
      expect((await pending).done).toBe(true)
      await closed
      expect((await response.body.next()).done).toBe(true)
    })
  })

  describe('abort', () => {
    const reason = new UpstreamError({ kind: 'cancelled', message: 'The caller left.' })

    const abortsIn = async (server: WireServer, phase: () => Promise<unknown>): Promise<void> => {
      const controller = new AbortController()
      const response = send(server.url(), { signal: controller.signal }).then((got) => got.body.next())
      const outcome = response.then(
        () => undefined,
        (error: unknown) => error,
      )
      await phase()
      const closed = within(AT_ONCE_MS, server.peers[0]?.closed)
      controller.abort(reason)
      expect(await within(AT_ONCE_MS, outcome)).toBe(reason)
      await closed
    }

    invariant('rejects without connecting when the signal has aborted before', async () => {
      await using server = await wireServer(() => undefined)
      const result = await send(server.url(), { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error)
      expect(result).toBe(reason)
      expect(server.peers).toBeEmpty()
    })

    invariant('S4 closes the socket while the head is awaited', async () => {
      const arrived = Promise.withResolvers<void>()
      await using server = await wireServer(async (peer) => {
        await peer.request()
        arrived.resolve()
      })
      await abortsIn(server, () => arrived.promise)
    })

    invariant('S4 closes the socket while the body is awaited', async () => {
      const arrived = Promise.withResolvers<void>()
      await using server = await wireServer(async (peer) => {
        await peer.request()
        await peer.flush('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n')
        arrived.resolve()
      })
      await abortsIn(server, async () => {
        await arrived.promise
        await settled(() => 0)
      })
    })

    invariant('S4 an abort ends a compressed body, what is already here included', async () => {
      const body = gzipSync('x'.repeat(1 << 20))
      await using server = await wireServer(async (peer) => {
        await peer.request()
        peer.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length + 1}\r\n\r\n`)
        peer.write(body)
      })
      const controller = new AbortController()
      const response = await send(server.url(), { signal: controller.signal })
      await response.body.next()
      const closed = within(AT_ONCE_MS, server.peers[0]?.closed)
      controller.abort(reason)
      expect(await response.body.next().catch((error: unknown) => error)).toBe(reason)
      await closed
    })

    invariant('S4 closes the socket while the request is written', async () => {
      await using server = await wireServer((peer) => void peer.socket.pause())
      const controller = new AbortController()
      const outcome = send(server.url(), { signal: controller.signal, body: 'x'.repeat(32 << 20) }).catch((error: unknown) => error)
      await until(() => server.peers.length === 1)
      server.peers[0]?.socket.resume()
      await server.peers[0]?.anything()
      controller.abort(reason)
      expect(await outcome).toBe(reason)
      await server.peers[0]?.closed
    })

    invariant('S4 closes the socket in the TLS handshake', async () => {
      await using server = await wireServer(() => undefined)
      const controller = new AbortController()
      const outcome = send(new URL(server.url().href.replace('http:', 'https:')), { signal: controller.signal }).catch(
        (error: unknown) => error,
      )
      await until(() => server.peers.length === 1)
      await server.peers[0]?.anything()
      const closed = within(AT_ONCE_MS, server.peers[0]?.closed)
      controller.abort(reason)
      expect(await within(AT_ONCE_MS, outcome)).toBe(reason)
      await closed
    })

    invariant('leaves no listener on a signal that outlives the request', async () => {
      await using server = await wireServer(async (peer) => {
        while (await peer.request()) peer.write(ok('x'))
      })
      const { signal } = new AbortController()
      let listeners = 0
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
      signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
      await readAll(await send(server.url(), { signal }))
      await (await send(server.url(), { signal })).body.return?.()
      expect(listeners).toBe(0)
    })
  })
}
