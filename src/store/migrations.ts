import { AppError, type Clock } from '#base'
import { type SchemaModule, sql } from 'kysely'
import type { Database } from './store.ts'

interface Migration {
  /** Sorts by age; never changed once released. */
  readonly name: string
  up(schema: SchemaModule): Promise<void>
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '0001_keys_and_calls',
    async up(schema): Promise<void> {
      await schema
        .createTable('revision')
        .addColumn('topic', 'text', (column) => column.primaryKey())
        .addColumn('number', 'bigint', (column) => column.notNull())
        .execute()
      await schema
        .createTable('api_key')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('prefix', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('call_limit', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint')
        .addColumn('revoked_at', 'bigint')
        .execute()
      await schema
        .createTable('call')
        .addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('stream', 'integer', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('status', 'integer', (column) => column.notNull())
        .addColumn('upstream', 'text')
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('duration_ms', 'double precision', (column) => column.notNull())
        .addColumn('first_token_ms', 'double precision')
        .addColumn('prompt_tokens', 'integer')
        .addColumn('completion_tokens', 'integer')
        .addColumn('attempts', 'text', (column) => column.notNull())
        .execute()
      await schema.createIndex('call_at').on('call').column('at').execute()
    },
  },
]

/** Runs one transaction; `migrate` needs nothing else from a store. */
export type Transact = (fn: (database: Database) => Promise<boolean>) => Promise<boolean>

/** Applies what is missing, each migration in its own transaction. Safe when several processes do so at once. */
export async function migrate(clock: Clock, transact: Transact): Promise<void> {
  while (await transact((database) => applyNext(clock, database)));
}

async function applyNext(clock: Clock, database: Database): Promise<boolean> {
  await database.schema
    .createTable('migration')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const rows = await database.selectFrom('migration').select('name').execute()
  const applied = rows.map((row) => row.name)
  refuseNewer(applied)
  const next = MIGRATIONS.find((migration) => !applied.includes(migration.name))
  if (!next) return false
  await next.up(database.schema)
  await database.insertInto('migration').values({ name: next.name, applied_at: clock.now() }).execute()
  return true
}

/** Whether something is missing. Asked first, because only reading needs no lock. Throws `store_newer`. */
export async function isBehind(database: Database): Promise<boolean> {
  const tables = await sql<{ name: string }>`select name from sqlite_master where name = 'migration'`.execute(database)
  if (tables.rows.length === 0) return true
  const rows = await database.selectFrom('migration').select('name').execute()
  const applied = rows.map((row) => row.name)
  refuseNewer(applied)
  return !MIGRATIONS.every((migration) => applied.includes(migration.name))
}

function refuseNewer(applied: readonly string[]): void {
  const unknown = applied.find((name) => !MIGRATIONS.some((migration) => migration.name === name))
  if (unknown === undefined) return
  throw new AppError(`The database was made by a newer version of Holdfast (it holds migration ${unknown}).`, {
    code: 'store_newer',
    remedy: 'Start that version, or give this one another data folder.',
  })
}
