import type { Bench } from '../bench.ts'
import type { Row, SystemName } from '../row.ts'
import { FAILURES, SILENT_MS } from '../routes.ts'

const ADDED = [
  { name: 'Added after a refused connection, p50', route: 'after-refusing' },
  { name: 'Added after a reset connection, p50', route: 'after-resetting' },
] as const

/** What a call costs in time whose first upstream refuses or resets the connection, each time anew. */
export async function addedFailover(bench: Bench): Promise<Row[]> {
  await bench.warmUp()
  const calls = bench.quick ? 500 : 1_500
  const systems = bench.systems.filter((system) => system !== 'direct')
  const rows: Row[] = []
  for (const { name, route } of ADDED) {
    const { added } = await bench.rounds(`${name}, ms`, systems, async (system) => {
      const plain = await bench.calls(bench.target(system, 'good'), { calls, connections: 2 })
      const over = await bench.calls(bench.target(system, route), { calls, connections: 2 })
      return { added: over.whole === over.calls ? over.latency.p50 - plain.latency.p50 : undefined }
    })
    rows.push({ name, unit: 'ms', figures: added, budget: { of: 'figure', most: 5 } })
  }
  return rows
}

const WORDS: Readonly<Record<(typeof FAILURES)[number], string>> = {
  refusing: 'first upstream refuses',
  unavailable: 'first upstream answers 503',
  silent: `first upstream is silent (${SILENT_MS} ms)`,
  cutting: 'first upstream cuts every stream',
}

const TOKENS = 20

/** How many streams are whole, word for word, and how long those take, while the first of two upstreams is failing. */
export async function whileFailing(bench: Bench): Promise<Row[]> {
  await bench.warmUp()
  const rows: Row[] = []
  for (const failure of FAILURES) {
    const { whole, p99 } = await bench.rounds(`Streams while the ${WORDS[failure]}`, bench.systems, async (system, round) => {
      const target = bench.target(system, `${failure}-${round}`)
      const report = await bench.calls(target, {
        ...amount(system, bench.quick),
        stream: true,
        connections: 16,
        tokens: TOKENS,
        check: true,
      })
      return { whole: (100 * report.whole) / report.calls, p99: report.whole === 0 ? undefined : report.latency.p99 }
    })
    rows.push({ name: `Whole, ${WORDS[failure]}`, unit: '%', figures: whole, budget: { of: 'figure', least: 100 }, apart: true })
    rows.push({ name: '  p99 of those', unit: 'ms', figures: p99, apart: true })
  }
  return rows
}

/** Directly every call fails, and some only when the client loses patience: a few show it. */
function amount(system: SystemName, quick: boolean): { calls: number; forMs?: number } {
  return system === 'direct' ? { calls: 16 } : { calls: 1_000_000, forMs: quick ? 700 : 2_000 }
}
