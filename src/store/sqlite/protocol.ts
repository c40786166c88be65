import type { SqlValue } from '../store.ts'
import type { WorkerFault } from './sqlite-fault.ts'

/** What the worker is asked. `read` and `write` name the connection. */
export type WorkerTask =
  | { readonly type: 'open'; readonly file: string; readonly readOnly: boolean; readonly check: boolean }
  | { readonly type: 'query'; readonly connection: 'read' | 'write'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly type: 'append'; readonly sql: string; readonly rows: readonly (readonly SqlValue[])[] }
  | { readonly type: 'ping' }
  | { readonly type: 'close' }

export interface WorkerRequest {
  readonly id: number
  readonly task: WorkerTask
}

/** What a statement brought. */
export interface StatementResult {
  readonly rows: unknown[]
  readonly changes: number
  readonly lastId: number
}

export type WorkerReply = { readonly id: number; readonly result: StatementResult } | { readonly id: number; readonly fault: WorkerFault }
