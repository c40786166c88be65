import { describe, expect, test } from 'bun:test'
import { gzipSync } from 'node:zlib'
import { pause, timed } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { type Behaviour, completionOf, DONE, framesOf, healthy, play, reply, stepsOf, wholeReply, WireServer } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const TEXT = 'One call, one answer.'

describe('connections that are used again', () => {
  test('bytes behind an answer never become the answer of another call', async () => {
    const twice: Behaviour = async (exchange) => {
      const stolen = wholeReply({ status: 200, body: completionOf({ text: 'somebody else’s answer' }, exchange.asked) })
      await exchange.write(Buffer.concat([wholeReply({ status: 200, body: completionOf({ text: TEXT }, exchange.asked) }), stolen]))
    }
    const late: Behaviour = async (exchange) => {
      await exchange.write(wholeReply({ status: 200, body: completionOf({ text: TEXT }, exchange.asked) }))
      await exchange.pause(20)
      await exchange.write(wholeReply({ status: 200, body: completionOf({ text: 'somebody else’s answer' }, exchange.asked) }))
    }
    for (const behave of [twice, late]) {
      await using a = await WireServer.listen(behave)
      await using world = await startWorld({ env: ENV, config: routeOver([a]) })
      for (let n = 0; n < 10; n++) {
        expect((await world.post()).text).toBe(TEXT)
        await pause(40)
      }
    }
  })

  test('a connection that the upstream closed while it was idle fails no call', async () => {
    const closes =
      (ms: number): Behaviour =>
      async (exchange) => {
        await exchange.write(wholeReply({ status: 200, body: completionOf({ text: TEXT }, exchange.asked) }))
        await exchange.pause(ms)
        exchange.fin()
      }
    for (const ms of [0, 3, 10]) {
      await using a = await WireServer.listen(closes(ms))
      await using world = await startWorld({ env: ENV, config: routeOver([a], { model: { retries: { perUpstream: 1, budget: '100%' } } }) })
      for (let n = 0; n < 30; n++) {
        const result = await world.post()
        expect(result.text).toBe(TEXT)
        await pause(n % 6)
      }
    }
  })

  test('after a stream and its [DONE] the connection serves another call', async () => {
    await using a = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (let n = 0; n < 20; n++) expect((await world.ask(n % 2 === 0)).text).toBe(TEXT)
    expect(a.accepted).toBeLessThanOrEqual(3)
  })

  test('a stream that goes on after its [DONE] harms nobody', async () => {
    const goesOn: Behaviour = (exchange) =>
      play([
        ...stepsOf(framesOf({ text: TEXT }, exchange.asked)),
        DONE,
        ...stepsOf(Array.from({ length: 50 }, () => '{"late":true}')),
        { wait: 200 },
        { data: '{"late":true}' },
        'silence',
      ])(exchange)
    await using a = await WireServer.listen(goesOn)
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (let n = 0; n < 10; n++) {
      const { ms, result } = await timed(() => world.stream())
      expect(result.text).toBe(TEXT)
      expect(ms).toBeLessThan(300)
    }
  })

  test('50 at once get each their own answer', async () => {
    const echo: Behaviour = (exchange) => healthy({ text: `echo ${JSON.stringify(exchange.asked.messages)}` }, { pace: 1 })(exchange)
    await using a = await WireServer.listen(echo)
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (let round = 0; round < 4; round++) {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) => world.ask(n % 2 === 0, { messages: [{ role: 'user', content: `${round}-${n}` }] })),
      )
      for (const [n, result] of results.entries()) expect(result.text).toContain(`"${round}-${n}"`)
    }
  })
})

