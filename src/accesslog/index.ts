/**
 * Owns: one record per call with its attempts, and how long it is kept.
 * Calls: base, contract, store.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { AccessLog, type AccessLogOptions } from './access-log.ts'
export type { Retention } from './prune-calls.ts'
export { type CallFilter, queryCalls, type StoredCall } from './query-calls.ts'
