import { type Clock, sleep } from '#base'
import type { Store } from '#store'

/** What is kept: calls that are young enough and among the last so many. */
export interface Retention {
  readonly ageMs: number
  readonly calls: number
}

const SLICE = 1_000
const PAUSE_MS = 50

/** Deletes what is no longer kept, in slices that leave room for writers between them. Resolves to how many calls were deleted. */
export async function pruneCalls(store: Store, clock: Clock, retention: Retention, signal: AbortSignal): Promise<number> {
  let deleted = 0
  while (true) {
    const slice = await pruneSlice(store, clock.now() - retention.ageMs, retention.calls, signal)
    deleted += slice
    if (slice < SLICE) return deleted
    await sleep(clock, PAUSE_MS, signal)
  }
}

async function pruneSlice(store: Store, oldest: number, most: number, signal: AbortSignal): Promise<number> {
  return store.transact(
    async (database) => {
      // Calls are deleted from the oldest on, so the numbers between the first and the last tell how many there are, without counting.
      const last = await database.selectFrom('call').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
      const beyond = (last?.seq ?? 0) - most
      const doomed = database
        .selectFrom('call')
        .select('seq')
        .where((where) => where.or([where('seq', '<=', beyond), where('at', '<', oldest)]))
        .orderBy('seq')
        .limit(SLICE)
      const result = await database.deleteFrom('call').where('seq', 'in', doomed).executeTakeFirst()
      return Number(result.numDeletedRows)
    },
    { signal },
  )
}