describe('answers on the edge of HTTP', () => {
  const json = (exchange: Parameters<Behaviour>[0]): string => completionOf({ text: TEXT }, exchange.asked)
  const edges: readonly [string, Behaviour][] = [
    [
      'HTTP/1.0 without a length',
      async (exchange) => {
        await exchange.write(`HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${json(exchange)}`)
        exchange.fin()
      },
    ],
    [
      'early hints, then the answer',
      async (exchange) => {
        await exchange.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n')
        await exchange.write(wholeReply({ status: 200, body: json(exchange) }))
      },
    ],
    [
      'a head in single bytes',
      async (exchange) => {
        const bytes = wholeReply({ status: 200, body: json(exchange) })
        for (let n = 0; n < 60; n++) {
          await exchange.write(bytes.subarray(n, n + 1))
          await exchange.pause(0)
        }
        await exchange.write(bytes.subarray(60))
      },
    ],
    [
      'chunk extensions and trailers',
      async (exchange) => {
        const body = Buffer.from(json(exchange))
        await exchange.write(
          `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\n${body.length.toString(16)};name=value\r\n`,
        )
        await exchange.write(body)
        await exchange.write('\r\n0\r\nx-trailer: y\r\n\r\n')
      },
    ],
    [
      'a reason phrase with odd bytes',
      async (exchange) => {
        const body = json(exchange)
        await exchange.write(
          `HTTP/1.1 200 Tout \u00e0 fait\r\ncontent-type:application/json\r\ncontent-length:  ${Buffer.byteLength(body)}  \r\n\r\n${body}`,
        )
      },
    ],
    [
      'gzip with a length',
      async (exchange) => {
        await exchange.write(wholeReply({ status: 200, body: gzipSync(json(exchange)), headers: { 'content-encoding': 'gzip' } }))
      },
    ],
  ]
  for (const [name, behave] of edges) {
    test(`${name}: the answer is read`, async () => {
      await using a = await WireServer.listen(behave)
      await using world = await startWorld({ env: ENV, config: routeOver([a]) })
      expect((await world.post()).text).toBe(TEXT)
      expect((await world.post()).text).toBe(TEXT)
    })
  }

  const contradictions: readonly [string, Behaviour][] = [
    [
      'two different lengths',
      async (exchange) => {
        await exchange.write(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: 20\r\n\r\n${json(exchange)}`)
      },
    ],
    [
      'a length and chunks',
      async (exchange) => {
        await exchange.write(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`)
      },
    ],
    [
      'a negative length',
      async (exchange) => {
        await exchange.write('HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nabc')
      },
    ],
    [
      'a coding that nobody asked for',
      async (exchange) => {
        await exchange.write(wholeReply({ status: 200, body: 'xxxx', headers: { 'content-encoding': 'exotic' } }))
      },
    ],
    ['gzip that is none', reply({ status: 200, body: 'not gzip at all', headers: { 'content-encoding': 'gzip' } })],
    [
      'a refusal before the body was read',
      async (exchange) => {
        await exchange.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
        await exchange.reset()
      },
    ],
  ]
  for (const [name, behave] of contradictions) {
    test(`${name}: the next upstream answers`, async () => {
      await using a = await WireServer.listen(behave)
      await using b = await WireServer.listen(healthy({ text: TEXT }))
      await using world = await startWorld({ env: ENV, config: routeOver([a, b]) })
      for (const stream of [true, false])
        expect((await world.ask(stream, { messages: [{ role: 'user', content: 'x'.repeat(300_000) }] })).text).toBe(TEXT)
    })
  }
})

describe('answers without measure', () => {
  const endless =
    (piece: string, head: string): Behaviour =>
    async (exchange) => {
      await exchange.write(head)
      for (let n = 0; n < 4_000 && (await exchange.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)); n++);
      exchange.fin()
    }
  const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
  const WHOLE = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
  const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024, 0x20))
  const cases: readonly [string, boolean, Behaviour][] = [
    ['one event that never ends', true, endless('data: '.padEnd(65_536, 'x'), EVENTS)],
    ['one comment that never ends', true, endless(':'.padEnd(65_536, 'x'), EVENTS)],
    ['a JSON answer that never ends', false, endless('{"x":"'.padEnd(65_536, 'x'), WHOLE)],
    [
      'a gzip bomb for JSON',
      false,
      (exchange) => exchange.write(wholeReply({ status: 200, body: bomb, headers: { 'content-encoding': 'gzip' } })).then(() => undefined),
    ],
    ['an error body that never ends', false, endless('x'.repeat(65_536), WHOLE.replace('200 OK', '500 Oh'))],
  ]
  for (const [name, stream, behave] of cases) {
    test(`${name}: left in time, the next upstream answers, memory stays`, async () => {
      await using a = await WireServer.listen(behave)
      await using b = await WireServer.listen(healthy({ text: TEXT }))
      const deadlines = { headers: '2s', firstToken: '5s', stall: '5s' }
      await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: { deadlines } }) })
      const before = process.memoryUsage.rss()
      expect((await world.ask(stream)).text).toBe(TEXT)
      expect((process.memoryUsage.rss() - before) / 1_048_576).toBeLessThan(400)
    }, 15_000)
  }
})
