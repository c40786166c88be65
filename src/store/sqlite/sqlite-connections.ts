import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Database } from 'bun:sqlite'
import type { SqlValue } from '../store.ts'
import type { StatementResult, WorkerTask } from './protocol.ts'
import { SqliteFault } from './sqlite-fault.ts'

const NOTHING: StatementResult = { rows: [], changes: 0, lastId: 0 }

/** SQLite sleeps this long inside a statement when the file is locked; who asks waits on, without blocking the worker. */
const BUSY_MS = 20

/** The two connections that live in the worker: one that writes, one that reads beside an open transaction. */
export class SqliteConnections {
  #writer: Database | undefined
  #reader: Database | undefined
  #file = ''
  #inode = 0

  /** Does one task, or throws. */
  perform(task: WorkerTask): StatementResult {
    switch (task.type) {
      case 'open':
        return this.#open(task.file, task.readOnly, task.check)
      case 'query':
        return this.#query(opened(task.connection === 'read' ? this.#reader : this.#writer), task.sql, task.parameters)
      case 'append':
        return this.#append(opened(this.#writer), task.sql, task.rows)
      case 'ping':
        return this.#ping()
      case 'close':
        return this.#close()
      default:
        return task satisfies never
    }
  }

  #open(file: string, readOnly: boolean, check: boolean): StatementResult {
    this.#close()
    if (!readOnly) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    this.#file = file
    try {
      if (!readOnly) {
        this.#writer = new Database(file, { readwrite: true, create: true })
        // Who called when is nobody else's business.
        chmodSync(file, 0o600)
        this.#writer.run(`pragma busy_timeout = ${BUSY_MS}`)
        this.#writer.run('pragma journal_mode = wal')
        this.#writer.run('pragma synchronous = full')
        this.#writer.run('pragma foreign_keys = on')
        this.#writer.run('pragma journal_size_limit = 67108864')
      }
      this.#reader = new Database(file, { readonly: true })
      this.#reader.run(`pragma busy_timeout = ${BUSY_MS}`)
      this.#reader.query('select count(*) from sqlite_master').get()
      if (check) this.#check(this.#reader)
      this.#inode = statSync(file).ino
    } catch (error) {
      this.#close()
      throw error
    }
    return NOTHING
  }

  #check(database: Database): void {
    const row = database.query<{ quick_check: string }, []>('pragma quick_check(1)').get()
    if (row?.quick_check !== 'ok')
      throw new SqliteFault({ code: 'SQLITE_CORRUPT', message: row?.quick_check ?? 'The check gave no answer.' })
  }

  #query(database: Database, sql: string, parameters: readonly unknown[]): StatementResult {
    const statement = database.query<unknown, SqlValue[]>(sql)
    const values = parameters.map(sqlValue)
    if (statement.columnNames.length > 0) return { rows: statement.all(...values), changes: 0, lastId: 0 }
    const { changes, lastInsertRowid } = statement.run(...values)
    return { rows: [], changes, lastId: Number(lastInsertRowid) }
  }

  #append(database: Database, sql: string, rows: readonly (readonly SqlValue[])[]): StatementResult {
    const statement = database.query<unknown, SqlValue[]>(sql)
    let changes = 0
    database.run('begin immediate')
    try {
      for (const row of rows) changes += statement.run(...row).changes
      database.run('commit')
    } catch (error) {
      if (database.inTransaction) database.run('rollback')
      throw error
    }
    return { rows: [], changes, lastId: 0 }
  }

  /** Fails when the file at our path is no longer the one that is open: whatever is written would be lost with it. */
  #ping(): StatementResult {
    const inode = statSync(this.#file, { throwIfNoEntry: false })?.ino
    if (inode !== this.#inode) throw new SqliteFault({ code: 'HOLDFAST_MOVED', message: `${this.#file} was removed or replaced.` })
    return NOTHING
  }

  #close(): StatementResult {
    try {
      this.#reader?.close()
      this.#writer?.close()
    } finally {
      this.#reader = undefined
      this.#writer = undefined
    }
    return NOTHING
  }
}

function opened(database: Database | undefined): Database {
  if (!database) throw new SqliteFault({ code: 'SQLITE_READONLY', message: 'The database was not opened for this.' })
  return database
}

function sqlValue(value: unknown): SqlValue {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value
  throw new SqliteFault({
    code: 'HOLDFAST_PARAMETER',
    message: `A parameter is of type ${typeof value}; text, a number or null was expected.`,
  })
}
