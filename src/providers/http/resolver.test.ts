import { expect, test } from 'bun:test'
import { systemClock } from '#base'
import { Resolver } from './resolver.ts'

class DnsError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** A resolver over a name server that answers as it is told, and the number of its queries. */
function scripted(...answers: (() => Promise<readonly string[]>)[]): { resolve: () => Promise<readonly string[]>; queries: () => number } {
  let queries = 0
  const resolver = new Resolver(systemClock, () => answers[queries++]?.() ?? Promise.reject(new DnsError('ESERVFAIL')))
  return { resolve: () => resolver.resolve('upstream.test'), queries: () => queries }
}

const gives =
  (...addresses: string[]): (() => Promise<readonly string[]>) =>
  () =>
    Promise.resolve(addresses)
const fails = (code: string) => (): Promise<readonly string[]> => Promise.reject(new DnsError(code))
const silent = (): Promise<readonly string[]> => new Promise(() => undefined)

test('asks anew each time, and once for those that ask together', async () => {
  const { resolve, queries } = scripted(gives('10.0.0.1'), gives('10.0.0.2'))
  expect(await Promise.all([resolve(), resolve()])).toEqual([['10.0.0.1'], ['10.0.0.1']])
  expect(await resolve()).toEqual(['10.0.0.2'])
  expect(queries()).toBe(2)
})

test('keeps to the last addresses while DNS fails or is silent', async () => {
  const { resolve } = scripted(gives('10.0.0.1'), fails('DNS_ESERVFAIL'), silent)
  expect(await resolve()).toEqual(['10.0.0.1'])
  expect(await resolve()).toEqual(['10.0.0.1'])
  expect(await resolve()).toEqual(['10.0.0.1'])
})

test('a name that no longer exists is not reached at its old addresses', async () => {
  const { resolve } = scripted(gives('10.0.0.1'), fails('DNS_ENOTFOUND'), fails('DNS_ESERVFAIL'))
  await resolve()
  expect(await resolve().catch((error: unknown) => error)).toMatchObject({ code: 'DNS_ENOTFOUND' })
  expect(await resolve().catch((error: unknown) => error)).toMatchObject({ code: 'DNS_ESERVFAIL' })
})

test('without addresses from before, the failure is the answer', async () => {
  expect(
    await scripted(fails('DNS_ESERVFAIL'))
      .resolve()
      .catch((error: unknown) => error),
  ).toMatchObject({ code: 'DNS_ESERVFAIL' })
})
