import { describe, expect, test } from 'bun:test'
import { AppError } from '#base'
import { isBusy, isDamaged, storeError } from './decide.ts'
import { SqliteFault } from './sqlite-fault.ts'

describe('what a fault of SQLite means', () => {
  test.each([
    ['SQLITE_BUSY', 'store_unavailable', 'locked by another process'],
    ['SQLITE_BUSY_SNAPSHOT', 'store_unavailable', 'locked by another process'],
    ['SQLITE_FULL', 'store_unavailable', 'the disk is full'],
    ['SQLITE_IOERR_FSYNC', 'store_unavailable', 'the disk reports an error'],
    ['SQLITE_READONLY_DIRECTORY', 'store_unavailable', 'read-only'],
    ['SQLITE_CANTOPEN', 'store_unavailable', 'cannot be opened'],
    ['SQLITE_CORRUPT_VTAB', 'store_unavailable', 'damaged'],
    ['SQLITE_NOTADB', 'store_unavailable', 'not a database'],
    ['HOLDFAST_WORKER_LOST', 'store_unavailable', 'some words'],
    ['EACCES', 'store_unavailable', 'some words'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'store_conflict', 'refused a row'],
    ['SQLITE_ERROR', 'store_query_failed', 'A query failed'],
    ['HOLDFAST_PARAMETER', 'store_query_failed', 'A query failed'],
  ])('%s is %s', (code, expected, words) => {
    const error = storeError(new SqliteFault({ code, message: 'some words' }))
    expect(error instanceof AppError && error.code).toBe(expected)
    expect(String(error)).toContain(words)
  })

  test('what is not a fault of SQLite stays what it was', () => {
    const error = new TypeError('mine')
    expect(storeError(error)).toBe(error)
    expect([isBusy(error), isDamaged(error)]).toEqual([false, false])
  })
})
