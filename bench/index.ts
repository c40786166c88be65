// `npm run bench`: what Holdfast costs and gives, beside its upstream and nginx, as ratios within one run.
import { cpus, loadavg, release } from 'node:os'
import { messageOf } from '#base'
import { Bench } from './bench.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { MEASUREMENTS } from './rows/index.ts'
import { ratioOf, type Row, verdictOf } from './row.ts'
import { tableOf } from './table.ts'

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(USAGE)
  else await run(options)
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}

async function run(options: Options): Promise<void> {
  const startedAt = performance.now()
  const seconds = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s`
  const progress = (line: string): void => void process.stderr.write(`${seconds()}  ${line}\n`)
  progress('starting the upstream, the load, nginx and Holdfast')
  await using bench = await Bench.start({ quick: options.quick, progress })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void bench[Symbol.asyncDispose]().then(() => process.exit(130)))
  const rows: Row[] = []
  for (const name of options.wanted) rows.push(...((await MEASUREMENTS[name]?.(bench)) ?? []))
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? '',
    system: `${process.platform} ${release()}`,
    load: loadavg()[0] ?? 0,
  }
  if (options.json) {
    const figures = rows.map((row) => ({ ...row, ratio: ratioOf(row) ?? null, verdict: verdictOf(row) ?? null }))
    process.stdout.write(
      `${JSON.stringify({ machine, bun: Bun.version, quick: options.quick, nginx: bench.nginx !== undefined, rows: figures }, null, 2)}\n`,
    )
    return
  }
  const words = `${machine.cpus} × ${machine.model}, ${machine.system}, load ${machine.load.toFixed(1)}, Bun ${Bun.version}`
  const verdicts = rows.map(verdictOf).filter((verdict) => verdict !== undefined)
  const missed = verdicts.filter((verdict) => verdict === 'missed').length
  const summary = `${words}; ${seconds().trim()}. ${missed} of ${verdicts.length} budgets missed.`
  process.stdout.write(`\n${tableOf(rows, bench.nginx !== undefined)}\n${summary}\n`)
}
