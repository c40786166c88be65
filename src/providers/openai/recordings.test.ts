import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'bun:test'
import { systemClock } from '#base'
import { createSocketClient } from '../http/socket-client.ts'
import type { Frame } from '../provider.ts'
import { RAW_STREAM_END, RAW_STREAM_HEAD, RawUpstream, rawChunk, rawResponse } from '../raw-upstream.ts'
import { createOpenAiProvider } from './openai-provider.ts'

/** Recorded answers of real providers, beside the repository where there are any: one event's data a line. */
const FOLDER = join(import.meta.dir, '../../../../shared/data/wire')
const PROVIDERS = ['openai', 'openai-compatible', 'mistral', 'groq', 'deepseek', 'xai', 'moonshotai', 'azure']
const ROUNDS = 5

interface Recording {
  readonly name: string
  readonly text: string
}

interface Summary {
  readonly text: string
  readonly reasoning: string
  readonly arguments: string
  readonly finish: string | undefined
}

const recordings = existsSync(FOLDER) ? PROVIDERS.flatMap(read) : []
const streams = recordings.filter(({ name, text }) => /\.(?:chunks\.txt|sse)$/.test(name) && isChunks(text))
const wholes = recordings.filter(({ name, text }) => name.endsWith('.json') && isAnswer(text))

describe('recorded answers of real providers', () => {
  if (recordings.length === 0) {
    test.skip(`there are none: ${FOLDER} does not exist`, () => undefined)
    return
  }

  test('are there, and of every provider', () => {
    expect(streams.length).toBeGreaterThanOrEqual(12)
    expect(wholes.length).toBeGreaterThanOrEqual(12)
  })

  for (const { name, text } of streams) {
    test(`streamed, ${name}, at random splits`, async () => {
      const lines = text
        .split('\n')
        .map((line) => line.replace(/^data: /, ''))
        .filter((line) => line.trim() !== '' && line !== '[DONE]')
      for (let round = 0; round < ROUNDS; round++) {
        const ending = round % 2 === 0 ? '\n' : '\r\n'
        const events = [...lines, '[DONE]'].map((line) => `data: ${line}${ending}${ending}`)
        const frames = await replay(Buffer.concat([RAW_STREAM_HEAD, rawChunk(events.join('')), RAW_STREAM_END]), true)
        expect(frames.map((frame): string => frame.type)).toEqual([...lines.map(() => 'chunk'), 'done'])
        for (const [i, frame] of frames.entries()) {
          // Content in parts is the one form that clients do not know: it goes out as it is read.
          if (!events[i]?.includes('"content":[')) expect(Buffer.from(frame.bytes).toString('utf8')).toBe(events[i] ?? '')
        }
        const read = summarize(frames)
        expect(read).toEqual(expectedOf(lines))
        expect(['stop', 'length', 'tool_calls']).toContain(read.finish ?? '')
        expect(read.text + read.reasoning + read.arguments).not.toBe('')
      }
    })
  }

  for (const { name, text } of wholes) {
    test(`whole, ${name}`, async () => {
      const frames = await replay(rawResponse(200, { 'content-type': 'application/json' }, text), false)
      expect(frames.map((frame) => frame.type)).toEqual(['answer'])
      expect(frames[0]?.type === 'answer' && frames[0].answer).toEqual(JSON.parse(text))
    })
  }
})

/** What the adapter makes of bytes that arrive in pieces of random size. */
async function replay(bytes: Buffer, stream: boolean): Promise<Frame[]> {
  await using upstream = await RawUpstream.start(async (socket) => {
    for (let start = 0; start < bytes.length;) {
      const size = 1 + Math.floor(systemClock.random() ** 3 * 20_000)
      if (!socket.write(bytes.subarray(start, start + size))) await new Promise((resolve) => socket.once('drain', resolve))
      start += size
      await new Promise(setImmediate)
    }
  })
  const provider = createOpenAiProvider(
    { id: 'p', kind: 'openai-compatible', baseUrl: upstream.baseUrl },
    { client: createSocketClient({ clock: systemClock }), clock: systemClock, userAgent: 'holdfast' },
  )
  const response = await provider.open({ body: '{}', stream, connectMs: 2_000, headersMs: 2_000 }, new AbortController().signal)
  const frames: Frame[] = []
  for await (const batch of response.frames) frames.push(...batch)
  provider.close()
  return frames
}

function summarize(frames: readonly Frame[]): Summary {
  const chunks = frames.flatMap((frame) => (frame.type === 'chunk' ? [frame.chunk] : []))
  const choices = chunks.flatMap((chunk) => chunk.choices ?? [])
  return {
    text: choices.map((choice) => choice.delta?.content ?? '').join(''),
    reasoning: choices.map((choice) => choice.delta?.reasoning_content ?? '').join(''),
    arguments: choices
      .flatMap((choice) => choice.delta?.tool_calls ?? [])
      .map((call) => call.function?.arguments ?? '')
      .join(''),
    finish: choices.findLast((choice) => typeof choice.finish_reason === 'string')?.finish_reason ?? undefined,
  }
}

/** The same by regular expressions over the recording's own text, which know nothing of the adapter. */
function expectedOf(lines: readonly string[]): Summary {
  const all = (pattern: RegExp): string =>
    lines.flatMap((line) => [...line.matchAll(pattern)].map((match) => String(JSON.parse(`"${match[1] ?? match[2] ?? ''}"`)))).join('')
  const string = String.raw`"((?:[^"\\]|\\.)*)"`
  return {
    text: all(new RegExp(`"content":${string}|"type":"text","text":${string}(?=\\}\\]\\},"finish)`, 'g')) + '',
    reasoning: all(new RegExp(`"reasoning_content":${string}|"thinking":\\[\\{"type":"text","text":${string}`, 'g')),
    arguments: all(new RegExp(`"arguments":${string}`, 'g')),
    finish: lines.map((line) => /"finish_reason":"(\w+)"/.exec(line)?.[1]).findLast((reason) => reason !== undefined),
  }
}

function read(provider: string): Recording[] {
  const folder = join(FOLDER, provider)
  if (!existsSync(folder)) return []
  return readdirSync(folder).map((name) => ({ name: `${provider}/${name}`, text: readFileSync(join(folder, name), 'utf8') }))
}

/** Whether it is a stream of chat completions: some are of other APIs. Azure's first chunk does not say what it is. */
function isChunks(text: string): boolean {
  return /"object": ?"chat\.completion\.chunk"|^\{"id":"[^"]*","created":\d+,"model":"[^"]*","choices":\[\{"index":0,"delta"/.test(text)
}

function isAnswer(text: string): boolean {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null && 'choices' in value && text.includes('"message"')
}
