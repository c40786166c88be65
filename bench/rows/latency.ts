import type { Bench } from '../bench.ts'
import type { Row, SystemName } from '../row.ts'

type Figures = Partial<Record<SystemName, number>>

/** Latency of JSON calls that is added to the upstream's own: one after the other, and 64 at once. */
export async function addedLatency(bench: Bench): Promise<Row[]> {
  await bench.warmUp()
  const one = await latencies(bench, 'Latency, one call at a time, ms', 1, bench.quick ? 1_000 : 3_000)
  const many = await latencies(bench, 'Latency, 64 calls at once, ms', 64, bench.quick ? 5_000 : 15_000)
  return [
    { name: 'Added p50, one call at a time', unit: 'ms', figures: added(one.p50), budget: { of: 'ratio', most: 2 } },
    { name: 'Added p99, one call at a time', unit: 'ms', figures: added(one.p99), budget: { of: 'ratio', most: 3 } },
    { name: 'Added p50, 64 calls at once', unit: 'ms', figures: added(many.p50) },
    { name: 'Added p99, 64 calls at once', unit: 'ms', figures: added(many.p99) },
  ]
}

/** Time to the first token of a stream that is added to the upstream's own. */
export async function addedFirstToken(bench: Bench): Promise<Row[]> {
  await bench.warmUp()
  const calls = bench.quick ? 150 : 400
  const { firstToken } = await bench.rounds('Time to first token, ms', bench.systems, async (system) => {
    const report = await bench.calls(bench.target(system, 'good'), { stream: true, calls, connections: 4, tokens: 4 })
    return { firstToken: report.firstToken.p50 }
  })
  return [{ name: 'Added time to first token, p50', unit: 'ms', figures: added(firstToken), budget: { of: 'figure', most: 1 } }]
}

function latencies(bench: Bench, title: string, connections: number, calls: number): Promise<Record<'p50' | 'p99', Figures>> {
  return bench.rounds(title, bench.systems, async (system) => {
    const { latency } = await bench.calls(bench.target(system, 'good'), { connections, calls })
    return { p50: latency.p50, p99: latency.p99 }
  })
}

/** What each system adds to the direct way; beside it, the direct way itself. */
function added(figures: Figures): Figures {
  const { direct = Number.NaN, nginx, holdfast } = figures
  return {
    direct,
    ...(nginx === undefined ? {} : { nginx: nginx - direct }),
    ...(holdfast === undefined ? {} : { holdfast: holdfast - direct }),
  }
}
