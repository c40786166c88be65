import { describe, expect, test } from 'bun:test'
import { answerBody, answerEvents, answerText } from './answer.ts'
import { ResponseReader } from './response-reader.ts'

const TOKENS = 5
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

const chunked = (events: readonly string[]): string => events.map((event) => `${event.length.toString(16)}\r\n${event}\r\n`).join('')

/** Reads a response in pieces of `size` bytes; undefined when it is not over with the last of them. */
function read(response: string, size: number, stream = true): boolean | undefined {
  const reader = new ResponseReader(stream, true)
  const bytes = Buffer.from(response)
  let isOver = false
  for (let at = 0; at < bytes.length; at += size) isOver = reader.push(bytes.subarray(at, at + size))
  return isOver ? reader.isWhole(TOKENS) : undefined
}

describe('a response is whole only when', () => {
  const events = answerEvents(answerText(TOKENS))

  test('every word of the stream has come, however it is split', () => {
    const response = `${STREAM_HEAD}${chunked(events)}0\r\n\r\n`
    for (const size of [1, 2, 3, 7, 64, 10_000]) expect(read(response, size)).toBe(true)
  })

  test('no word is missing or there twice, and the end is there', () => {
    const broken = [events.toSpliced(3, 1), events.toSpliced(3, 0, events[3] ?? ''), events.slice(0, -1), events.toSpliced(-2, 1)]
    for (const one of broken) expect(read(`${STREAM_HEAD}${chunked(one)}0\r\n\r\n`, 64)).toBe(false)
  })

  test('the stream has ended', () => {
    expect(read(`${STREAM_HEAD}${chunked(events)}`, 64)).toBeUndefined()
  })

  test('the body has its length and its status', () => {
    const body = answerBody(TOKENS)
    const head = (status: number): string => `HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n`
    for (const size of [1, 5, 10_000]) expect(read(head(200) + body, size, false)).toBe(true)
    expect(read(head(503) + body, 10_000, false)).toBe(false)
    expect(read(head(200) + body.slice(1), 10_000, false)).toBeUndefined()
  })
})
