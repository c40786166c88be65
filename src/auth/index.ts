/**
 * Owns: keys, and who a caller is.
 * Calls: base, contract, store, bus.
 * Emits: nothing.
 * Consumes: hints on the topic `keys`.
 */
export { type ApiKey, isScope, makeKey } from './api-key.ts'
export { AuthError } from './auth-error.ts'
export { formatCallLimit } from './call-limit.ts'
export { KeyFile } from './key-file.ts'
export { addKey, loadKeys, rememberKeys, restoreKeys, revokeKey } from './key-table.ts'
export { Keys, type KeysOptions, requireScope } from './keys.ts'
export type { Caller } from './owner-mode.ts'
