import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { type ChatChunk, UpstreamError } from '#contract'
import type { Frame } from '#providers'
import { type Delivered, nothingDelivered } from './rescue/delivered.ts'
import { Joint } from './rescue/joint.ts'
import { Relay } from './relay.ts'

function chunk(fields: object): Frame {
  const value = { id: 'chatcmpl-2', object: 'chat.completion.chunk', created: 2, model: 'second', ...fields }
  return { type: 'chunk', bytes: Buffer.from(`data: ${JSON.stringify(value)}\n\n`), chunk: value as ChatChunk }
}

const choice = (index: number, delta: object, finish: string | null = null): object => ({
  choices: [{ index, delta, finish_reason: finish }],
})
const index = fc.nat(1)
const content = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(index, fc.string({ maxLength: 6 })).map(([at, text]) => chunk(choice(at, { content: text }))) },
  { weight: 1, arbitrary: index.map((at) => chunk(choice(at, { role: 'assistant' }))) },
  { weight: 1, arbitrary: fc.constant(chunk(choice(0, { reasoning_content: 'Hm.' }))) },
  { weight: 1, arbitrary: fc.constant(chunk({ choices: [] })) },
  { weight: 1, arbitrary: fc.constant<Frame>({ type: 'comment', bytes: Buffer.from(': ping\n\n') }) },
)
const TOOL_MARK = 'tool-arguments'
const rest = fc.oneof(
  { weight: 2, arbitrary: index.map((at) => chunk(choice(at, { tool_calls: [{ index: 0, function: { arguments: TOOL_MARK } }] }))) },
  { weight: 3, arbitrary: index.map((at) => chunk(choice(at, {}, 'stop'))) },
  { weight: 1, arbitrary: fc.constant(chunk({ choices: [], usage: { completion_tokens: 1 } })) },
  { weight: 1, arbitrary: fc.constant<Frame>({ type: 'done', bytes: Buffer.from('data: [DONE]\n\n') }) },
)
const frames = fc.array(fc.oneof({ weight: 4, arbitrary: content }, { weight: 1, arbitrary: rest }), { maxLength: 25 })
const cuts = fc.array(fc.nat(25), { maxLength: 12 })

function batches(all: readonly Frame[], at: readonly number[]): Frame[][] {
  const edges = [0, ...at.map((cut) => cut % (all.length + 1)).toSorted((a, b) => a - b), all.length]
  return edges.slice(1).map((end, i) => all.slice(edges[i], end))
}

interface Outcome {
  readonly bytes: string
  readonly ended: boolean
  readonly fault: string | undefined
  readonly delivered: Delivered
}

/** Does with a relay what an attempt's leg does. */
function run(relay: Relay, delivered: Delivered, all: readonly (readonly Frame[])[]): Outcome {
  let bytes = ''
  const add = (out: Uint8Array | undefined): void => void (bytes += out === undefined ? '' : Buffer.from(out).toString('utf8'))
  try {
    for (const batch of all) {
      if (relay.fault !== undefined) throw relay.fault
      add(relay.take(batch))
    }
    if (relay.fault !== undefined) throw relay.fault
    add(relay.end())
    return { bytes, ended: relay.ended, fault: undefined, delivered }
  } catch (thrown) {
    return { bytes, ended: relay.ended, fault: thrown instanceof UpstreamError ? thrown.failure.kind : String(thrown), delivered }
  }
}

function first(all: readonly (readonly Frame[])[], choices: number, usageWanted: boolean): Outcome {
  const delivered = nothingDelivered()
  return run(new Relay({ delivered, choices, usageWanted, joint: undefined, account: () => ({ attempts: 1 }) }), delivered, all)
}

function continued(all: readonly (readonly Frame[])[], usageWanted: boolean): Outcome {
  const delivered: Delivered = {
    ...nothingDelivered(),
    committed: true,
    id: 'chatcmpl-1',
    created: 1,
    model: 'first',
    text: 'Once upon a ',
    frames: 3,
  }
  const joint = new Joint({ delivered: delivered.text, way: 'prefill', anchor: undefined, stop: ['zz', 'time.'], json: false })
  return run(new Relay({ delivered, choices: 1, usageWanted, joint, account: () => ({ attempts: 2 }) }), delivered, all)
}

describe('Relay, whatever comes', () => {
  test('any batching of the same frames gives the same bytes and the same end', () => {
    fc.assert(
      fc.property(frames, cuts, fc.integer({ min: 1, max: 2 }), fc.boolean(), (all, at, choices, usageWanted) => {
        expect(first(batches(all, at), choices, usageWanted)).toEqual(first([all], choices, usageWanted))
        expect(continued(batches(all, at), usageWanted)).toEqual(continued([all], usageWanted))
      }),
      { numRuns: 3_000 },
    )
  })

  test('S1 S6 exactly one ending: the account and DONE, or a fault and neither; never a part of a tool call', () => {
    let [whole, broken] = [0, 0]
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 2 }), fc.boolean(), (all, choices, usageWanted) => {
        const { bytes, ended, fault } = first(
          all.map((frame) => [frame]),
          choices,
          usageWanted,
        )
        expect(ended).toBe(fault === undefined)
        expect(bytes.split('[DONE]')).toHaveLength(ended ? 2 : 1)
        expect(bytes.split('x_holdfast')).toHaveLength(ended ? 2 : 1)
        if (ended) {
          whole++
          expect(bytes.endsWith('data: [DONE]\n\n')).toBe(true)
          const finished = new Set([...bytes.matchAll(/"index":(\d),"delta":\{[^}]*\},"finish_reason":"stop"/g)].map((match) => match[1]))
          // A provider that knows nothing of `n` begins one choice only; what has begun must have finished.
          const begun = new Set([...bytes.matchAll(/"index":(\d),"delta"/g)].map((match) => match[1]))
          expect(finished.size).toBeGreaterThanOrEqual(Math.min(choices, begun.size))
        } else {
          broken++
          expect(fault).toBe('truncated')
          expect(bytes).not.toContain(TOOL_MARK)
        }
      }),
      { numRuns: 3_000 },
    )
    expect(Math.min(whole, broken)).toBeGreaterThan(300)
  })

  test('S7 a continued stream keeps its id and its time, and names the model that speaks', () => {
    fc.assert(
      fc.property(frames, fc.boolean(), (all, usageWanted) => {
        const { bytes } = continued([all], usageWanted)
        for (const [, json] of bytes.matchAll(/^data: (\{.*\})$/gm)) {
          expect(JSON.parse(json ?? '')).toMatchObject({ id: 'chatcmpl-1', created: 1, model: 'second' })
        }
        expect(bytes).not.toContain('"role"')
      }),
      { numRuns: 1_000 },
    )
  })
})
