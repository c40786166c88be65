import { join } from 'node:path'
import { SqliteStore, type SqliteStoreOptions } from './sqlite/sqlite-store.ts'
import type { Store } from './store.ts'

/**
 * Opens the database in the background and returns at once. While it cannot be opened (locked, damaged, no room, no
 * rights) every operation rejects with `store_unavailable`, and it is tried again until it can or the store is disposed.
 */
export function openStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options)
}

/** Where the database of a data folder is. */
export function databaseFile(dataFolder: string): string {
  return join(dataFolder, 'holdfast.db')
}
