import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Database } from 'bun:sqlite'
import { type Clock, createLogger, sleep, systemClock } from '#base'
import type { Store } from '../store.ts'
import { codeOf, storeContract } from '../store.contract.ts'
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'

let folder = ''
let lines: string[] = []

function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const logger = createLogger({ clock: systemClock, level: 'info', format: 'json', write: (line) => lines.push(line) })
  return new SqliteStore({ file: join(folder, 'holdfast.db'), clock: systemClock, logger, ...options })
}

function write(store: Store, topic = 'a', deadlineMs = 5_000): Promise<number> {
  return store.append({ table: 'revision', columns: ['topic', 'number'], rows: [[topic, 1]] }, { deadlineMs })
}

async function topics(store: Store): Promise<string[]> {
  const rows = await store.read((database) => database.selectFrom('revision').select('topic').orderBy('topic').execute())
  return rows.map((row) => row.topic)
}

/** Waits until the store is in a state, as long as the test may take. */
async function until(store: Store, status: string): Promise<void> {
  while (store.state.status !== status) await sleep(systemClock, 5)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'))
  lines = []
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

storeContract('SqliteStore', async () => {
  const place = mkdtempSync(join(tmpdir(), 'holdfast-contract-'))
  return {
    open: () => open({ file: join(place, 'holdfast.db') }),
    [Symbol.asyncDispose]: async () => rmSync(place, { recursive: true, force: true }),
  }
})

describe('a SQLite store whose file cannot be used', () => {
  test.each([
    ['a folder', 'holdfast.db', (): void => mkdirSync(join(folder, 'holdfast.db'))],
    ['below a file', 'sub/holdfast.db', (): void => writeFileSync(join(folder, 'sub'), '')],
  ] as const)('O1: its path is %s: every operation rejects soon, and it works once that is over', async (_, path, spoil) => {
    spoil()
    await using store = open({ file: join(folder, path) })
    const began = systemClock.monotonic()
    expect(await codeOf(topics(store))).toBe('store_unavailable')
    expect(await codeOf(write(store))).toBe('store_unavailable')
    expect(systemClock.monotonic() - began).toBeLessThan(2_000)
    rmSync(join(folder, path.split('/')[0] ?? ''), { recursive: true })
    await until(store, 'ready')
    expect(await write(store)).toBe(1)
    expect(lines.filter((line) => line.includes('"error"'))).toHaveLength(1)
    expect(lines.at(-1)).toContain('available again')
  })

  test('O1: another process holds it exclusively at the start', async () => {
    const holder = new Database(join(folder, 'holdfast.db'))
    holder.run('pragma locking_mode = exclusive')
    holder.run('create table x (y)')
    await using store = open()
    const error = await topics(store).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('locked by another process')
    holder.close()
    await until(store, 'ready')
    expect(await write(store)).toBe(1)
  })

  test('O1: the disk is full: writes say so, reads go on, and writes work again when there is room', async () => {
    const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).exitCode === 0
    if (!mounted) return console.warn('not run: mounting a small file system is not allowed here')
    try {
      await using store = open()
      await write(store)
      const ballast = join(folder, 'ballast')
      expect(() => {
        for (let i = 0; ; i++) appendFileSync(ballast, Buffer.alloc(4_096))
      }).toThrow()
      const rows = Array.from({ length: 2_000 }, (_, i) => [`topic ${i} ${'x'.repeat(200)}`, i])
      const error = await store.append({ table: 'revision', columns: ['topic', 'number'], rows }).catch((thrown: unknown) => thrown)
      expect(String(error)).toContain('the disk is full')
      expect(await topics(store)).toEqual(['a'])
      rmSync(ballast)
      expect(await write(store, 'b')).toBe(1)
    } finally {
      Bun.spawnSync(['umount', '-l', folder])
    }
  })

  test('a damaged file is set aside, whole and with a loud line, and a new one is begun', async () => {
    const file = join(folder, 'holdfast.db')
    const garbage = 'this is not a database, but somebody may still want it '.repeat(100)
    writeFileSync(file, garbage)
    await using store = open()
    expect(await write(store)).toBe(1)
    const kept = readdirSync(folder).filter((name) => /^holdfast\.db\.corrupt-[^-]+-\d\d-\d\dT\d+Z$/.test(name))
    expect(kept).toHaveLength(1)
    expect(readFileSync(join(folder, kept[0] ?? ''), 'utf8')).toBe(garbage)
    expect(lines.join('')).toContain('set aside')
  })

  test('a command does not set a damaged file aside', async () => {
    writeFileSync(join(folder, 'holdfast.db'), 'this is not a database '.repeat(100))
    await using store = open({ recover: false })
    expect(await codeOf(write(store))).toBe('store_unavailable')
    expect(readdirSync(folder)).toEqual(['holdfast.db'])
  })

  test('damage that shows later: the file is checked, set aside, and a new one is begun', async () => {
    const file = join(folder, 'holdfast.db')
    {
      await using store = open()
      const rows = Array.from({ length: 5_000 }, (_, i) => [`topic ${i} ${'x'.repeat(100)}`, i])
      await store.append({ table: 'revision', columns: ['topic', 'number'], rows })
    }
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4_096 * 10)
    writeFileSync(file, bytes)
    await using store = open()
    expect(await codeOf(topics(store))).toBe('store_unavailable')
    while (!lines.some((line) => line.includes('set aside'))) await sleep(systemClock, 5)
    await until(store, 'ready')
    expect(await topics(store)).toEqual([])
    expect(await write(store)).toBe(1)
  })

  test('a file that disappears under a running store is noticed, and a new one is begun', async () => {
    await using store = open()
    await write(store)
    renameSync(join(folder, 'holdfast.db'), join(folder, 'moved.db'))
    await until(store, 'unavailable')
    await until(store, 'ready')
    expect(existsSync(join(folder, 'holdfast.db'))).toBe(true)
    expect(await topics(store)).toEqual([])
  })

  test('a database made by a newer version is refused in words, and left as it is', async () => {
    {
      await using store = open()
      await write(store)
    }
    const database = new Database(join(folder, 'holdfast.db'))
    database.run("insert into migration (name, applied_at) values ('9999_future', 1)")
    database.close()
    for (const readOnly of [false, true]) {
      await using store = open({ readOnly })
      const error = await topics(store).catch((thrown: unknown) => thrown)
      expect(String(error)).toContain('made by a newer version of Holdfast (it holds migration 9999_future)')
      expect(String(error)).toContain('Start that version, or give this one another data folder.')
    }
    expect(readdirSync(folder).some((name) => name.includes('corrupt'))).toBe(false)
  })
})

