import type { Bench } from '../bench.ts'
import { cpuOf } from '../child.ts'
import type { CallsJob } from '../job.ts'
import type { Row } from '../row.ts'

/** CPU that a system uses for one JSON call. */
export async function cpuPerCall(bench: Bench): Promise<Row[]> {
  const calls = bench.quick ? 10_000 : 20_000
  const figures = await cpuOfJob(bench, 'CPU per JSON call, µs', { calls, connections: 16 })
  return [{ name: 'CPU per JSON call', unit: 'µs', figures, budget: { of: 'ratio', most: 2.5 } }]
}

/** CPU that a system uses for one stream of 50 frames, a millisecond apart. */
export async function cpuPerStream(bench: Bench): Promise<Row[]> {
  const calls = bench.quick ? 400 : 1_000
  const figures = await cpuOfJob(bench, 'CPU per 50-frame stream, µs', { calls, connections: 24, stream: true })
  return [{ name: 'CPU per 50-frame stream', unit: 'µs', figures, budget: { of: 'ratio', most: 1.9 } }]
}

async function cpuOfJob(bench: Bench, title: string, job: Partial<CallsJob>): Promise<Row['figures']> {
  await bench.warmUp()
  const systems = bench.systems.filter((system) => system !== 'direct')
  const { cpu } = await bench.rounds(title, systems, async (system) => {
    const pid = bench.pidOf(system) ?? 0
    const before = cpuOf(pid)
    const { whole } = await bench.calls(bench.target(system, 'good'), job)
    const after = cpuOf(pid)
    return { cpu: before === undefined || after === undefined ? undefined : ((after - before) * 1_000) / whole }
  })
  return cpu
}
