import type { Bench } from '../bench.ts'
import { memoryOf } from '../child.ts'
import { Holdfast } from '../holdfast.ts'
import type { Row, SystemName } from '../row.ts'

const MIB = 1_048_576
/** Streams that are open before the first look: growth by them is not their own alone. */
const BEFORE = 200

/** Memory of a new process: at rest, and for each of many open streams. */
export async function memory(bench: Bench): Promise<Row[]> {
  await using holdfast = await Holdfast.start(bench.folder, bench.routes)
  await Bun.sleep(1_000)
  const idle = memoryOf(holdfast.pid)
  const idleOfNginx = bench.nginx && memoryOf(bench.nginx.pid)
  const streams = bench.quick ? 1_000 : 2_000
  const own = await perStream(bench, { ...bench.target('holdfast', 'idle'), port: holdfast.port }, holdfast.pid, streams)
  const ofNginx = bench.nginx && (await perStream(bench, bench.target('nginx', 'idle'), bench.nginx.pid, streams))
  return [
    { name: 'Memory at rest', unit: 'MiB', figures: figures(idleOfNginx, idle, MIB), budget: { of: 'figure', most: 120 } },
    {
      name: `Memory for each of ${streams} open streams`,
      unit: 'KiB',
      figures: figures(ofNginx, own, 1_024),
      budget: { of: 'figure', most: 60 },
    },
  ]
}

async function perStream(bench: Bench, target: Parameters<Bench['calls']>[0], pid: number, streams: number): Promise<number | undefined> {
  bench.say(`memory: opening ${BEFORE + streams} streams`)
  await bench.ask({ kind: 'hold', target, streams: BEFORE })
  await Bun.sleep(500)
  const before = memoryOf(pid)
  const { whole } = await bench.ask({ kind: 'hold', target, streams })
  await Bun.sleep(500)
  const after = memoryOf(pid)
  await bench.ask({ kind: 'release' })
  bench.say(`memory: ${whole} streams were open at once`)
  return before === undefined || after === undefined || whole < BEFORE + streams ? undefined : (after - before) / streams
}

function figures(nginx: number | undefined, holdfast: number | undefined, unit: number): Partial<Record<SystemName, number>> {
  return { ...(nginx === undefined ? {} : { nginx: nginx / unit }), ...(holdfast === undefined ? {} : { holdfast: holdfast / unit }) }
}
