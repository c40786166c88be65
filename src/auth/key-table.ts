import { AppError, type Clock } from '#base'
import type { Database, OperationOptions, Store } from '#store'
import { type ApiKey, isScope, missingFrom } from './api-key.ts'
import { formatCallLimit, parseCallLimit } from './call-limit.ts'
import type { KeyFile } from './key-file.ts'

const TOPIC = 'keys'
const REMEMBER_TURNS = 10

/** The keys in the database, and the number of changes that led to them. */
export interface StoredKeys {
  readonly revision: number
  readonly keys: ReadonlyMap<string, ApiKey>
}

/** Every key, the oldest first. */
export function loadKeys(store: Store, options?: OperationOptions): Promise<StoredKeys> {
  return store.read(async (database) => {
    // The number comes first: a change in between is then seen again, and not missed.
    const revision = await revisionOf(database)
    return { revision, keys: await allKeys(database) }
  }, options)
}

/** The number of changes to the keys, whoever made them. */
export function readRevision(store: Store, options?: OperationOptions): Promise<number> {
  return store.read(revisionOf, options)
}

/** Adds keys; those that are there already only take over a revocation. */
export function saveKeys(store: Store, keys: readonly ApiKey[], now: number, options?: OperationOptions): Promise<void> {
  return store.transact((database) => save(database, keys, now), options)
}

/** Gives back to the database what only the file knows, because the database was lost since. */
export async function restoreKeys(store: Store, file: KeyFile, clock: Clock): Promise<void> {
  const kept = await file.read().catch(() => undefined)
  if (kept === undefined || kept.size === 0) return
  const missing = missingFrom((await loadKeys(store)).keys, kept.values())
  if (missing.length > 0) await saveKeys(store, missing, clock.now())
}

/** Writes what the file lacks, until it lacks nothing: another process may have written an older list in between. */
export async function rememberKeys(store: Store, file: KeyFile): Promise<void> {
  for (let turn = 0; turn < REMEMBER_TURNS; turn++) {
    const { keys } = await loadKeys(store)
    const kept = await file.read().catch(() => undefined)
    if (kept !== undefined && missingFrom(kept, keys.values()).length === 0) return
    await file.write(keys.values())
  }
}

/** Adds one key whose name no working key has yet; throws `key_exists`. Resolves to whether it is the first ever. */
export function addKey(store: Store, key: ApiKey, options?: OperationOptions): Promise<{ readonly first: boolean }> {
  return store.transact(async (database) => {
    const keys = await allKeys(database)
    for (const other of keys.values()) {
      if (other.name !== key.name || other.revokedAt !== null) continue
      throw new AppError(`There is a key named "${key.name}" already (${other.id}).`, {
        code: 'key_exists',
        remedy: 'Choose another name, or revoke that one first.',
      })
    }
    await save(database, [key], key.createdAt)
    return { first: keys.size === 0 }
  }, options)
}

/** Revokes the key with this id or name, from now on; throws `key_not_found`. */
export function revokeKey(store: Store, idOrName: string, now: number, options?: OperationOptions): Promise<ApiKey> {
  return store.transact(async (database) => {
    const keys = await allKeys(database)
    const named = [...keys.values()].filter((key) => key.name === idOrName)
    const key = keys.get(idOrName) ?? named.find((other) => other.revokedAt === null) ?? named[0]
    if (!key) {
      throw new AppError(`There is no key with the id or name "${idOrName.slice(0, 80)}".`, {
        code: 'key_not_found',
        remedy: 'See `holdfast key list`.',
      })
    }
    const revoked = { ...key, revokedAt: key.revokedAt ?? now }
    await save(database, [revoked], now)
    return revoked
  }, options)
}

/** Notes when keys were last used. Not a change: nobody has to load anything for it. */
export async function saveUses(store: Store, uses: ReadonlyMap<string, number>, options?: OperationOptions): Promise<void> {
  await store.transact(async (database) => {
    for (const [id, at] of uses) await database.updateTable('api_key').set({ last_used_at: at }).where('id', '=', id).execute()
  }, options)
}

async function revisionOf(database: Database): Promise<number> {
  const row = await database.selectFrom('revision').select('number').where('topic', '=', TOPIC).executeTakeFirst()
  return row?.number ?? 0
}

async function allKeys(database: Database): Promise<ReadonlyMap<string, ApiKey>> {
  const rows = await database.selectFrom('api_key').selectAll().orderBy('created_at').orderBy('id').execute()
  const keys = rows.map((row): ApiKey => {
    return {
      id: row.id,
      name: row.name,
      prefix: row.prefix,
      hash: row.hash,
      scopes: row.scopes.split(' ').filter(isScope),
      limit: row.call_limit === null ? null : parseCallLimit(row.call_limit),
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      revokedAt: row.revoked_at,
    }
  })
  return new Map(keys.map((key) => [key.id, key]))
}

async function save(database: Database, keys: readonly ApiKey[], now: number): Promise<void> {
  for (const key of keys) {
    const { id } = key
    await database
      .insertInto('api_key')
      .values({
        id,
        name: key.name,
        prefix: key.prefix,
        hash: key.hash,
        scopes: key.scopes.join(' '),
        call_limit: key.limit === null ? null : formatCallLimit(key.limit),
        created_at: key.createdAt,
        last_used_at: key.lastUsedAt,
        revoked_at: key.revokedAt,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    if (key.revokedAt !== null) {
      await database
        .updateTable('api_key')
        .set({ revoked_at: key.revokedAt })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .execute()
    }
  }
  // It begins at the time of day, so that a database that was lost and made anew never repeats a number.
  await database
    .insertInto('revision')
    .values({ topic: TOPIC, number: now })
    .onConflict((conflict) => conflict.column('topic').doUpdateSet((columns) => ({ number: columns('revision.number', '+', 1) })))
    .execute()
}
