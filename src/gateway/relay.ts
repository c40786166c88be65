import { type ChatChunk, type ChunkChoice, type Usage, UpstreamError } from '#contract'
import type { Frame } from '#providers'
import { adoptId, type ChunkFrame, frameOf, inspect, note, type Seen, underStreamId, withAccount } from './chunk-frame.ts'
import type { Delivered } from './rescue/delivered.ts'
import type { Joint } from './rescue/joint.ts'

export interface RelayOptions {
  readonly delivered: Delivered
  /** Choices that must finish. */
  readonly choices: number
  /** Whether the client asked for a usage frame. */
  readonly usageWanted: boolean
  /** What `x_holdfast` of the last frame says; asked for once, at the end. */
  readonly account: () => object
  /** Joins this answer to what was delivered; undefined for a first answer. */
  readonly joint: Joint | undefined
}

/** Bytes that are held back at the most: a tool call that is not whole yet. */
const MOST_HELD = 16 * 1024 * 1024

const DONE = Buffer.from('data: [DONE]\n\n')

/**
 * Turns one attempt's frames into what the client gets (S1, S3, S6, S7). Frames go out as they came; held back are those
 * before the first content, tool calls until they are whole, and the last frame, which carries `x_holdfast`. No I/O.
 */
export class Relay {
  readonly #options: RelayOptions
  #held: ChunkFrame[] = []
  #heldBytes = 0
  #toolsOpen = false
  /** Indexes of the choices that have begun, where there may be several, and of those that have finished. */
  readonly #begunChoices = new Set<number>()
  readonly #finishedChoices = new Set<number>()
  #finished = false
  #last: ChunkFrame | undefined

  /** Frames with tokens in them: content, reasoning, pieces of tool calls. */
  tokens = 0
  usage: Usage | undefined
  /** Why this answer is broken behind what was let through. */
  fault: unknown
  /** Everything was sent, `[DONE]` included. */
  ended = false

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** The answer is whole, though its usage may still come. */
  get finished(): boolean {
    return this.#finished
  }

  /**
   * What these frames let through. Throws `UpstreamError` when the answer turns out to be broken; what stands before the break
   * is let through first, and `fault` holds what is to be thrown then.
   */
  take(frames: readonly Frame[]): Uint8Array | undefined {
    const out: Uint8Array[] = []
    try {
      for (const frame of frames) {
        if (this.ended) break
        if (frame.type === 'chunk') this.#takeChunk(frame, out)
        else if (frame.type === 'answer') this.#takeAnswer(frame, out)
        else if (frame.type === 'done') this.#done(out)
      }
    } catch (thrown) {
      if (out.length === 0) throw thrown
      this.fault = thrown
    }
    return joined(out)
  }

  /** What is left to send when the upstream has ended. Throws `truncated` when no finish was seen (S3). */
  end(): Uint8Array | undefined {
    const out: Uint8Array[] = []
    if (!this.ended) this.#end(out)
    return joined(out)
  }

