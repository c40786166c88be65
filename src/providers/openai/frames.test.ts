import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { SseParser, systemClock } from '#base'
import { type ChatChunk, UpstreamError } from '#contract'
import type { Frame } from '../provider.ts'
import { StreamFrames } from './frames.ts'

const context = { now: () => 0, credential: undefined }
const RUNS = { numRuns: 300 }

/** A body in memory, cut at the given places. */
function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
  let start = 0
  for (let i = 0; start < bytes.length; i++) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? bytes.length)
    yield bytes.subarray(start, start + size)
    start += size
  }
}

async function* bodyOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  yield* cut(bytes, sizes)
}

async function read(bytes: Buffer, sizes: readonly number[]): Promise<{ frames: Frame[]; error: unknown }> {
  const frames: Frame[] = []
  try {
    for await (const batch of new StreamFrames(bodyOf(bytes, sizes), context, systemClock)) {
      expect(batch.length).toBeGreaterThan(0)
      frames.push(...batch)
    }
    return { frames, error: undefined }
  } catch (error) {
    return { frames, error }
  }
}

const chunkOf = (content: string): ChatChunk => ({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const lineEnds = fc.constantFrom('\n', '\r\n', '\r')
const texts = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { maxLength: 12 })
const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 9 })

test('S2: any text in any split with any line ends comes through whole, and its bytes as they were', async () => {
  await fc.assert(
    fc.asyncProperty(texts, lineEnds, sizes, async (words, lineEnd, splits) => {
      const events = words.map((word) => `data: ${JSON.stringify(chunkOf(word))}${lineEnd}${lineEnd}`)
      const bytes = Buffer.from(events.join(''))
      const { frames, error } = await read(bytes, splits)
      expect(error).toBeUndefined()
      const chunks = frames.map((frame) => (frame.type === 'chunk' ? frame.chunk : undefined))
      expect(chunks).toEqual(words.map((word) => JSON.parse(JSON.stringify(chunkOf(word)))))
      expect(Buffer.concat(frames.map((frame) => frame.bytes)).equals(bytes)).toBe(true)
    }),
    RUNS,
  )
})

test('S3: whatever is damaged, what is handed out can be read by anyone, and the rest is one failure', async () => {
  const damage = fc.record({ at: fc.nat(), remove: fc.nat({ max: 40 }), insert: fc.uint8Array({ maxLength: 6 }) })
  await fc.assert(
    fc.asyncProperty(texts, lineEnds, sizes, damage, async (words, lineEnd, splits, { at, remove, insert }) => {
      const good = Buffer.from(words.map((word) => `data: ${JSON.stringify(chunkOf(word))}${lineEnd}${lineEnd}`).join(''))
      const place = good.length === 0 ? 0 : at % good.length
      const { frames, error } = await read(Buffer.concat([good.subarray(0, place), insert, good.subarray(place + remove)]), splits)
      expect(error === undefined || error instanceof UpstreamError).toBe(true)
      for (const frame of frames) {
        if (frame.type !== 'chunk') continue
        const [event, ...more] = new SseParser(1e6).push(frame.bytes)
        expect(more).toEqual([])
        expect(JSON.parse(event?.data ?? '')).toEqual(frame.chunk)
      }
    }),
    RUNS,
  )
})

test('S3: a stream that is cut anywhere is never more than its beginning', async () => {
  await fc.assert(
    fc.asyncProperty(texts, sizes, fc.nat(), async (words, splits, at) => {
      const good = Buffer.from(words.map((word) => `data: ${JSON.stringify(chunkOf(word))}\n\n`).join(''))
      const { frames, error } = await read(good.subarray(0, good.length === 0 ? 0 : at % good.length), splits)
      const got = frames.map((frame) => (frame.type === 'chunk' ? frame.chunk.choices?.[0]?.delta?.content : undefined))
      expect(got).toEqual(words.slice(0, got.length))
      expect(error === undefined || (error instanceof UpstreamError && error.failure.kind === 'truncated')).toBe(true)
    }),
    RUNS,
  )
})
