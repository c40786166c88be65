import type { CallRecord } from '#contract'
import type { OperationOptions, Store } from '#store'
import { z } from 'zod'

/** Which calls to show. */
export interface CallFilter {
  /** Only calls that did not end well. */
  readonly failed?: boolean
  readonly model?: string
  /** Only calls that arrived then or later; ms since the epoch. */
  readonly since?: number
  /** Only calls that were written after this one. */
  readonly afterSeq?: number
  /** At most this many; 100 when left out. */
  readonly limit?: number
}

/** A call that was written, with its place in the order of writing. */
export interface StoredCall extends CallRecord {
  readonly seq: number
}

const milliseconds = z.number().nullable().catch(null)
const ATTEMPTS = z
  .array(
    z.object({
      upstream: z.string(),
      outcome: z.string(),
      status: z.number().nullable().catch(null),
      startedMs: z.number().catch(0),
      durationMs: z.number().catch(0),
      firstTokenMs: milliseconds,
      dnsMs: milliseconds,
      connectMs: milliseconds,
      tlsMs: milliseconds,
      headersMs: milliseconds,
      rescue: z.enum(['prefill', 'instruct', 'restart']).nullable().catch(null),
      detail: z.string().nullable().catch(null),
    }),
  )
  .catch([])

/** The calls in the order of writing: the first ones after `afterSeq`, or else the last ones. */
export async function queryCalls(store: Store, filter: CallFilter, options?: OperationOptions): Promise<StoredCall[]> {
  const { failed, model, since, afterSeq, limit = 100 } = filter
  return store.read(async (database) => {
    let query = database.selectFrom('call').selectAll().limit(limit)
    if (failed) query = query.where('outcome', '<>', 'ok')
    if (model !== undefined) query = query.where('model', '=', model)
    if (since !== undefined) query = query.where('at', '>=', since)
    if (afterSeq !== undefined) query = query.where('seq', '>', afterSeq)
    const rows = await query.orderBy('seq', afterSeq === undefined ? 'desc' : 'asc').execute()
    if (afterSeq === undefined) rows.reverse()
    return rows.map((row): StoredCall => {
      return {
        seq: row.seq,
        id: row.id,
        at: row.at,
        actor: row.actor,
        model: row.model,
        stream: row.stream === 1,
        outcome: row.outcome as CallRecord['outcome'],
        status: row.status,
        upstream: row.upstream,
        reason: row.reason,
        durationMs: row.duration_ms,
        firstTokenMs: row.first_token_ms,
        promptTokens: row.prompt_tokens,
        completionTokens: row.completion_tokens,
        attempts: attemptsOf(row.attempts),
      }
    })
  }, options)
}

function attemptsOf(text: string): CallRecord['attempts'] {
  try {
    return ATTEMPTS.parse(JSON.parse(text)) as CallRecord['attempts']
  } catch {
    return []
  }
}
