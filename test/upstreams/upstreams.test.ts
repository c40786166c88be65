import { describe, expect, test } from 'bun:test'
import { SseParser } from '#base'
import {
  beginning,
  closedPort,
  EARLY_FAULTS,
  healthy,
  LATE_FAULTS,
  piecesOf,
  play,
  reply,
  resetAtOnce,
  silent,
  understand,
  WireServer,
  writer,
  type Wire,
} from './index.ts'

const TEXT = 'Grüße 👩‍👩‍👧 from the shore, 海藻 hold fast. '.repeat(3)

async function ask(server: WireServer, body: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }], ...body }),
    ...(signal ? { signal } : {}),
  })
}

async function textOf(response: Response): Promise<string> {
  const parser = new SseParser(1_000_000)
  const events = parser.push(new Uint8Array(await response.arrayBuffer()))
  return events
    .filter((event) => event.data?.startsWith('{'))
    .map((event) => JSON.parse(event.data ?? '').choices[0]?.delta.content ?? '')
    .join('')
}

describe('the simulators themselves', () => {
  test('pieces are the whole text', () => {
    expect(piecesOf(TEXT).join('')).toBe(TEXT)
    expect(piecesOf('   ').join('')).toBe('   ')
  })

  const wires: readonly [string, Wire][] = [
    ['plain', {}],
    ['CRLF', { lineEnd: '\r\n' }],
    ['CR', { lineEnd: '\r' }],
    ['no space', { space: false }],
    ['multi-line', { multiline: true }],
    ['BOM', { bom: true }],
    ['every byte its own chunk', { split: 1 }],
    ['gzip', { gzip: true }],
    ['unframed', { framing: 'close' }],
  ]
  for (const [name, wire] of wires) {
    test(`a healthy stream arrives: ${name}`, async () => {
      await using server = await WireServer.listen(healthy({ text: TEXT }, wire))
      expect(await textOf(await ask(server, { stream: true }))).toBe(TEXT)
      expect(server.requests[0]?.json).toMatchObject({ model: 'm', stream: true })
    })
  }

  test('a healthy JSON answer arrives', async () => {
    await using server = await WireServer.listen(healthy({ text: TEXT }))
    expect(await (await ask(server)).json()).toMatchObject({ choices: [{ message: { content: TEXT }, finish_reason: 'stop' }] })
  })

  test('RST is a reset, FIN without the last chunk an end, and a closed port refuses', async () => {
    await using server = await WireServer.listen(resetAtOnce)
    expect(await ask(server).catch((error: unknown) => String(error))).toContain('socket')
    server.behave = beginning({ text: TEXT }, 3, ['rst'])
    const cut = await ask(server, { stream: true })
    expect(await cut.text().catch(() => 'broken')).toBe('broken')
    expect(await fetch(await closedPort()).catch(() => 'refused')).toBe('refused')
  })

  test('a peer that leaves is seen', async () => {
    await using server = await WireServer.listen(silent)
    const abort = new AbortController()
    const asked = ask(server, {}, abort.signal).catch(() => 'left')
    while (server.requests.length === 0) await new Promise(setImmediate)
    expect(server.openSockets).toBe(1)
    abort.abort()
    expect(await asked).toBe('left')
    while (server.openSockets > 0) await new Promise(setImmediate)
    expect(server.departures).toHaveLength(1)
  })

  test('every fault has a name of its own', () => {
    const names = [...EARLY_FAULTS, ...LATE_FAULTS].map((fault) => fault.name)
    expect(new Set(names).size).toBe(names.length)
  })

  test('a redirect is not JSON, a reply keeps the connection', async () => {
    await using server = await WireServer.listen(reply({ status: 418, body: '{"a":1}' }))
    expect((await ask(server)).status).toBe(418)
    expect((await ask(server)).status).toBe(418)
    server.behave = play([{ comment: 'x' }, 'end'])
    expect(await (await ask(server, { stream: true })).text()).toBe(': x\n\n')
  })

  test('a writer understands how it is asked and keeps its habits', async () => {
    const question = { role: 'user', content: 'q' }
    const partial = { role: 'assistant', content: TEXT.slice(0, 20) }
    expect(understand({ model: 'm', messages: [question] }, TEXT)).toEqual({ way: 'plain' })
    expect(understand({ model: 'm', messages: [question, partial] }, TEXT)).toEqual({
      way: 'prefill',
      partial: partial.content,
      instruction: '',
    })
    expect(understand({ model: 'm', messages: [question, partial, question] }, TEXT)).toEqual({
      way: 'instruct',
      partial: partial.content,
      instruction: 'q',
    })
    await using server = await WireServer.listen(writer(TEXT, { repeat: 5, unit: 'characters' }))
    const text = await textOf(await ask(server, { stream: true, messages: [question, partial] }))
    expect(text).toBe(TEXT.slice(15))
  })
})
