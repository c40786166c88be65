import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { AppError } from '#base'
import type { Tables } from './schema.ts'
import type { Database } from './store.ts'
import type { StatementResult } from './sqlite/protocol.ts'

/** Runs one statement. */
export type Execute = (sql: string, parameters: readonly unknown[]) => Promise<StatementResult>

/** A query builder whose statements all go through `execute`. Transactions are begun and ended by the store alone. */
export function kyselyOver(execute: Execute): Database {
  const connection: DatabaseConnection = {
    async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
      const result = await execute(query.sql, query.parameters)
      return { rows: result.rows as Row[], numAffectedRows: BigInt(result.changes), insertId: BigInt(result.lastId) }
    },
    streamQuery: () => refuse('Rows are not streamed'),
  }
  const driver: Driver = {
    init: done,
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: async () => refuse('A transaction cannot be begun inside an operation'),
    commitTransaction: done,
    rollbackTransaction: done,
    releaseConnection: done,
    destroy: done,
  }
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (database) => new SqliteIntrospector(database),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

function done(): Promise<void> {
  return Promise.resolve()
}

function refuse(what: string): never {
  throw new AppError(`${what}.`, { code: 'store_query_failed', remedy: 'Use the store’s own read, transact and append.' })
}