describe('a SQLite store beside others', () => {
  test('a locked database: reads go on, writes wait and then say so, and go on when it is free', async () => {
    await using store = open()
    await write(store)
    const other = new Database(join(folder, 'holdfast.db'))
    other.run('begin exclusive')
    const error = await write(store, 'b', 300).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('did not answer within 300 ms')
    expect(await topics(store)).toEqual(['a'])
    const waiting = write(store, 'c')
    expect(await topics(store)).toEqual(['a'])
    other.run('commit')
    other.close()
    expect(await waiting).toBe(1)
    expect(await topics(store)).toEqual(['a', 'c'])
  })

  test('several that open a new database at once agree on its tables', async () => {
    const stores = Array.from({ length: 4 }, () => open())
    const written = await Promise.all(stores.map((store, i) => write(store, `topic ${i}`)))
    expect(written).toEqual([1, 1, 1, 1])
    for (const store of stores) await store[Symbol.asyncDispose]()
    expect(lines).toEqual([])
  })

  test('the death of the thread: what was asked rejects, and a new thread takes over', async () => {
    await using store = open({ workerUrl: new URL('./fixtures/mortal-worker.ts', import.meta.url) })
    await write(store)
    const deadly = store.read((database) =>
      database
        .selectFrom('die_now' as 'revision')
        .selectAll()
        .execute(),
    )
    const beside = topics(store)
    expect(await codeOf(deadly)).toBe('store_unavailable')
    expect(await codeOf(beside)).toBe('store_unavailable')
    await until(store, 'ready')
    expect(await topics(store)).toEqual(['a'])
    expect(lines.join('')).toContain('thread')
  })

  test('a thread that hangs is replaced, and what waited for it is told', async () => {
    const hasty: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 20, fn) }
    await using store = open({ clock: hasty, workerUrl: new URL('./fixtures/mortal-worker.ts', import.meta.url) })
    await write(store)
    const begun = Promise.withResolvers<void>()
    const hanging = store.transact((database) => {
      begun.resolve()
      return database
        .selectFrom('hang_now' as 'revision')
        .selectAll()
        .execute()
    })
    await begun.promise
    const writing = write(store, 'b', 100_000)
    expect(await codeOf(hanging)).toBe('store_unavailable')
    expect(await codeOf(writing)).toBe('store_unavailable')
    expect(lines.join('')).toContain('does not answer')
    await until(store, 'ready')
    expect(await topics(store)).toEqual(['a'])
    expect(await write(store, 'c')).toBe(1)
  })

  test('O1: a start beside a process that writes for long can read at once', async () => {
    {
      await using store = open()
      await write(store)
    }
    const other = new Database(join(folder, 'holdfast.db'))
    other.run('begin exclusive')
    await using store = open()
    const began = systemClock.monotonic()
    expect(await topics(store)).toEqual(['a'])
    expect(systemClock.monotonic() - began).toBeLessThan(1_000)
    other.close()
  })

  test('kill -9 of a process that writes: what it was told is there, whole batches only, and the database is sound', async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, 'fixtures', 'endless-writer.ts'), join(folder, 'holdfast.db')], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    let told = 0
    for await (const chunk of child.stdout) {
      for (const line of new TextDecoder().decode(chunk).trim().split('\n')) told = Math.max(told, Number(line))
      if (told >= 50) break
    }
    child.kill('SIGKILL')
    await child.exited
    await using store = open({ readOnly: true })
    const found = (await topics(store)).length
    expect(found % 10).toBe(0)
    expect(found).toBeGreaterThanOrEqual(told * 10)
    const check = new Database(join(folder, 'holdfast.db'), { readonly: true })
    expect(check.query<{ integrity_check: string }, []>('pragma integrity_check').get()?.integrity_check).toBe('ok')
    check.close()
  })

  test('a store opened to read only reads, and refuses to write', async () => {
    {
      await using store = open()
      await write(store)
    }
    await using reader = open({ readOnly: true })
    expect(await topics(reader)).toEqual(['a'])
    expect(await codeOf(write(reader))).toBe('store_unavailable')
  })
})
