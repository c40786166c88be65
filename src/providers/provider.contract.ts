import { expect, test } from 'bun:test'
import { systemClock } from '#base'
import { type Failure, UpstreamError } from '#contract'
import type { Frame, Provider, UpstreamRequest } from './provider.ts'

/** What the upstream behind a provider is asked to do with the next request. */
export type Act =
  | { readonly act: 'answer'; readonly words: readonly string[] }
  /** Refuses with a rate limit of the account, to be tried again after 2 s. */
  | { readonly act: 'refuse' }
  | { readonly act: 'break'; readonly after: readonly string[]; readonly by: 'truncated' | 'overloaded' }
  | { readonly act: 'silence'; readonly after?: readonly string[] }

/** A provider and a hand on the upstream behind it. */
export interface ProviderWorld extends AsyncDisposable {
  readonly provider: Provider
  play(act: Act): void
}

const STREAM: UpstreamRequest = { body: '{"model":"m","messages":[],"stream":true}', stream: true, connectMs: 2_000, headersMs: 2_000 }
const WHOLE: UpstreamRequest = { ...STREAM, body: '{"model":"m","messages":[]}', stream: false }
const LEFT: Failure = { kind: 'cancelled', message: 'The caller left.' }

/** What every provider holds to, whatever is behind it. */
export function describeProvider(createWorld: () => Promise<ProviderWorld>): void {
  test('a stream comes in batches of frames and ends with its end', async () => {
    await using world = await createWorld()
    world.play({ act: 'answer', words: ['Hel', 'lo'] })
    const response = await world.provider.open(STREAM, new AbortController().signal)
    expect(response.head.status).toBe(200)
    const frames = await collect(response.frames)
    expect(textOf(frames)).toBe('Hello')
    expect(frames.at(-1)?.type).toBe('done')
    expect(frames.filter((frame) => frame.type === 'chunk' && frame.chunk.choices?.[0]?.finish_reason === 'stop').length).toBe(1)
    for (const frame of frames) expect(Buffer.from(frame.bytes).toString()).toMatch(/^data: .*\n\n$/)
    expect((await response.frames.next()).done).toBe(true)
  })

  test('an answer that is not streamed is one frame', async () => {
    await using world = await createWorld()
    world.play({ act: 'answer', words: ['Hel', 'lo'] })
    const frames = await collect((await world.provider.open(WHOLE, new AbortController().signal)).frames)
    const [frame, ...more] = frames
    expect(more).toEqual([])
    expect(frame?.type === 'answer' && frame.answer.choices[0]?.message).toMatchObject({ content: 'Hello' })
    expect(JSON.parse(Buffer.from(frame?.bytes ?? '').toString())).toMatchObject({ choices: [{ finish_reason: 'stop' }] })
  })

  test('F2, F3: a refusal rejects the opening with its kind and its wait', async () => {
    await using world = await createWorld()
    world.play({ act: 'refuse' })
    for (const request of [STREAM, WHOLE]) {
      const failure = await failureOf(world.provider.open(request, new AbortController().signal))
      expect(failure).toMatchObject({ kind: 'rate_limited', status: 429, retryAfterMs: 2_000 })
      expect(failure?.callerMessage).toBeUndefined()
    }
  })

  for (const by of ['truncated', 'overloaded'] as const) {
    test(`S3: a stream that breaks (${by}) gives what came, then fails, and stays over`, async () => {
      await using world = await createWorld()
      world.play({ act: 'break', after: ['Hel', 'lo'], by })
      const { frames } = await world.provider.open(STREAM, new AbortController().signal)
      const seen: Frame[] = []
      const failure = await failureOf(collect(frames, seen))
      expect(textOf(seen)).toBe('Hello')
      expect(failure?.kind).toBe(by)
      expect((await frames.next()).done).toBe(true)
    })
  }

  test('S4: an abort before the head rejects with its own reason', async () => {
    await using world = await createWorld()
    world.play({ act: 'silence' })
    const controller = new AbortController()
    const opening = failureOf(world.provider.open(STREAM, controller.signal))
    systemClock.after(20, () => controller.abort(new UpstreamError(LEFT)))
    expect(await opening).toEqual(LEFT)
    expect(await failureOf(world.provider.open(STREAM, controller.signal))).toEqual(LEFT)
  })

  test('S4: an abort within a silent stream rejects with its own reason', async () => {
    await using world = await createWorld()
    world.play({ act: 'silence', after: ['Hel'] })
    const controller = new AbortController()
    const { frames } = await world.provider.open(STREAM, controller.signal)
    expect(textOf((await frames.next()).value ?? [])).toBe('Hel')
    const waiting = failureOf(frames.next())
    controller.abort(new UpstreamError(LEFT))
    expect(await waiting).toEqual(LEFT)
    expect((await frames.next()).done).toBe(true)
  })

  test('a reader that ends early is done, and the next call is served', async () => {
    await using world = await createWorld()
    world.play({ act: 'silence', after: ['Hel'] })
    for await (const _ of (await world.provider.open(STREAM, new AbortController().signal)).frames) break
    world.play({ act: 'answer', words: ['again'] })
    expect(textOf(await collect((await world.provider.open(STREAM, new AbortController().signal)).frames))).toBe('again')
  })
}

async function collect(frames: AsyncIterableIterator<readonly Frame[]>, into: Frame[] = []): Promise<Frame[]> {
  for await (const batch of frames) into.push(...batch)
  return into
}

async function failureOf(promise: Promise<unknown>): Promise<Failure | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof UpstreamError) return error.failure
    throw error
  }
}

function textOf(frames: readonly Frame[]): string {
  return frames.map((frame) => (frame.type === 'chunk' ? (frame.chunk.choices?.[0]?.delta?.content ?? '') : '')).join('')
}
