import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, renameSync, rmSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Database } from 'bun:sqlite'
import { createLogger, sleep, systemClock } from '#base'
import type { AttemptRecord, CallRecord } from '#contract'
import { databaseFile, openStore, type Store } from '#store'
import { AccessLog, type AccessLogOptions } from './access-log.ts'
import { pruneCalls } from './prune-calls.ts'
import { type CallFilter, queryCalls } from './query-calls.ts'

let folder = ''
let lines: string[] = []
let count = 0

const logger = createLogger({ clock: systemClock, level: 'info', format: 'json', write: (line) => lines.push(line) })

function open(): Store {
  return openStore({ file: databaseFile(folder), clock: systemClock, logger })
}

function log(store: Store, options: Partial<AccessLogOptions> = {}): AccessLog {
  return new AccessLog({ store, clock: systemClock, logger, ...options })
}

const ATTEMPT: AttemptRecord = {
  upstream: 'openai/gpt-5-mini',
  outcome: 'server_error',
  status: 503,
  startedMs: 1,
  durationMs: 33.5,
  firstTokenMs: null,
  dnsMs: 0.4,
  connectMs: 1.25,
  tlsMs: null,
  headersMs: 30,
  rescue: null,
  detail: 'The upstream is overloaded.',
}

function call(change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: `call_${++count}`,
    at: systemClock.now(),
    actor: 'owner',
    model: 'assistant',
    stream: true,
    outcome: 'ok',
    status: 200,
    upstream: 'near/llama3.2',
    reason: 'openai: 503, 1 attempt; answered by near',
    durationMs: 812.5,
    firstTokenMs: 203,
    promptTokens: 12,
    completionTokens: null,
    attempts: [ATTEMPT, { ...ATTEMPT, upstream: 'near/llama3.2', outcome: 'ok', status: 200, rescue: 'prefill', detail: null }],
    ...change,
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(systemClock, 5)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-accesslog-'))
  lines = []
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('what is recorded can be read', () => {
  test('a call comes back as it was, with its attempts', async () => {
    await using store = open()
    await using accessLog = log(store)
    const one = call()
    const two = call({ outcome: 'overloaded_here', upstream: null, firstTokenMs: null, promptTokens: null, stream: false, attempts: [] })
    accessLog.record(one)
    accessLog.record(two)
    await until(() => accessLog.written === 2)
    expect(await accessLog.query({})).toEqual([
      { ...one, seq: 1 },
      { ...two, seq: 2 },
    ])
    expect(accessLog.pending).toBe(0)
  })

  test('calls are chosen by outcome, model, age, place and number', async () => {
    await using store = open()
    const now = systemClock.now()
    {
      await using accessLog = log(store)
      accessLog.record(call({ id: 'old', at: now - 7_200_000 }))
      accessLog.record(call({ id: 'failed', outcome: 'timeout_stall', status: 504 }))
      accessLog.record(call({ id: 'other', model: 'other' }))
      accessLog.record(call({ id: 'last' }))
    }
    const ids = async (filter: CallFilter): Promise<string[]> => (await queryCalls(store, filter)).map((row) => row.id)
    expect(await ids({})).toEqual(['old', 'failed', 'other', 'last'])
    expect(await ids({ failed: true })).toEqual(['failed'])
    expect(await ids({ model: 'other' })).toEqual(['other'])
    expect(await ids({ since: now - 3_600_000 })).toEqual(['failed', 'other', 'last'])
    expect(await ids({ limit: 2 })).toEqual(['other', 'last'])
    expect(await ids({ afterSeq: 1, limit: 2 })).toEqual(['failed', 'other'])
    expect(await ids({ afterSeq: 4 })).toEqual([])
  })

  test('X6: nothing but the fields of a record is kept, and what a caller chose is cut', async () => {
    const canary = 'canary-4711'
    const careless = { ...call({ id: 'careless' }), request: { messages: [canary] }, answer: canary }
    const attempts = Array.from({ length: 200 }, () => ({
      ...ATTEMPT,
      detail: 'd'.repeat(10_000),
      upstream: 'u'.repeat(10_000),
      body: canary,
    }))
    {
      await using store = open()
      await using accessLog = log(store)
      accessLog.record(careless)
      accessLog.record(call({ id: 'long', model: 'm'.repeat(30_000_000), reason: 'r'.repeat(1_000_000), attempts }))
    }
    for (const suffix of ['', '-wal']) {
      const file = databaseFile(folder) + suffix
      if (await Bun.file(file).exists()) expect(readFileSync(file, 'latin1').includes(canary)).toBe(false)
    }
    await using store = open()
    await using accessLog = log(store)
    const [, long] = await accessLog.query({})
    expect(long?.model).toHaveLength(200)
    expect(long?.reason).toHaveLength(500)
    expect(long?.attempts).toHaveLength(50)
    expect(JSON.stringify(long).length).toBeLessThan(60_000)
  })
})

describe('law 3: calls never wait for the log', () => {
  test('without a database nothing throws, memory is bounded, what is lost is counted, and it recovers by itself', async () => {
    mkdirSync(databaseFile(folder))
    await using store = open()
    await using accessLog = log(store, { capacity: 1_000 })
    for (let i = 0; i < 5_000; i++) accessLog.record(call())
    await until(() => store.state.status === 'unavailable')
    expect(accessLog.pending).toBe(1_000)
    expect(accessLog.dropped).toBe(4_000)
    expect(accessLog.written).toBe(0)
    rmSync(databaseFile(folder), { recursive: true })
    await until(() => accessLog.written === 1_000)
    accessLog.record(call())
    await until(() => accessLog.written === 1_001)
    expect(accessLog.dropped).toBe(4_000)
    expect(lines.filter((line) => line.includes('cannot be recorded'))).toHaveLength(1)
    expect(lines.join('')).toContain('recorded again')
  })

  test('a lock of another process delays the records and loses none; none is there twice', async () => {
    await using store = open()
    await using accessLog = log(store)
    accessLog.record(call())
    await until(() => accessLog.written === 1)
    const other = new Database(databaseFile(folder))
    other.run('begin exclusive')
    for (let i = 0; i < 600; i++) accessLog.record(call())
    await sleep(systemClock, 400)
    expect(accessLog.written).toBe(1)
    other.run('commit')
    other.close()
    await until(() => accessLog.written === 601)
    expect(await accessLog.query({ limit: 1_000 })).toHaveLength(601)
    expect(accessLog.dropped).toBe(0)
  })

  test('the database disappears under load and comes back: records flow into the new one', async () => {
    await using store = open()
    await using accessLog = log(store)
    accessLog.record(call())
    await until(() => accessLog.written === 1)
    renameSync(databaseFile(folder), join(folder, 'moved.db'))
    await until(() => store.state.status === 'unavailable')
    accessLog.record(call({ id: 'after' }))
    await until(() => accessLog.written >= 2)
    expect((await accessLog.query({})).map((row) => row.id)).toContain('after')
  })

  test('disposing writes what is pending, and gives up after two seconds', async () => {
    await using store = open()
    {
      await using accessLog = log(store)
      for (let i = 0; i < 1_234; i++) accessLog.record(call())
    }
    await using reader = log(store)
    expect(await reader.query({ limit: 5_000 })).toHaveLength(1_234)
    const stuck = log(store)
    const other = new Database(databaseFile(folder))
    other.run('begin exclusive')
    for (let i = 0; i < 700; i++) stuck.record(call())
    const began = systemClock.monotonic()
    await stuck[Symbol.asyncDispose]()
    expect(systemClock.monotonic() - began).toBeLessThan(2_500)
    expect(stuck.dropped).toBe(700)
    stuck.record(call())
    expect(stuck.dropped).toBe(701)
    other.close()
  })

  test.each(['free', 'locked'])(
    '100,000 records a second, database %s: the event loop is not held up, every record is written or counted',
    async (state) => {
      await using store = open()
      const accessLog = log(store)
      accessLog.record(call())
      await until(() => accessLog.written === 1)
      using other = new Database(databaseFile(folder))
      if (state === 'locked') other.run('begin exclusive')
      const turns: number[] = []
      let offered = 1
      const began = systemClock.monotonic()
      let last = began
      const record = call()
      while (last - began < 1_000) {
        await sleep(systemClock, 1)
        // As many as are due by now, so that a slow turn makes up for it.
        while (offered < (last - began) * 100) accessLog.record({ ...record, id: `call_${++count}_${offered++}` })
        turns.push(systemClock.monotonic() - last)
        last = systemClock.monotonic()
      }
      await accessLog[Symbol.asyncDispose]()
      const { written, dropped } = accessLog
      turns.sort((a, b) => a - b)
      const p99 = turns[Math.floor(turns.length * 0.99)] ?? 0
      console.info(
        `offered ${offered}, written ${written}, dropped ${dropped}; turns of the event loop: p99 ${p99.toFixed(1)} ms, longest ${turns.at(-1)?.toFixed(1)} ms`,
      )
      expect(written + dropped).toBe(offered)
      expect(offered).toBeGreaterThan(80_000)
      if (state === 'free') expect(written).toBeGreaterThan(20_000)
      else expect(written).toBe(1)
      // The longest turn also tells of other programs on this machine.
      expect(p99).toBeLessThan(50)
    },
    20_000,
  )
})

describe('retention', () => {
  test('calls that are too old or too many are deleted, the others stay', async () => {
    await using store = open()
    const now = systemClock.now()
    {
      await using accessLog = log(store)
      for (let i = 0; i < 2_500; i++) accessLog.record(call({ id: `old ${i}`, at: now - 100_000 }))
      for (let i = 0; i < 300; i++) accessLog.record(call({ id: `new ${i}` }))
    }
    const { signal } = new AbortController()
    expect(await pruneCalls(store, systemClock, { ageMs: 50_000, calls: 1_000_000 }, signal)).toBe(2_500)
    expect(await pruneCalls(store, systemClock, { ageMs: 50_000, calls: 100 }, signal)).toBe(200)
    await using accessLog = log(store)
    const kept = await accessLog.query({ limit: 1_000 })
    expect(kept.map((row) => row.id)).toEqual(Array.from({ length: 100 }, (_, i) => `new ${i + 200}`))
  })
})
