import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** Queries over our tables. Inside `transact` all of them belong to one transaction. */
export type Database = Kysely<Tables>

export type SqlValue = string | number | null

/** How long an operation may take, and what ends it earlier. */
export interface OperationOptions {
  readonly signal?: AbortSignal
  /** Milliseconds; 5,000 when left out. */
  readonly deadlineMs?: number
}

/** Rows for one table, as a hot path appends them. */
export interface Append<Table extends keyof Tables = keyof Tables> {
  readonly table: Table
  readonly columns: readonly (keyof Tables[Table] & string)[]
  readonly rows: readonly (readonly SqlValue[])[]
}

export type StoreState =
  | { readonly status: 'opening' }
  | { readonly status: 'ready' }
  | { readonly status: 'unavailable'; readonly reason: string }
  | { readonly status: 'closed' }

/**
 * A database that may be gone at any time. Every operation either completes, rejects with the reason of its signal, or
 * rejects with one of three codes: `store_unavailable` (the database cannot do it now, or did not within the deadline; a
 * write may then still have happened), `store_conflict` (a constraint refused it), `store_query_failed` (the query is wrong).
 */
export interface Store extends AsyncDisposable {
  readonly state: StoreState
  /** Runs queries that only read. Each sees what was committed when it began; they are not one snapshot. */
  read<T>(fn: (database: Database) => Promise<T>, options?: OperationOptions): Promise<T>
  /** Runs `fn` in one transaction: committed when it resolves, rolled back when it rejects or its time is over. */
  transact<T>(fn: (database: Database) => Promise<T>, options?: OperationOptions): Promise<T>
  /** Adds rows in one transaction, by prepared statements. Rows whose unique columns exist already are left out. Resolves to how many were added. */
  append<Table extends keyof Tables>(append: Append<Table>, options?: OperationOptions): Promise<number>
}
