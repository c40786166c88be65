import { AppError } from '#base'
import { unavailable } from '../store-error.ts'
import { SqliteFault } from './sqlite-fault.ts'

const REASONS: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'it is locked by another process.',
  SQLITE_LOCKED: 'it is locked by another operation.',
  SQLITE_FULL: 'the disk is full.',
  SQLITE_READONLY: 'it cannot be written: the file, its folder or the disk is read-only.',
  SQLITE_CANTOPEN: 'its file cannot be opened: the path is a folder, or may not be read or written.',
  SQLITE_PERM: 'access to its file is denied.',
  SQLITE_AUTH: 'access to its file is denied.',
  SQLITE_IOERR: 'the disk reports an error.',
  SQLITE_NOMEM: 'there is not enough memory.',
  SQLITE_CORRUPT: 'its file is damaged.',
  SQLITE_NOTADB: 'its file is not a database.',
  SQLITE_PROTOCOL: 'its file is locked in an unusual way.',
}

/** The code without SQLite's extension: `SQLITE_IOERR` of `SQLITE_IOERR_WRITE`. */
function family(code: string): string {
  return code.startsWith('SQLITE_') ? code.split('_').slice(0, 2).join('_') : code
}

/** Whether another try may find the lock gone. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof SqliteFault && (family(thrown.code) === 'SQLITE_BUSY' || family(thrown.code) === 'SQLITE_LOCKED')
}

/** Whether the file's content cannot be trusted. */
export function isDamaged(thrown: unknown): boolean {
  return thrown instanceof SqliteFault && (family(thrown.code) === 'SQLITE_CORRUPT' || family(thrown.code) === 'SQLITE_NOTADB')
}

/** What callers of the store get for something that was thrown inside it. */
export function storeError(thrown: unknown): unknown {
  if (!(thrown instanceof SqliteFault)) return thrown
  const code = family(thrown.code)
  if (code === 'SQLITE_CONSTRAINT') {
    return new AppError(`The database refused a row: ${thrown.message}.`, { code: 'store_conflict', cause: thrown })
  }
  const reason = REASONS[code]
  if (reason !== undefined) return unavailable(`${reason} (${thrown.code}: ${thrown.message})`, thrown)
  if (code === 'HOLDFAST_WORKER_LOST' || code === 'HOLDFAST_MOVED') return unavailable(thrown.message, thrown)
  if (code === 'HOLDFAST_UNKNOWN' || code.startsWith('E')) return unavailable(`${thrown.message}.`, thrown)
  return new AppError(`A query failed: ${thrown.message}.`, { code: 'store_query_failed', cause: thrown })
}
