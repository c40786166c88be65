import { expect, test } from 'bun:test'
import { UpstreamError } from '#contract'
import { NEVER_ABORTED } from './contract-harness.ts'
import { ResponseBody } from './response-body.ts'

class Source {
  readonly calls: string[] = []
  pause(): void {
    this.calls.push('pause')
  }
  resume(): void {
    this.calls.push('resume')
  }
  destroy(): void {
    this.calls.push('destroy')
  }
}

const broken = new UpstreamError({ kind: 'truncated', message: 'broken' })

test('pauses above 64 KiB unread, once, and resumes below half of that', async () => {
  const source = new Source()
  const body = new ResponseBody(source, NEVER_ABORTED)
  for (let i = 0; i < 5; i++) body.push(Buffer.alloc(16_384))
  body.push(Buffer.alloc(1))
  expect(source.calls).toEqual(['pause'])
  for (let i = 0; i < 3; i++) await body.next()
  expect(source.calls).toEqual(['pause'])
  await body.next()
  expect(source.calls).toEqual(['pause', 'resume'])
})

test('a failure comes after what was received, once, and then the end', async () => {
  const body = new ResponseBody(new Source(), NEVER_ABORTED)
  body.push(Buffer.from('a'))
  body.finish(broken)
  expect((await body.next()).value).toEqual(Buffer.from('a'))
  expect(await body.next().catch((error: unknown) => error)).toBe(broken)
  expect((await body.next()).done).toBe(true)
})

test('reads that are asked for at once are answered in order', async () => {
  const body = new ResponseBody(new Source(), NEVER_ABORTED)
  const reads = [body.next(), body.next(), body.next(), body.next()]
  for (const piece of ['a', 'b']) {
    body.push(Buffer.from(piece))
    await Promise.resolve()
  }
  body.push(Buffer.from('c'))
  body.finish()
  const results = await Promise.all(reads)
  expect(results.map((result) => (result.value ? String(Buffer.from(result.value)) : 'end'))).toEqual(['a', 'b', 'c', 'end'])
})

test('an aborted signal ends the reading, what is queued included', async () => {
  const controller = new AbortController()
  const body = new ResponseBody(new Source(), controller.signal)
  body.push(Buffer.from('a'))
  controller.abort(broken)
  expect(await body.next().catch((error: unknown) => error)).toBe(broken)
})

test('returning destroys the source once, and not when it is over', async () => {
  const source = new Source()
  const body = new ResponseBody(source, NEVER_ABORTED)
  await body.return()
  await body.return()
  expect(source.calls).toEqual(['destroy'])
  const finished = new Source()
  const whole = new ResponseBody(finished, NEVER_ABORTED)
  whole.finish()
  await whole.return()
  expect(finished.calls).toEqual([])
})
