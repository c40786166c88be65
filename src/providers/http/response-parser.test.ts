import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { UpstreamError } from '#contract'
import { ResponseParser } from './response-parser.ts'

interface Reading {
  readonly status: number | undefined
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  readonly isDone: boolean
  readonly failure: string | undefined
  readonly hasExcess: boolean
}

/** What a parser makes of bytes that come in these pieces. */
function read(pieces: readonly Uint8Array[]): Reading {
  const parser = new ResponseParser('api.example:443')
  const body: Buffer[] = []
  for (const piece of pieces) {
    const out = parser.push(Buffer.from(piece))
    if (out) body.push(Buffer.from(out))
  }
  expect(parser.failure === undefined || parser.failure instanceof UpstreamError).toBe(true)
  return {
    status: parser.head?.status,
    headers: [...(parser.head?.headers ?? [])],
    body: Buffer.concat(body).toString('latin1'),
    isDone: parser.isDone,
    failure: parser.failure?.failure.kind,
    hasExcess: parser.hasExcess,
  }
}

function readText(text: string): Reading {
  return read([Buffer.from(text, 'latin1')])
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const positions = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...positions].map((start, i) => bytes.subarray(start, positions[i] ?? bytes.length))
}

const text = fc.string({ unit: fc.constantFrom('a', 'Z', '0', ' ', ':', '-', ';', '"', 'é'), maxLength: 30 })
const token = fc.string({ unit: fc.constantFrom('a', 'B', '-', '_', '9'), minLength: 1, maxLength: 12 }).map((name) => `x${name}`)
const lineEnd = fc.constantFrom('\r\n', '\n')
const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

interface Sample {
  readonly wire: string
  readonly body: string
}

const chunkedBody = fc
  .tuple(
    fc.array(
      fc.tuple(
        content.filter((c) => c.length > 0),
        fc.constantFrom('', ';a=b', ' ; q="x y"', ' '),
      ),
      { maxLength: 6 },
    ),
    fc.array(token, { maxLength: 3 }),
  )
  .map(([chunks, trailers]): Sample & { readonly header: string } => ({
    header: 'Transfer-Encoding: Chunked',
    wire: `${chunks.map(([c, extension]) => `${c.length.toString(16)}${extension}\r\n${c}\r\n`).join('')}0\r\n${trailers.map((name) => `${name}: t\r\n`).join('')}\r\n`,
    body: chunks.map(([c]) => c).join(''),
  }))
const sizedBody = content.map((body) => ({ header: `Content-Length: ${body.length}`, wire: body, body }))

const sample = fc
  .tuple(fc.integer({ min: 0, max: 2 }), fc.array(fc.tuple(token, text), { maxLength: 8 }), fc.oneof(chunkedBody, sizedBody), lineEnd)
  .map(([interim, headers, body, end]): Sample => {
    const lines = ['HTTP/1.1 200 OK', ...headers.map(([name, value]) => `${name}: ${value}`), body.header, '', '']
    return { wire: `HTTP/1.1 103 Early${end}a: b${end}${end}`.repeat(interim) + lines.join(end) + body.wire, body: body.body }
  })