  #takeAnswer(frame: Frame & { type: 'answer' }, out: Uint8Array[]): void {
    this.tokens++
    this.usage = frame.answer.usage ?? undefined
    this.#options.delivered.committed = true
    this.ended = true
    out.push(frame.bytes)
  }

  #takeChunk(frame: ChunkFrame, out: Uint8Array[]): void {
    const { chunk } = frame
    if (chunk.usage) this.usage = chunk.usage
    if (this.finished) return this.#takeUsage(frame, out)
    const seen = inspect(chunk)
    if (seen.tokens) this.tokens++
    if (seen.tools) this.#toolsOpen = true
    const told = this.#options.joint ? this.#rejoin(chunk, seen, out) : frame
    if (this.ended) return
    if (seen.finishes || this.#options.choices > 1) this.#noteChoices(chunk)
    if (this.finished) {
      this.#last = told ?? this.#retold(chunk, '')
      if (seen.tools || this.#toolsOpen) this.#options.delivered.final = true
      if (!this.#options.usageWanted || chunk.usage) this.#end(out)
    } else if (told && (this.#toolsOpen || (!this.#options.delivered.committed && !seen.tokens))) {
      this.#hold(told)
    } else if (told) {
      this.#emit(told, out)
    }
  }

  /** A frame behind the finish: its usage is wanted, and nothing else (S1). */
  #takeUsage({ chunk, bytes }: ChunkFrame, out: Uint8Array[]): void {
    if (!chunk.usage) return
    this.#emit(this.#last, out)
    this.#last = chunk.choices?.length ? frameOf({ ...chunk, choices: [] }) : { type: 'chunk', bytes, chunk }
    this.#end(out)
  }

  /** `[DONE]`: a provider that knows nothing of `n` has answered when every choice that it began has finished. */
  #done(out: Uint8Array[]): void {
    this.#finished ||= this.#finishedChoices.size > 0 && this.#finishedChoices.size === this.#begunChoices.size
    this.#end(out)
  }

  /** Holds a continuing answer's chunk to what was delivered; undefined when nothing of it is new. */
  #rejoin(chunk: ChatChunk, seen: Seen, out: Uint8Array[]): ChunkFrame | undefined {
    const { joint } = this.#options
    if (!joint) return undefined
    let text = seen.content === '' ? '' : joint.push(seen.content)
    if (seen.finishes || joint.stopped) text += joint.end(chunk.choices?.[0]?.finish_reason === 'stop')
    if (joint.stopped) {
      this.#finished = true
      this.#last = this.#retold(chunk, text, 'stop')
      this.#end(out)
      return undefined
    }
    const worthSending = text !== '' || seen.tools || seen.finishes
    return worthSending ? this.#retold(chunk, text) : undefined
  }

  /** A choice that finishes twice is still one. */
  #noteChoices(chunk: ChatChunk): void {
    for (const [position, choice] of (chunk.choices ?? []).entries()) {
      this.#begunChoices.add(choice.index ?? position)
      if (choice.finish_reason) this.#finishedChoices.add(choice.index ?? position)
    }
    this.#finished = this.#finishedChoices.size >= this.#options.choices
  }

  /** A chunk of another answer under this stream's id (S7), with `text` for its content. */
  #retold(chunk: ChatChunk, text: string | undefined, finish?: string): ChunkFrame {
    const { delivered } = this.#options
    const choices = chunk.choices?.map((choice): ChunkChoice => {
      const { role: _, reasoning: _r, reasoning_content: _c, content: _t, ...delta } = choice.delta ?? {}
      const told = text === undefined || text === '' ? delta : { ...delta, content: text }
      return { ...choice, delta: told, ...(finish === undefined ? {} : { finish_reason: finish }) }
    })
    return frameOf(underStreamId(choices === undefined ? chunk : { ...chunk, choices }, delivered))
  }

  #hold(frame: ChunkFrame): void {
    this.#held.push(frame)
    this.#heldBytes += frame.bytes.length
    if (this.#heldBytes > MOST_HELD) {
      throw new UpstreamError({ kind: 'too_large', message: `A tool call is larger than ${MOST_HELD} bytes.` })
    }
  }

  #emit(frame: ChunkFrame | undefined, out: Uint8Array[]): void {
    const { delivered } = this.#options
    if (this.#held.length > 0) {
      if (delivered.id === undefined) for (const held of this.#held) adoptId(delivered, held.chunk)
      if (delivered.id === undefined && frame) adoptId(delivered, frame.chunk)
      for (const held of this.#held) this.#send(held, out)
      this.#held = []
      this.#heldBytes = 0
    }
    if (frame) this.#send(frame, out)
  }

  #send(frame: ChunkFrame, out: Uint8Array[]): void {
    const { delivered } = this.#options
    const stamped = this.#stamped(frame)
    note(delivered, stamped.chunk)
    delivered.committed = true
    out.push(stamped.bytes)
  }

  /** The frame under the stream's one id and `created` (S7); as it came, where it has them. */
  #stamped(frame: ChunkFrame): ChunkFrame {
    const { delivered } = this.#options
    const { chunk } = frame
    adoptId(delivered, chunk)
    const { id = chunk.id, created = chunk.created } = delivered
    return chunk.id === id && chunk.created === created ? frame : frameOf(underStreamId(chunk, delivered))
  }

  #end(out: Uint8Array[]): void {
    if (!this.finished) {
      throw new UpstreamError({ kind: 'truncated', message: 'The stream ended without a finish reason.' })
    }
    this.#emit(undefined, out)
    const last = this.#stamped(this.#last ?? frameOf({ object: 'chat.completion.chunk', choices: [] }))
    note(this.#options.delivered, last.chunk)
    out.push(withAccount(last.bytes, this.#options.account()), DONE)
    this.#options.delivered.committed = true
    this.ended = true
  }
}

/** The end of an answer that used up its tokens before its upstream broke. */
export function endingByLength(delivered: Delivered, account: object): Uint8Array {
  const { id, created, model } = delivered
  const choices = [{ index: 0, delta: {}, finish_reason: 'length' }]
  const last = { id, object: 'chat.completion.chunk', created, model, choices, x_holdfast: account }
  return Buffer.concat([Buffer.from(`data: ${JSON.stringify(last)}\n\n`), DONE])
}

function joined(out: readonly Uint8Array[]): Uint8Array | undefined {
  return out.length <= 1 ? out[0] : Buffer.concat(out)
}
