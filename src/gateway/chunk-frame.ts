import type { ChatChunk } from '#contract'
import type { Frame } from '#providers'
import type { Delivered } from './rescue/delivered.ts'

export type ChunkFrame = Extract<Frame, { type: 'chunk' }>

/** What a chunk brings. */
export interface Seen {
  readonly content: string
  /** Whether anything of the answer is in it: text, reasoning, a tool call, or what we do not know. */
  readonly tokens: boolean
  readonly tools: boolean
  /** Whether a choice finishes in this chunk. */
  readonly finishes: boolean
}

/** Characters of an answer that are kept for a rescue; a longer one is not rescued, so that nobody's memory is our limit. */
const MOST_TEXT = 256 * 1024

/** Members of a delta that say nothing of the answer, or that are looked at by name. */
const KNOWN: ReadonlySet<string> = new Set(['role', 'content', 'tool_calls', 'function_call', 'refusal', 'reasoning', 'reasoning_content'])
/** What providers call their models' thoughts. */
const THOUGHTS = /^(?:reasoning|thinking|thought)/

const DATA = Buffer.from('data:')
const CLOSING_BRACE = 125
const LF = 10
const CR = 13

/** Looks at a chunk once. */
export function inspect(chunk: ChatChunk): Seen {
  let content = ''
  let tokens = false
  let tools = false
  let finishes = false
  for (const choice of chunk.choices ?? []) {
    const { delta } = choice
    if (delta) {
      if (delta.content) content += delta.content
      else if (delta.refusal || delta.reasoning_content || delta.reasoning || unknownMember(delta) !== undefined) tokens = true
      if (delta.tool_calls?.length || delta.function_call) tools = true
    }
    if (choice.finish_reason) finishes = true
  }
  return { content, tokens: tokens || tools || content !== '', tools, finishes }
}

/** Remembers what the client has once this chunk is sent. */
export function note(delivered: Delivered, chunk: ChatChunk): void {
  if (chunk.model) delivered.model = chunk.model
  for (const choice of chunk.choices ?? []) {
    const { delta } = choice
    if (!delta) continue
    if (delta.content) {
      delivered.text += delta.content
      delivered.frames++
      if (delivered.text.length > MOST_TEXT) {
        delivered.text = ''
        delivered.final = true
      }
    }
    if (delta.refusal || delta.tool_calls?.length || delta.function_call) delivered.final = true
    const unknown = unknownMember(delta)
    if (unknown !== undefined && !THOUGHTS.test(unknown)) delivered.final = true
  }
}

/** A member that we do not know and that is not empty, such as sound: nobody else can go on with it. Thoughts only if there is no other. */
function unknownMember(delta: Readonly<Record<string, unknown>>): string | undefined {
  let found: string | undefined
  for (const name in delta) {
    if (KNOWN.has(name)) continue
    const value = delta[name]
    if (value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) continue
    if (!THOUGHTS.test(name)) return name
    found = name
  }
  return found
}

/** A chunk as an event of its own. */
export function frameOf(chunk: ChatChunk): ChunkFrame {
  return { type: 'chunk', bytes: Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`), chunk }
}

/** The chunk with the stream's id and `created`, as far as they are known. */
export function underStreamId(chunk: ChatChunk, { id, created }: Delivered): ChatChunk {
  return { ...chunk, ...(id === undefined ? {} : { id }), ...(created === undefined ? {} : { created }) }
}

/** The first real id and `created` are the stream's. */
export function adoptId(delivered: Delivered, chunk: ChatChunk): void {
  if (chunk.id) delivered.id ??= chunk.id
  if (chunk.created) delivered.created ??= chunk.created
}

/** The frame with `x_holdfast` as its object's last member; the rest of its bytes as they were. */
export function withAccount(bytes: Uint8Array, account: object): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = buffer.lastIndexOf(CLOSING_BRACE, endOfData(buffer))
  return Buffer.concat([buffer.subarray(0, end), Buffer.from(`,"x_holdfast":${JSON.stringify(account)}`), buffer.subarray(end)])
}

/** Where the last line of data ends: lines behind it may hold anything. */
function endOfData(buffer: Buffer): number {
  let start = buffer.lastIndexOf(DATA)
  while (start > 0 && buffer[start - 1] !== LF && buffer[start - 1] !== CR) start = buffer.lastIndexOf(DATA, start - 1)
  const ends = [buffer.indexOf(LF, start), buffer.indexOf(CR, start)].filter((end) => end !== -1)
  return Math.min(buffer.length, ...ends)
}
