import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { AppError } from './app-error.ts'
import { systemClock } from './clock.ts'
import { type SseEvent, SseParser } from './sse.ts'

interface Read {
  readonly data: string | undefined
  readonly event: string | undefined
}

function parse(chunks: readonly Uint8Array[], maxBytes = 1e6): { events: SseEvent[]; rest: SseEvent | undefined } {
  const parser = new SseParser(maxBytes)
  const events = chunks.flatMap((chunk) => parser.push(chunk))
  return { events, rest: parser.end() }
}

function readAll(text: string, cuts: readonly number[] = []): Read[] {
  const { events, rest } = parse(split(Buffer.from(text), cuts))
  return [...events, ...(rest ? [rest] : [])].map(({ data, event }) => ({ data, event }))
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

function bytesOf(events: readonly SseEvent[]): string {
  return Buffer.concat(events.map((event) => event.bytes)).toString('latin1')
}

/** The text with every line end as LF: what a reader makes of it. */
function lines(text: string): string {
  return text.replace(/\r\n|\r/g, '\n')
}

const lineText = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n\u2028\uFEFF]/g, '.'))
const line = fc.oneof(
  lineText.map((text) => `data: ${text}`),
  lineText.map((text) => `data:${text}`),
  lineText.map((text) => `:${text}`),
  lineText.map((text) => `event: ${text}`),
  fc.constantFrom('data', 'id: 7', 'retry: 10', 'unknown: field'),
)
const event = fc.array(line, { minLength: 1, maxLength: 4 })
const ending = fc.constantFrom('\n', '\r\n', '\r')
const cuts = fc.array(fc.nat(400), { maxLength: 25 })
const stream = fc.array(fc.tuple(event, ending), { maxLength: 6 })

