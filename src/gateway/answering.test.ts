import { describe, expect, test } from 'bun:test'
import { abortReason, ManualClock } from '#base'
import { type ChatChunk, type ConfigSnapshot, type Failure, type Route, type RouteUpstream, UpstreamError } from '#contract'
import { Health } from '#health'
import type { Frame, Provider } from '#providers'
import { Admission } from './admission.ts'
import { Answering, type Ending } from './answering.ts'
import { Availability } from './availability.ts'
import { type Call, CallError, type Progress } from './call.ts'
import { Failover } from './failover.ts'

const PHASES = { dns: null, connect: 1, tls: null, headers: 1 }
const UPSTREAM: RouteUpstream = { id: 'a/m', provider: 'a', model: 'm', weight: 1, continuation: 'prefill' }
const ROUTE: Route = {
  model: 'assistant',
  named: true,
  upstreams: [UPSTREAM],
  balance: 'order',
  deadlines: {},
  retries: { perUpstream: 0, budget: 0.2 },
  breaker: { failures: 5, window: 10_000, share: 0.5, minimum: 10, cooldown: 1_000, maxCooldown: 5_000 },
  rescue: 'auto',
}

function chunk(delta: object, finish: string | null = null): Frame {
  const value = { id: 'chatcmpl-1', created: 1, choices: [{ index: 0, delta, finish_reason: finish }] }
  return { type: 'chunk', bytes: Buffer.from(`data: ${JSON.stringify(value)}\n\n`), chunk: value as ChatChunk }
}

const HELLO = chunk({ content: 'Hello' })
const FINISH = chunk({}, 'stop')

/** One request's answer: batches of frames, then a failure, silence or the end. */
interface Scene {
  readonly frames: readonly Frame[]
  readonly ending: Failure | 'silence' | 'end'
}

class SceneProvider implements Provider {
  readonly id = 'a'
  readonly #scenes: Scene[]
  readonly bodies: string[] = []

  constructor(scenes: readonly Scene[]) {
    this.#scenes = [...scenes]
  }
  async open(request: { readonly body: string }, signal: AbortSignal): Promise<Awaited<ReturnType<Provider['open']>>> {
    this.bodies.push(request.body)
    const scene = this.#scenes.shift()
    if (!scene) throw new UpstreamError({ kind: 'connect', message: 'Nobody is there.' })
    return { head: { status: 200 }, phases: PHASES, frames: play(scene, signal) }
  }
  close(): void {}
}

async function* play({ frames, ending }: Scene, signal: AbortSignal): AsyncGenerator<readonly Frame[], undefined> {
  for (const frame of frames) yield [frame]
  if (ending === 'end') return undefined
  if (ending !== 'silence') throw new UpstreamError(ending)
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(abortReason(signal))))
  return undefined
}

interface Bench {
  readonly clock: ManualClock
  readonly client: AbortController
  readonly admission: Admission
  readonly health: Health
  readonly provider: SceneProvider
  readonly answering: Answering
  readonly endings: Ending[]
}

function make(scenes: readonly Scene[], route: Partial<Route> = {}): Bench {
  const clock = new ManualClock()
  const client = new AbortController()
  const health = new Health(clock)
  const provider = new SceneProvider(scenes)
  const limits = { concurrency: 1, wait: 5_000, body: 1e6, slowReader: 30_000 }
  const snapshot: ConfigSnapshot = { version: '1', loadedAt: 0, providers: new Map(), models: new Map(), limits }
  const request = { model: 'assistant', messages: [{ role: 'user', content: 'Hi' }], stream: true }
  const call: Call = {
    id: 'call_1',
    actor: { kind: 'owner', id: 'owner', name: 'owner', scopes: ['owner'] },
    request,
    body: JSON.stringify(request),
    snapshot,
    route: { ...ROUTE, ...route },
    signal: client.signal,
  }
  const progress: Progress = { upstream: undefined, made: 0, attempts: [], reason: '' }
  const parts = { clock, health, availability: new Availability(clock), providers: new Map([['a', provider]]) }
  const admission = new Admission(clock)
  const endings: Ending[] = []
  const failover = new Failover(call, parts, progress)
  const answering = new Answering({ call, admission, failover, ended: (ending) => endings.push(ending) })
  return { clock, client, admission, health, provider, answering, endings }
}

async function read(answering: Answering): Promise<string> {
  try {
    const { done, value } = await answering.next()
    return done ? 'over' : Buffer.from(value as Uint8Array).toString('utf8')
  } catch (thrown) {
    return thrown instanceof CallError ? `${thrown.status} ${thrown.code}` : String(thrown)
  }
}

/** Nothing is taken, nobody waits, and the call ended once in this way. */
function expectOver(bench: Bench, outcome: Ending['outcome']): void {
  expect(bench.endings.map((ending) => ending.outcome)).toEqual([outcome])
  expect([bench.admission.inFlight, bench.admission.waiting, bench.health.of('a/m').inFlight]).toEqual([0, 0, 0])
}

