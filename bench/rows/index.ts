import type { Bench } from '../bench.ts'
import type { Row } from '../row.ts'
import { cpuPerCall, cpuPerStream } from './cpu.ts'
import { addedFailover, whileFailing } from './failing.ts'
import { addedFirstToken, addedLatency } from './latency.ts'
import { memory } from './memory.ts'
import { startUp } from './start-up.ts'

/** Everything that is measured, by the names that `--only` takes. */
export const MEASUREMENTS: Readonly<Record<string, (bench: Bench) => Promise<Row[]>>> = {
  'cpu-json': cpuPerCall,
  'cpu-stream': cpuPerStream,
  latency: addedLatency,
  'first-token': addedFirstToken,
  failover: addedFailover,
  memory,
  start: startUp,
  failing: whileFailing,
}
