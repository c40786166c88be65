import { describe, expect, test } from 'bun:test'
import { AppError, systemClock } from '#base'
import type { ProviderConfig } from '#contract'
import { createProviders } from './create-providers.ts'
import { probeUpstream, type ProbeResult } from './probe.ts'
import { type RawRequest, RawUpstream, rawResponse } from './raw-upstream.ts'

const LIST = rawResponse(200, {}, JSON.stringify({ object: 'list', data: [{ id: 'known' }, { id: 'other', aliases: ['alias'] }] }))
const ANSWER = rawResponse(200, {}, JSON.stringify({ choices: [{ message: { content: '' }, finish_reason: 'length' }] }))
const refuse = (status: number, code: string | null = null, message = ''): Buffer =>
  rawResponse(status, {}, JSON.stringify({ error: { message, code, param: null } }))

/** Probes against a service that answers by path and credential; gives the result and the requests it took. */
async function probe(
  model: string,
  answers: { readonly list: Buffer; readonly listForStrangers?: Buffer; readonly call?: Buffer },
  apiKey: string | undefined = 'key',
): Promise<{ result: ProbeResult; asked: string[] }> {
  const isStranger = (request: RawRequest): boolean => !/authorization/i.test(request.head)
  await using upstream = await RawUpstream.start((socket, request) => {
    if (request.head.startsWith('POST')) return void socket.write(answers.call ?? refuse(500))
    socket.write(isStranger(request) ? (answers.listForStrangers ?? answers.list) : answers.list)
  })
  const config: ProviderConfig = { id: 'p', kind: 'openai', baseUrl: upstream.baseUrl, ...(apiKey !== '' && { apiKey }) }
  const provider = createProviders([config], { clock: systemClock, env: {} }).get('p')
  if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
  const result = await probeUpstream(provider, config, model, systemClock, new AbortController().signal)
  provider.close()
  return {
    result,
    asked: upstream.requests.map((request) => `${request.head.split(' ', 2).join(' ')}${isStranger(request) ? ' as a stranger' : ''}`),
  }
}

describe('a probe', () => {
  test('asks only for the list where that names the model and is closed to strangers', async () => {
    for (const model of ['known', 'alias']) {
      const { result, asked } = await probe(model, { list: LIST, listForStrangers: refuse(401) })
      expect(result).toEqual({ ok: true })
      expect(asked).toEqual(['GET /v1/models', 'GET /v1/models as a stranger'])
    }
  })

  test('without a credential the list is enough', async () => {
    expect(await probe('known', { list: LIST }, '')).toEqual({ result: { ok: true }, asked: ['GET /v1/models as a stranger'] })
  })

  test('calls where everyone may see the list: it proves nothing about the credential', async () => {
    const { result } = await probe('known', { list: LIST, call: refuse(401, 'invalid_api_key') })
    expect('failure' in result && result.failure.kind).toBe('auth')
    expect((await probe('known', { list: LIST, call: ANSWER })).result).toEqual({ ok: true })
  })

  test('calls where the list does not name the model, or is none', async () => {
    expect((await probe('hidden', { list: LIST, call: ANSWER })).result).toEqual({ ok: true })
    for (const list of [refuse(404), refuse(405), rawResponse(200, {}, '<html>'), rawResponse(200, {}, '{}')]) {
      const { result, asked } = await probe('known', { list, call: ANSWER })
      expect(result).toEqual({ ok: true })
      expect(asked.at(-1)).toBe('POST /v1/chat/completions')
    }
  })

  test('fails with the kind of what is wrong', async () => {
    const missing = await probe('nope', { list: LIST, call: refuse(404, 'model_not_found', 'no such model') })
    expect('failure' in missing.result && missing.result.failure.kind).toBe('upstream_model_not_found')
    const refused = await probe('known', { list: refuse(401, 'invalid_api_key', 'Incorrect API key provided: ke***ey') })
    expect('failure' in refused.result && refused.result.failure.kind).toBe('auth')
    expect(refused.asked).toEqual(['GET /v1/models'])
    const empty = await probe('hidden', { list: LIST, call: refuse(402, null, 'Insufficient Balance') })
    expect('failure' in empty.result && empty.result.failure.kind).toBe('quota')
  })

  test('an objection to the probe itself comes only from a service that knows us and the model', async () => {
    const call = refuse(400, 'unsupported_parameter', "Unsupported parameter: 'max_tokens'")
    expect((await probe('hidden', { list: LIST, call })).result).toEqual({ ok: true })
  })

  test('nobody there is a failure to connect', async () => {
    const upstream = await RawUpstream.start(() => undefined)
    const config: ProviderConfig = { id: 'p', kind: 'openai', baseUrl: upstream.baseUrl }
    await upstream[Symbol.asyncDispose]()
    const provider = createProviders([config], { clock: systemClock, env: {} }).get('p')
    if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
    const result = await probeUpstream(provider, config, 'm', systemClock, new AbortController().signal)
    expect('failure' in result && result.failure.kind).toBe('connect')
  })

  test('works on a scripted provider', async () => {
    const config: ProviderConfig = { id: 's', kind: 'scripted', baseUrl: 'scripted:' }
    const provider = createProviders([config], { clock: systemClock, env: {} }).get('s')
    if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
    expect(await probeUpstream(provider, config, 'm', systemClock, new AbortController().signal)).toEqual({ ok: true })
  })
})
