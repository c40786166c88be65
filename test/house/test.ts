// `npm test`: the checks, then every test; with arguments only `bun test` with them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckResult, ROOT, runChecks } from './checks.ts'
import { countTests, type TestCounts } from './junit.ts'

const args = process.argv.slice(2)
const checks = args.length === 0 ? await runChecks(['architecture']) : []
// Most tests wait for real time and real sockets, so two at once take half as long.
const tests = await runTests(args.length === 0 ? ['--parallel=2', './src', './test', './bench'] : args)
const failed = tests.failed + checks.filter((check) => !check.passed).length
const passed = tests.passed + checks.filter((check) => check.passed).length
console.log(`\n${summary(checks)}${tests.skipped === 0 ? '' : `${tests.skipped} skipped\n`}${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Names the checks that failed, since their output has scrolled away by now. */
function summary(results: readonly CheckResult[]): string {
  const names = results.filter((check) => !check.passed).map((check) => check.name)
  return names.length === 0 ? '' : `Checks that failed: ${names.join(', ')}. Their output is above the tests.\n`
}

async function runTests(targets: readonly string[]): Promise<TestCounts> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tests-'))
  const report = join(folder, 'junit.xml')
  try {
    const flags = ['--timeout', '30000', '--reporter', 'junit', '--reporter-outfile', report]
    const child = Bun.spawn([process.execPath, 'test', ...flags, ...targets], { cwd: ROOT, stdio: ['inherit', 'inherit', 'inherit'] })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal))
    const code = await child.exited
    const file = Bun.file(report)
    return countTests((await file.exists()) ? await file.text() : '', code === 0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