describe('ResponseParser', () => {
  test('reads the same from any split, and the body is what was sent', () => {
    fc.assert(
      fc.property(
        sample,
        fc.array(fc.nat(5_000), { maxLength: 20 }),
        fc.constantFrom('', 'HTTP/1.1 200 OK'),
        ({ wire, body }, cuts, excess) => {
          const bytes = Buffer.from(wire + excess, 'latin1')
          const whole = read([bytes])
          expect(whole).toMatchObject({ status: 200, body, isDone: true, failure: undefined, hasExcess: excess !== '' })
          expect(read(split(bytes, cuts))).toEqual(whole)
          expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('gives one piece of body for each read, however many chunks are in it', () => {
    const parser = new ResponseParser('api.example:443')
    const out = parser.push(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5;x\r\nthr'))
    expect(String(out)).toBe('onetwothr')
    expect(String(parser.push(Buffer.from('ee\r\n0\r\n\r\n')))).toBe('ee')
    expect(parser.isDone).toBe(true)
  })

  test('damaged responses never throw, and fail or not whatever the split', () => {
    const damage = fc.array(fc.tuple(fc.nat(5_000), fc.constantFrom('\0', '\r', '\n', ' ', 'z', ':', '0', '\r\n\r\n')), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(sample, damage, fc.array(fc.nat(5_000), { maxLength: 8 }), ({ wire }, edits, cuts) => {
        let damaged = wire
        for (const [at, what] of edits) damaged = damaged.slice(0, at % damaged.length) + what + damaged.slice((at % damaged.length) + 1)
        const bytes = Buffer.from(damaged, 'latin1')
        expect(read(split(bytes, cuts))).toEqual(read([bytes]))
      }),
      { numRuns: 1_000 },
    )
  })

  test('garbage never throws, and fails as soon as it cannot be HTTP', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (pieces) => {
        const first = Buffer.concat(pieces).toString('latin1', 0, 7)
        const { failure } = read(pieces)
        if (!'HTTP/1.'.startsWith(first)) expect(failure).toBe('malformed')
      }),
      { numRuns: 1_000 },
    )
  })

  const head = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
  const chunked = head('transfer-encoding: chunked')

  test.each([
    ['a length that is not a number', head('content-length: 1x'), 'malformed'],
    ['a negative length', head('content-length: -1'), 'malformed'],
    ['an empty length', head('content-length:'), 'malformed'],
    ['a length beyond counting', head('content-length: 99999999999999999999'), 'malformed'],
    ['lengths that differ in one header', head('content-length: 3, 4'), 'malformed'],
    ['another transfer encoding', head('transfer-encoding: gzip, chunked'), 'malformed'],
    ['a transfer encoding twice', head('transfer-encoding: chunked\r\ntransfer-encoding: chunked'), 'malformed'],
    ['a transfer encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', 'malformed'],
    ['a blank before the colon', head('a : b'), 'malformed'],
    ['a header without a colon', head('abc'), 'malformed'],
    ['a header without a name', head(': b'), 'malformed'],
    ['a bare carriage return', head('a: b\rc: d'), 'malformed'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'malformed'],
    ['a status of 600', 'HTTP/1.1 600 OK\r\n\r\n', 'malformed'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n', 'malformed'],
    ['an empty chunk size', `${chunked}\r\nabc`, 'malformed'],
    ['a negative chunk size', `${chunked}-1\r\nabc`, 'malformed'],
    ['a chunk size with 0x', `${chunked}0x3\r\nabc`, 'malformed'],
    ['a chunk size beyond counting', `${chunked}fffffffffffff\r\n`, 'malformed'],
    ['a chunk size that ends with LF alone', `${chunked}3\nabc\r\n`, 'malformed'],
    ['an endless chunk extension', `${chunked}3;${'x'.repeat(5_000)}`, 'malformed'],
    ['endless trailers', `${chunked}0\r\n${'a: b\r\n'.repeat(20_000)}`, 'too_large'],
    ['a NUL in a trailer', `${chunked}0\r\na: \0\r\n\r\n`, 'malformed'],
  ])('refuses %s', (_what, wire, kind) => {
    expect(readText(wire).failure).toBe(kind)
  })

  test.each([
    ['equal lengths', `${head('content-length: 3\r\ncontent-length: 3')}abc`, 'abc'],
    ['no reason', 'HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx', 'x'],
    ['an empty reason', 'HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\nx', 'x'],
    ['sizes in capitals and with zeros', `${chunked}00A\r\n0123456789\r\n0\r\n\r\n`, '0123456789'],
    ['a header without a value', `${head('a:\r\ncontent-length: 1')}x`, 'x'],
  ])('takes %s', (_what, wire, body) => {
    expect(readText(wire)).toMatchObject({ status: 200, body, isDone: true, failure: undefined, hasExcess: false })
  })

  test('takes a head of exactly 64 KiB and not one byte more, whole or in pieces', () => {
    const rest = 'HTTP/1.1 204 No Content\r\na: \r\n\r\n'
    for (const [size, failure] of [
      [65_536, undefined],
      [65_537, 'too_large'],
    ] as const) {
      const bytes = Buffer.from(rest.replace('a: ', `a: ${'x'.repeat(size - rest.length)}`))
      expect(bytes).toHaveLength(size)
      expect(read([bytes]).failure).toBe(failure)
      expect(read(split(bytes, [1, 900, 20_000, 65_535])).failure).toBe(failure)
    }
  })

  test('knows what is missing when the server closes', () => {
    const missing = (wire: string, isClean = true): string | undefined => {
      const parser = new ResponseParser('api.example:443')
      parser.push(Buffer.from(wire))
      return parser.end(isClean)
    }
    expect(missing('')).toBe('head')
    expect(missing('HTTP/1.1 200 OK\r\n')).toBe('head')
    expect(missing('HTTP/1.1 100 Continue\r\n\r\n')).toBe('head')
    expect(missing(`${head('content-length: 3')}ab`)).toBe('body')
    expect(missing(`${chunked}3\r\nabc\r\n`)).toBe('body')
    expect(missing(`${head('a: b')}abc`)).toBeUndefined()
    expect(missing(`${head('a: b')}abc`, false)).toBe('body')
    expect(missing(head('content-length: 0'))).toBeUndefined()
  })

  test('reads one response after the other', () => {
    const parser = new ResponseParser('api.example:443')
    for (const body of ['one', 'two']) {
      expect(String(parser.push(Buffer.from(`${head('content-length: 3')}${body}`)))).toBe(body)
      expect([parser.isDone, parser.hasExcess]).toEqual([true, false])
      parser.reset()
    }
  })
})
