import type { Generated } from 'kysely'

/** Times are ms since the epoch; booleans are 0 or 1, so that every engine keeps the same. */
export interface Tables {
  /** Migrations that were applied. */
  migration: { name: string; applied_at: number }
  /** A number that grows with every change of a topic, in the same transaction: the cheapest way to see that another process changed something. */
  revision: { topic: string; number: number }
  api_key: ApiKeyTable
  call: CallTable
}

interface ApiKeyTable {
  id: string
  name: string
  /** The first characters of the key, to recognise it by. */
  prefix: string
  /** SHA-256 in hex (X1). */
  hash: string
  /** Words joined by a space. */
  scopes: string
  /** As written, `60/m`. */
  call_limit: string | null
  created_at: number
  last_used_at: number | null
  revoked_at: number | null
}

interface CallTable {
  /** Grows in the order of writing. */
  seq: Generated<number>
  id: string
  at: number
  actor: string
  model: string
  stream: number
  outcome: string
  status: number
  upstream: string | null
  reason: string
  duration_ms: number
  first_token_ms: number | null
  prompt_tokens: number | null
  completion_tokens: number | null
  /** A JSON array of attempts. They are only read with their call, and a table of their own took a fifth more time to write. */
  attempts: string
}
