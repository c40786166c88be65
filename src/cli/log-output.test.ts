import { expect, test } from 'bun:test'
import { Writable } from 'node:stream'
import { logOutput } from './log-output.ts'

const LINE = `${'x'.repeat(1_023)}\n`

/** A stream whose reader takes nothing until it is told to. */
class Stalled extends Writable {
  #go: (() => void) | undefined
  taken = ''

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#go = () => {
      this.taken += chunk.toString()
      done()
    }
    if (this.reading) this.#go()
  }

  reading = false

  read(): void {
    this.reading = true
    this.#go?.()
  }
}

test('O1 a reader that stalls holds at most 1 MiB; what is dropped is counted and told when it reads on', async () => {
  const stream = new Stalled()
  const write = logOutput(stream)
  for (let n = 0; n < 5_000; n++) write(LINE)
  expect(stream.writableLength).toBeLessThan(1_200_000)
  const drained = new Promise((resolve) => stream.once('drain', resolve))
  stream.read()
  await drained
  write('last\n')
  write('and on\n')
  const lines = stream.taken.split('\n')
  const told = lines.findIndex((line) => line.includes('lines were dropped'))
  expect(JSON.parse(lines[told] ?? '')).toMatchObject({ level: 'warn', dropped: 5_000 - told })
  expect(lines.slice(told + 1)).toEqual(['last', 'and on', ''])
})

test('O1 a reader that is gone is no fault', async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })) })
  const write = logOutput(stream)
  const failed = new Promise((resolve) => stream.once('error', resolve))
  write(LINE)
  await failed
  for (let n = 0; n < 5_000; n++) write(LINE)
  expect(stream.writableLength).toBeLessThan(1_200_000)
})