describe('SseParser', () => {
  test('any split of any events gives the same events, with LF, CRLF and CR', () => {
    fc.assert(
      fc.property(stream, cuts, (parts, at) => {
        const text = parts.map(([of, end]) => of.map((one) => one + end).join('') + end).join('')
        const whole = readAll(text)
        expect(whole).toHaveLength(parts.length)
        expect(readAll(text, at)).toEqual(whole)
      }),
      { numRuns: 2_000 },
    )
  })

  test('the events hold every byte of the input', () => {
    fc.assert(
      fc.property(stream, cuts, (parts, at) => {
        const bytes = Buffer.from(parts.map(([of, end]) => of.map((one) => one + end).join('') + end).join(''))
        const { events, rest } = parse(split(bytes, at))
        expect(rest).toBeUndefined()
        // A read may end between CR and LF at the end of an event; it is handed out at once, without the LF.
        expect(lines(bytesOf(events))).toBe(lines(bytes.toString('latin1')))
        if (!bytes.includes(13)) expect(bytesOf(events)).toBe(bytes.toString('latin1'))
      }),
      { numRuns: 2_000 },
    )
  })

  test('whole chunks keep every byte, CRLF included', () => {
    const text = 'data: a\r\n\r\n: ping\r\n\r\ndata: b\r\n\r\n'
    expect(bytesOf(parse([Buffer.from(text)]).events)).toBe(text)
  })

  test('byte by byte, with characters of several bytes', () => {
    const bytes = Buffer.from('data: früh 🦊\n\ndata: 后\n\n')
    const { events } = parse([...bytes].map((byte) => Buffer.from([byte])))
    expect(events.map((one) => one.data)).toEqual(['früh 🦊', '后'])
  })

  const table: readonly (readonly [string, string, readonly Read[]])[] = [
    ['one space behind the colon is taken away, no more', 'data:  two\n\ndata:none\n\n', [read(' two'), read('none')]],
    ['lines of data are joined', 'data: a\ndata: b\ndata\n\n', [read('a\nb\n')]],
    ['the name of an event, the last one counts', 'event: x\nevent: error\ndata: {}\n\n', [read('{}', 'error')]],
    ['a comment has no data', ': ping\n\n', [read(undefined)]],
    ['empty data is not missing data', 'data:\n\n', [read('')]],
    ['blank lines between events are nothing', '\n\n\ndata: a\n\n\n\ndata: b\n\n', [read('a'), read('b')]],
    ['a byte order mark at the start is not part of the field', '\uFEFFdata: a\n\ndata: b\n\n', [read('a'), read('b')]],
    ['a byte order mark further on is text', 'data: a\n\n\uFEFFdata: b\n\n', [read('a'), read(undefined)]],
    ['line ends may be mixed', 'data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n', [read('a\nb\nc'), read('d')]],
    ['a colon in the value is text', 'data: a: b\n\n', [read('a: b')]],
    ['an event without its end comes by end()', 'data: a\n\ndata: b\n', [read('a'), read('b')]],
    ['a line without its end comes by end()', 'data: a\n\ndata: b', [read('a'), read('b')]],
  ]
  test.each(table)('%s', (_, text, expected) => {
    expect(readAll(text)).toEqual([...expected])
    for (let cut = 0; cut <= Buffer.byteLength(text); cut++) expect(readAll(text, [cut])).toEqual([...expected])
  })

  test('end() gives what is left once', () => {
    const parser = new SseParser(100)
    parser.push(Buffer.from('data: a'))
    expect(parser.end()?.data).toBe('a')
    expect(parser.end()).toBeUndefined()
  })

  test('an event that is too large is refused, however it is split', () => {
    const bytes = Buffer.from(`data: small\n\ndata: ${'x'.repeat(200)}\n\ndata: small\n\n`)
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
      expect(codeOf(() => parse(chunks, 100))).toBe('frame_too_large')
    }
  })

  test('an event of exactly the limit passes', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(92)}\n\n`)
    expect(bytes).toHaveLength(100)
    expect(parse([bytes], 100).events).toHaveLength(1)
    expect(
      parse(
        [...bytes].map((byte) => Buffer.from([byte])),
        100,
      ).events,
    ).toHaveLength(1)
  })

  const line100 = `data: ${'x'.repeat(93)}\n`
  const large: readonly (readonly [string, string])[] = [
    ['one line', `data: ${'x'.repeat(8 * 1_024 * 1_024 - 8)}`],
    ['many lines', line100.repeat(80_000).trimEnd()],
    ['many lines with CR LF', line100.replace('\n', '\r\n').repeat(80_000).trimEnd()],
  ]
  test.each(large)('8 MiB in reads of 512 bytes cost their sum, not its square: %s', (_, text) => {
    const bytes = Buffer.from(`${text}\n\n`)
    const reads = Array.from({ length: Math.ceil(bytes.length / 512) }, (__, i) => bytes.subarray(i * 512, (i + 1) * 512))
    let best = Number.POSITIVE_INFINITY
    let events: readonly SseEvent[] = []
    for (let i = 0; i < 4 && best >= 200; i++) {
      const started = systemClock.monotonic()
      events = parse(reads, 9 * 1_024 * 1_024).events
      best = Math.min(best, systemClock.monotonic() - started)
    }
    expect(best).toBeLessThan(200)
    expect(events).toHaveLength(1)
    expect(events[0]?.data).toBe(text.replaceAll('\r', '').replaceAll(/^data: /gm, ''))
    expect(bytes.equals(events[0]?.bytes ?? Buffer.of())).toBe(true)
  })

  test('events that were handed out stay as they were, whatever is read after them', () => {
    const size = fc.integer({ min: 1, max: 2_000 })
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 6 }), fc.array(size, { minLength: 1 }), (lengths, sizes) => {
        const bytes = Buffer.from(lengths.map((length, i) => `data: ${String(i).repeat(length)}\n\n`).join(''))
        const parser = new SseParser(21_000)
        const kept: { readonly event: SseEvent; readonly was: string }[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + (sizes[i % sizes.length] ?? 1)
          for (const one of parser.push(bytes.subarray(at, end))) kept.push({ event: one, was: Buffer.from(one.bytes).toString('latin1') })
          at = end
        }
        expect(kept.map(({ was }) => was).join('')).toBe(bytes.toString('latin1'))
        expect(bytesOf(kept.map((one) => one.event))).toBe(bytes.toString('latin1'))
      }),
      { numRuns: 300 },
    )
  })

  test('whole events share the memory of their read', () => {
    const bytes = Buffer.from('data: a\n\ndata: b\n\ndata: c')
    const parser = new SseParser(100)
    for (const one of parser.push(bytes)) expect(one.bytes.buffer).toBe(bytes.buffer)
  })
})

function read(data: string | undefined, name?: string): Read {
  return { data, event: name }
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : String(thrown)
  }
}
