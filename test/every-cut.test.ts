import { describe, expect, test } from 'bun:test'
import { ENV, routeOver } from './routes.ts'
import { type Behaviour, type Exchange, healthy, type Wire, WireServer, writer } from './upstreams/index.ts'
import { startWorld, type World } from './world.ts'

const TEXT = 'Grip: 🌊 hält, 海藻, at every byte.'
const NO_BREAKER = { breaker: { failures: 1_000_000, minimum: 1_000_000 }, retries: { perUpstream: 0 } }

/** All bytes that a healthy provider would write for this request. */
async function bytesOf(behave: Behaviour, exchange: Exchange): Promise<Buffer> {
  const written: Buffer[] = []
  await behave({
    ...exchange,
    write: (bytes) => {
      written.push(Buffer.from(bytes))
      return Promise.resolve(true)
    },
    fin: () => undefined,
  })
  return Buffer.concat(written)
}

/** Cuts the bytes of a healthy answer at one place after the other, each for one call. */
async function cutEverywhere(stream: boolean, wire: Wire, ending: 'fin' | 'rst', step: number): Promise<void> {
  let position = 0
  let length = Infinity
  await using a = await WireServer.listen(async (exchange) => {
    const bytes = await bytesOf(healthy({ text: TEXT }, wire), exchange)
    length = bytes.length
    if (position > 0) await exchange.write(bytes.subarray(0, position))
    if (ending === 'fin') exchange.fin()
    else await exchange.reset()
  })
  await using b = await WireServer.listen(writer(TEXT))
  await using world: World = await startWorld({ env: ENV, config: routeOver([a, b], { model: NO_BREAKER }) })
  let elsewhere = 0
  for (; position < length; position += step) {
    const result = await world.ask(stream)
    const where = `cut at ${position} of ${length}`
    expect(result.error, where).toBeUndefined()
    expect(result.text, where).toBe(TEXT)
    expect(result.finish, where).toBe('stop')
    if (result.headers.get('x-holdfast-upstream') !== 'a/m' || result.note?.upstream === 'b/m') elsewhere++
  }
  expect(a.requests.length).toBeGreaterThan(50)
  expect(elsewhere).toBeGreaterThan(20)
}

describe('S2 S3 an answer that is cut at any byte is whole all the same', () => {
  const wires: readonly [string, Wire][] = [
    ['chunked', {}],
    ['unframed', { framing: 'close' }],
    ['CRLF', { lineEnd: '\r\n' }],
    ['gzip', { gzip: true }],
  ]
  for (const [name, wire] of wires) {
    test(`streamed, ${name}, by FIN`, () => cutEverywhere(true, wire, 'fin', 1), 30_000)
  }
  test('streamed, chunked, by RST', () => cutEverywhere(true, {}, 'rst', 7), 30_000)
  test('not streamed, by FIN', () => cutEverywhere(false, {}, 'fin', 1), 30_000)
  test('not streamed, by RST', () => cutEverywhere(false, {}, 'rst', 5), 30_000)
})

test('S2 S3 bytes that do not belong, anywhere in head, framing or body: the answer is whole all the same', async () => {
  const intruders = [
    '\u0000',
    '{',
    '\n',
    '\r\n',
    'data:',
    '0\r\n\r\n',
    ' ',
    'ff\r\n',
    '"',
    ',',
    ':',
    'HTTP/1.1 500 No\r\n\r\n',
    '\u007f\u0001',
  ]
  let n = 0
  await using a = await WireServer.listen(async (exchange) => {
    const bytes = await bytesOf(healthy({ text: TEXT }), exchange)
    const position = (n * 7_919) % bytes.length
    await exchange.write(
      Buffer.concat([bytes.subarray(0, position), Buffer.from(intruders[n % intruders.length] ?? ''), bytes.subarray(position)]),
    )
    exchange.fin()
  })
  await using b = await WireServer.listen(writer(TEXT))
  await using world = await startWorld({ env: ENV, config: routeOver([a, b], { model: NO_BREAKER }) })
  for (; n < 1_500; n++) {
    const result = await world.ask(n % 3 > 0)
    expect(result.text, `case ${n}`).toBe(TEXT)
    expect(result.error, `case ${n}`).toBeUndefined()
  }
}, 60_000)
