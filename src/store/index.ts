/**
 * Owns: the database: its file, its thread, its tables and their migrations.
 * Calls: base.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { databaseFile, openStore } from './open-store.ts'
export type { Append, Database, OperationOptions, SqlValue, Store, StoreState } from './store.ts'
export { isUnavailable } from './store-error.ts'