describe('Answering', () => {
  test('a whole answer: its place is given back, and its end is told once', async () => {
    const bench = make([{ frames: [HELLO, FINISH], ending: 'end' }])
    expect(await read(bench.answering)).toContain('Hello')
    expect(bench.admission.inFlight).toBe(1)
    expect(await read(bench.answering)).toContain('[DONE]')
    expect(await read(bench.answering)).toBe('over')
    expect(await read(bench.answering)).toBe('over')
    expectOver(bench, 'ok')
    expect(JSON.parse(bench.provider.bodies[0] ?? '')).toMatchObject({ model: 'm' })
  })

  test('no answer: one error, told once', async () => {
    const bench = make([])
    expect(await read(bench.answering)).toBe('502 connect')
    expect(await read(bench.answering)).toBe('over')
    expectOver(bench, 'connect')
  })

  test('S4 the client stops reading in the middle: the attempt ends with it', async () => {
    const bench = make([{ frames: [HELLO], ending: 'silence' }])
    await read(bench.answering)
    await bench.answering.return()
    await bench.answering.return()
    expect(await read(bench.answering)).toBe('over')
    expectOver(bench, 'cancelled')
  })

  test('S4 the client leaves while the upstream is silent', async () => {
    const bench = make([{ frames: [], ending: 'silence' }])
    const reading = read(bench.answering)
    await bench.clock.pass(1)
    bench.client.abort()
    expect(await reading).toBe('499 cancelled')
    expectOver(bench, 'cancelled')
  })

  test('a client that leaves while it waits for a place takes none, and its end is told once', async () => {
    for (const how of ['return', 'abort'] as const) {
      const bench = make([{ frames: [HELLO, FINISH], ending: 'end' }])
      void bench.admission.enter(1, 0, new AbortController().signal)
      const reading = read(bench.answering)
      await bench.clock.pass(10)
      expect(bench.admission.waiting).toBe(1)
      if (how === 'abort') bench.client.abort()
      else await bench.answering.return()
      bench.admission.leave()
      await bench.clock.pass(10)
      expect(await reading).toBe(how === 'abort' ? '499 cancelled' : 'over')
      expectOver(bench, 'cancelled')
      expect(bench.provider.bodies).toEqual([])
    }
  })

  test('no place becomes free: 503, and the upstream hears nothing of it', async () => {
    const bench = make([])
    void bench.admission.enter(1, 0, new AbortController().signal)
    const reading = read(bench.answering)
    await bench.clock.pass(5_000)
    expect(await reading).toBe('503 overloaded_here')
    expect(bench.endings).toEqual([{ outcome: 'overloaded_here', status: 503 }])
    expect(bench.provider.bodies).toEqual([])
  })

  test('a fault of our own: 500, told once, nothing stays taken', async () => {
    const bench = make([], { upstreams: [{ ...UPSTREAM, id: 'none/m', provider: 'none' }] })
    expect(await read(bench.answering)).toBe('500 internal_error')
    expectOver(bench, 'internal_error')
  })
})

describe('Failover', () => {
  const MALFORMED: Failure = { kind: 'malformed', message: 'It sent something that is no event.' }

  test('what broke the first answer refuses no way: with no second attempts configured the same upstream is not asked again', async () => {
    const bench = make([
      { frames: [HELLO], ending: MALFORMED },
      { frames: [HELLO, FINISH], ending: 'end' },
    ])
    expect(await read(bench.answering)).toContain('Hello')
    expect(await read(bench.answering)).toBe('502 malformed')
    expect(bench.provider.bodies).toHaveLength(1)
    expectOver(bench, 'malformed')
  })

  test('an answer that broke is continued; a refused way is followed by the next one, and the failed attempts are told', async () => {
    const reset: Failure = { kind: 'reset', message: 'The connection broke.' }
    const refused: Failure = { kind: 'invalid_request', message: 'No prefill here.', status: 400 }
    const scenes: readonly Scene[] = [
      { frames: [chunk({ content: 'Hello, wor' })], ending: reset },
      { frames: [], ending: refused },
      { frames: [chunk({ content: 'Hello, world and all who live in it.' }), FINISH], ending: 'end' },
    ]
    const bench = make(scenes, { retries: { perUpstream: 1, budget: 1 } })
    let text = ''
    for (let out = await read(bench.answering); out !== 'over' && text.length < 5_000;) {
      text += out
      const next = read(bench.answering)
      await bench.clock.pass(1_000)
      out = await next
    }
    const contents = [...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('')
    expect(contents).toBe('Hello, world and all who live in it.')
    const lastMessages = bench.provider.bodies.map((body) => (JSON.parse(body) as { messages: { role: string }[] }).messages.at(-1)?.role)
    expect(lastMessages).toEqual(['user', 'assistant', 'user'])
    expect(text).toContain('"x_holdfast":{"upstream":"a/m","attempts":3')
    expectOver(bench, 'ok')
  })

  test('S1 with no upstream left what was sent is not presented as whole', async () => {
    const bench = make([{ frames: [HELLO], ending: 'end' }])
    expect(await read(bench.answering)).not.toContain('[DONE]')
    expect(await read(bench.answering)).toBe('502 truncated')
    expectOver(bench, 'truncated')
  })

  test('a refusal of the request is the caller’s, at once', async () => {
    const refused: Failure = { kind: 'invalid_request', message: 'Refused.', callerMessage: 'No such field.', status: 400 }
    const bench = make([{ frames: [], ending: refused }], { retries: { perUpstream: 3, budget: 1 } })
    expect(await read(bench.answering)).toBe('400 invalid_request')
    expect(bench.provider.bodies).toHaveLength(1)
    expect(bench.health.of('a/m').failingSince).toBeUndefined()
    expectOver(bench, 'invalid_request')
  })

  test('the call’s time covers waits and attempts together', async () => {
    const stalled: Scene = { frames: [], ending: 'silence' }
    const bench = make([stalled], { deadlines: { total: 3_000, firstToken: 9_000 } })
    const reading = read(bench.answering)
    await bench.clock.pass(3_000)
    expect(await reading).toBe('504 timeout_total')
    expectOver(bench, 'timeout_total')
  })
})
