import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'
import { sleep, systemClock } from '#base'
import { UpstreamError } from '#contract'
import type { HttpClient, HttpResponse } from './http-client.ts'
import { TEST_AUTHORITY } from './test-certificates.ts'
import { type WirePeer, wireServer } from './wire-server.ts'

/** How one implementation is made, and what it cannot do. */
export interface ClientUnderTest {
  readonly name: string
  create(options: { readonly ca?: string }): HttpClient
  /** Name of a test → why it does not hold. */
  readonly skip: Readonly<Record<string, string>>
}

export const NEVER_ABORTED = new AbortController().signal
/** Abort and early return close the socket within this, ms. */
export const AT_ONCE_MS = 100

/** What the tests of a contract are written with. Each test has clients of its own. */
export interface ContractHarness {
  /** A test, skipped where the implementation says why it must be. */
  invariant(name: string, run: () => Promise<void>): void
  /** Sends a POST with the client that trusts the tests' authority, or for `http:` with one that has no options. */
  send(url: URL, options?: SendOptions): Promise<HttpResponse>
  /** Starts a server, asks it once, and gives what came. */
  ask(script: (peer: WirePeer) => void | Promise<void>, options?: SendOptions): Promise<Answer>
  /** Asks a server that sends these bytes after the request. */
  answer(bytes: string | Uint8Array, ending?: 'fin' | 'open'): Promise<Answer>
}

/** Prepares the tests of one implementation; to be called inside its `describe`. */
export function contractHarness(subject: ClientUnderTest): ContractHarness {
  let client: HttpClient
  let secureClient: HttpClient
  const skipped = new Set<string>()

  beforeEach(() => {
    client = subject.create({})
    secureClient = subject.create({ ca: TEST_AUTHORITY })
  })
  afterEach(() => {
    client.close()
    secureClient.close()
  })
  afterAll(() => expect(Object.keys(subject.skip).filter((name) => !skipped.has(name))).toEqual([]))

  const send: ContractHarness['send'] = (url, options = {}) =>
    (url.protocol === 'https:' ? secureClient : client).send(
      {
        method: options.method ?? 'POST',
        url,
        headers: { 'content-type': 'application/json', ...options.headers },
        ...(options.method === 'GET' ? {} : { body: options.body ?? '{}' }),
        connectMs: options.connectMs ?? 5_000,
        headersMs: options.headersMs ?? 5_000,
      },
      options.signal ?? NEVER_ABORTED,
    )

  const ask: ContractHarness['ask'] = async (script, options = {}) => {
    await using server = await wireServer(script)
    return await readAll(await send(server.url(), options))
  }

  return {
    invariant(name, run) {
      const reason = subject.skip[name]
      if (reason === undefined) return test(name, run, 20_000)
      skipped.add(name)
      test.skip(`${name} (${reason})`, run)
    },
    send,
    ask,
    answer: (bytes, ending = 'open') =>
      ask(async (peer) => {
        await peer.request()
        peer.write(bytes)
        if (ending === 'fin') peer.fin()
      }),
  }
}

/** What differs from a usual request. */
export interface SendOptions {
  readonly method?: 'GET' | 'POST'
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly connectMs?: number
  readonly headersMs?: number
  readonly signal?: AbortSignal
}

/** A response that was read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** Reads a response to its end. */
export async function readAll(response: HttpResponse): Promise<Answer> {
  const pieces: Uint8Array[] = []
  for await (const piece of response.body) pieces.push(piece)
  return { status: response.status, headers: response.headers, text: Buffer.concat(pieces).toString('utf8') }
}

/** How a request failed; fails the test when it did not, or with anything but UpstreamError. */
export async function failureOf(promise: Promise<unknown>): Promise<UpstreamError['failure']> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof UpstreamError) return error.failure
  expect(error).toBeInstanceOf(UpstreamError)
  return { kind: 'cancelled', message: 'no failure' }
}

/** A response of status 200. */
export function ok(text: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`
}

/** One chunk of a chunked body. */
export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The promise, if it settles within `ms`; fails the test otherwise. */
export function within<T>(ms: number, promise: Promise<T> | undefined): Promise<T> {
  const late = Promise.withResolvers<T>()
  const timer = systemClock.after(ms, () => late.reject(new RangeError(`Not within ${ms} ms.`)))
  promise?.then(late.resolve, late.reject).finally(() => timer.cancel())
  return late.promise
}

/** Resolves when `read` has given the same for 200 ms. */
export async function settled(read: () => number): Promise<void> {
  let last = Number.NaN
  let since = systemClock.monotonic()
  while (systemClock.monotonic() - since < 200) {
    if (read() !== last) {
      last = read()
      since = systemClock.monotonic()
    }
    await sleep(systemClock, 10)
  }
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(systemClock, 1)
}
