import { describe, expect, test } from 'bun:test'
import type { Socket } from 'node:net'
import { AppError, sleep, systemClock } from '#base'
import type { ProviderConfig } from '#contract'
import { createProviders } from './create-providers.ts'
import type { UpstreamResponse } from './provider.ts'
import { RAW_STREAM_END, RAW_STREAM_HEAD, RawUpstream, rawChunk } from './raw-upstream.ts'

const near: ProviderConfig = { id: 'near', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' }
const parts = { clock: systemClock, env: {} }

describe('C2: a reload', () => {
  test('keeps the providers whose config is equal, and their connections', () => {
    const previous = createProviders([near, { ...near, id: 'far', apiKey: 'a' }], parts)
    const next = createProviders([{ ...near }, { ...near, id: 'far', apiKey: 'b' }, { ...near, id: 'new' }], { ...parts, previous })
    expect([...next.keys()]).toEqual(['near', 'far', 'new'])
    expect(next.get('near')).toBe(previous.get('near'))
    expect(next.get('far')).not.toBe(previous.get('far'))
  })

  test('makes anew what has changed in any field', () => {
    const previous = createProviders([near], parts)
    for (const change of [{ baseUrl: 'http://127.0.0.1:10/v1' }, { apiKey: 'k' }, { kind: 'openai' }] as const) {
      expect(createProviders([{ ...near, ...change }], { ...parts, previous }).get('near')).not.toBe(previous.get('near'))
    }
  })
})

describe('C2: a provider that is in the next snapshot no more and is closed', () => {
  const END = Buffer.concat([rawChunk('data: [DONE]\n\n'), RAW_STREAM_END])

  for (const way of ['directly', 'through a proxy']) {
    test(`closes what is idle, lets its calls finish, and keeps none of their connections (${way})`, async () => {
      const calls: { readonly name: string; readonly socket: Socket }[] = []
      await using upstream = await RawUpstream.start((socket, { body }) => {
        calls.push({ name: body, socket })
        if (body === '"idle"') socket.write(Buffer.concat([RAW_STREAM_HEAD, END]))
        if (body === '"body"') socket.write(Buffer.concat([RAW_STREAM_HEAD, rawChunk(': first\n\n')]))
      })
      const own = new URL(upstream.baseUrl).origin
      const [baseUrl, env] = way === 'directly' ? [upstream.baseUrl, {}] : ['http://upstream.example/v1', { HTTP_PROXY: own }]
      const provider = createProviders([{ ...near, baseUrl }], { ...parts, env }).get('near')
      if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
      const open = (body: string): Promise<UpstreamResponse> =>
        provider.open({ body, stream: true, connectMs: 5_000, headersMs: 5_000 }, new AbortController().signal)
      const typesOf = async (response: UpstreamResponse): Promise<string[]> => {
        const types: string[] = []
        for await (const batch of response.frames) types.push(...batch.map((frame) => frame.type))
        return types
      }
      const socketOf = (name: string): Socket | undefined => calls.find((call) => call.name === name)?.socket

      const inBody = await open('"body"')
      const beforeHead = open('"head"')
      while (calls.length < 2) await sleep(systemClock, 1)
      expect(await typesOf(await open('"idle"'))).toEqual(['done'])
      expect(upstream.connections).toBe(3)
      provider.close()
      while (upstream.connections === 3) await sleep(systemClock, 1)
      expect(socketOf('"idle"')?.destroyed).toBe(true)

      socketOf('"body"')?.write(END)
      socketOf('"head"')?.write(Buffer.concat([RAW_STREAM_HEAD, END]))
      expect(await typesOf(inBody)).toEqual(['comment', 'done'])
      expect(await typesOf(await beforeHead)).toEqual(['done'])
      await upstream.left()
      expect(calls).toHaveLength(3)

      const late = open('"late"')
      while (calls.length < 4) await sleep(systemClock, 1)
      socketOf('"late"')?.write(Buffer.concat([RAW_STREAM_HEAD, END]))
      expect(await typesOf(await late)).toEqual(['done'])
      await upstream.left()
    })
  }
})

test('X1: a provider shows its credential to nobody who prints it', () => {
  const provider = createProviders([{ ...near, apiKey: 'secret-credential' }], parts).get('near')
  expect(JSON.stringify(provider) + Bun.inspect(provider, { depth: 9 })).not.toContain('secret-credential')
})

test('the version is in the user-agent, and a query of the base URL stays behind the path', async () => {
  await using upstream = await RawUpstream.start(
    (socket) => void socket.write(Buffer.concat([RAW_STREAM_HEAD, rawChunk('data: [DONE]\n\n'), RAW_STREAM_END])),
  )
  const provider = createProviders([{ ...near, baseUrl: `${upstream.baseUrl}?api-version=1` }], { ...parts, version: '1.2.3' }).get('near')
  const response = await provider?.open({ body: '{}', stream: true, connectMs: 1_000, headersMs: 1_000 }, new AbortController().signal)
  for await (const _ of response?.frames ?? []) continue
  provider?.close()
  const head = upstream.requests[0]?.head ?? ''
  expect(head).toStartWith('POST /v1/chat/completions?api-version=1 ')
  expect(head).toContain('holdfast/1.2.3')
  expect(head.toLowerCase()).not.toContain('authorization')
})

test("behind a proxy the request goes through it, this machine's own addresses do not", async () => {
  const STREAM = Buffer.concat([RAW_STREAM_HEAD, rawChunk('data: [DONE]\n\n'), RAW_STREAM_END])
  await using proxy = await RawUpstream.start((socket) => void socket.write(STREAM))
  await using upstream = await RawUpstream.start((socket) => void socket.write(STREAM))
  const env = { HTTP_PROXY: new URL(proxy.baseUrl).origin }
  for (const baseUrl of ['http://upstream.example/v1', upstream.baseUrl]) {
    const provider = createProviders([{ ...near, baseUrl }], { ...parts, env }).get('near')
    const request = { body: '{}', stream: true, connectMs: 1_000, headersMs: 1_000 }
    const response = await provider?.open(request, new AbortController().signal)
    for await (const _ of response?.frames ?? []) continue
    provider?.close()
  }
  expect(proxy.requests.map((request) => request.head.split(' ', 2)[1])).toEqual(['http://upstream.example/v1/chat/completions'])
  expect(upstream.requests.length).toBe(1)
})
