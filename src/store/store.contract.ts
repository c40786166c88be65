import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { AppError } from '#base'
import type { Database, Store } from './store.ts'

export interface StoreFixture extends AsyncDisposable {
  /** Opens the same, at first empty, database once more. */
  open(): Store
}

/** What every store keeps, whatever engine is below it. */
export function storeContract(name: string, create: () => Promise<StoreFixture>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let fixture: StoreFixture
    let store: Store

    beforeEach(async () => {
      fixture = await create()
      store = fixture.open()
    })

    afterEach(async () => {
      await store[Symbol.asyncDispose]()
      await fixture[Symbol.asyncDispose]()
    })

    test('what a transaction wrote is read afterwards, with the types it was written in', async () => {
      await store.transact((database) => add(database, 'a', 1_795_376_550_291))
      expect(await topics(store)).toEqual([{ topic: 'a', number: 1_795_376_550_291 }])
      expect(store.state.status).toBe('ready')
    })

    test('a transaction whose function rejects leaves nothing, and the next one works', async () => {
      const refused = new AppError('No.', { code: 'test_no' })
      const failing = store.transact(async (database) => {
        await add(database, 'a', 1)
        throw refused
      })
      expect(await caught(failing)).toBe(refused)
      await store.transact((database) => add(database, 'b', 2))
      expect(await topics(store)).toEqual([{ topic: 'b', number: 2 }])
    })

    test('transactions take turns: no update is lost', async () => {
      await store.transact((database) => add(database, 'a', 0))
      await Promise.all(Array.from({ length: 20 }, () => store.transact(increment)))
      expect(await topics(store)).toEqual([{ topic: 'a', number: 20 }])
    })

    test('two stores on the same database see each other and lose nothing', async () => {
      await using other = fixture.open()
      await store.transact((database) => add(database, 'a', 0))
      await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).transact(increment)))
      expect(await topics(other)).toEqual([{ topic: 'a', number: 20 }])
    })

    test('a read beside an open transaction waits for nothing and sees nothing of it', async () => {
      const written = Promise.withResolvers<void>()
      const finish = Promise.withResolvers<void>()
      const writing = store.transact(async (database) => {
        await add(database, 'a', 1)
        written.resolve()
        await finish.promise
      })
      await written.promise
      expect(await topics(store)).toEqual([])
      finish.resolve()
      await writing
      expect(await topics(store)).toHaveLength(1)
    })

    test('an append adds its rows at once, leaves out those that are there, and says how many it added', async () => {
      const rows = Array.from({ length: 1_000 }, (_, i) => [`topic ${i}`, i])
      expect(await store.append({ table: 'revision', columns: ['topic', 'number'], rows })).toBe(1_000)
      expect(await store.append({ table: 'revision', columns: ['topic', 'number'], rows: [...rows.slice(0, 2), ['new', 1]] })).toBe(1)
      expect(await topics(store)).toHaveLength(1_001)
    })

    test('an append with a bad row adds nothing', async () => {
      const appending = store.append({
        table: 'revision',
        columns: ['topic', 'number'],
        rows: [
          ['a', 1],
          ['b', null],
        ],
      })
      expect(await codeOf(appending)).toBe('store_conflict')
      expect(await topics(store)).toEqual([])
    })

    test('a constraint and a wrong query have codes of their own', async () => {
      await store.transact((database) => add(database, 'a', 1))
      expect(await codeOf(store.transact((database) => add(database, 'a', 1)))).toBe('store_conflict')
      expect(
        await codeOf(
          store.read((database) =>
            database
              .selectFrom('nothing' as 'revision')
              .selectAll()
              .execute(),
          ),
        ),
      ).toBe('store_query_failed')
    })

    test('an operation ends at its deadline; its transaction is undone and blocks nobody', async () => {
      const stuck = store.transact(
        async (database) => {
          await add(database, 'a', 1)
          await new Promise<never>(() => undefined)
        },
        { deadlineMs: 100 },
      )
      expect(await codeOf(stuck)).toBe('store_unavailable')
      await store.transact((database) => add(database, 'b', 2))
      expect(await topics(store)).toEqual([{ topic: 'b', number: 2 }])
    })

    test('an operation ends with the reason of its signal, also while it waits for its turn', async () => {
      const began = Promise.withResolvers<void>()
      const finish = Promise.withResolvers<void>()
      const first = store.transact(async () => {
        began.resolve()
        await finish.promise
      })
      await began.promise
      const controller = new AbortController()
      const reason = new AppError('Enough.', { code: 'test_enough' })
      const second = store.transact((database) => add(database, 'b', 2), { signal: controller.signal })
      controller.abort(reason)
      expect(await caught(second)).toBe(reason)
      finish.resolve()
      await first
      expect(await topics(store)).toEqual([])
    })

    test('a query builder is of no use once its transaction is over', async () => {
      const kept = await store.transact(async (database) => ({ database }))
      expect(await codeOf(add(kept.database, 'late', 1))).toBe('store_query_failed')
      expect(await topics(store)).toEqual([])
    })

    test('a closed store refuses at once, and may be closed twice', async () => {
      await store.transact((database) => add(database, 'a', 1))
      await store[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      expect(await codeOf(topics(store))).toBe('store_unavailable')
      expect(store.state.status).toBe('closed')
      await using again = fixture.open()
      expect(await topics(again)).toHaveLength(1)
    })
  })
}

/** The `code` of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await caught(promise)
  return error instanceof AppError ? error.code : String(error)
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'did not reject',
    (error: unknown) => error,
  )
}

async function add(database: Database, topic: string, number: number): Promise<void> {
  await database.insertInto('revision').values({ topic, number }).execute()
}

async function increment(database: Database): Promise<void> {
  const row = await database.selectFrom('revision').select('number').where('topic', '=', 'a').executeTakeFirstOrThrow()
  await database
    .updateTable('revision')
    .set({ number: row.number + 1 })
    .where('topic', '=', 'a')
    .execute()
}

function topics(store: Store): Promise<{ topic: string; number: number }[]> {
  return store.read((database) => database.selectFrom('revision').selectAll().orderBy('topic').execute())
}
