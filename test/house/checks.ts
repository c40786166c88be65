import { fileURLToPath } from 'node:url'
import { systemClock } from '#base'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** How one check of the code went. */
export interface CheckResult {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

const tool = (name: string): string => `${ROOT}node_modules/.bin/${name}`

/** What the code is held to besides its tests. */
const CHECKS: ReadonlyMap<string, readonly string[]> = new Map([
  ['types', [tool('tsc'), '--project', '.', '--pretty', 'false']],
  ['lint', [tool('oxlint'), '--deny-warnings']],
  ['format', [tool('oxfmt'), '--check']],
  ['dead code', [tool('knip'), '--no-progress']],
  ['architecture', [process.execPath, 'test', './test/architecture.test.ts']],
])

/** Runs all checks at once, or all but some, and says how each went as it ends. */
export async function runChecks(without: readonly string[] = []): Promise<CheckResult[]> {
  const wanted = [...CHECKS].filter(([name]) => !without.includes(name))
  return Promise.all(
    wanted.map(async ([name, command]) => {
      const result = await runCheck(name, command)
      console.log(`${result.passed ? 'ok    ' : 'FAILED'} ${name.padEnd(14)}${result.seconds.toFixed(1)} s`)
      if (!result.passed) console.log(`${result.output.trimEnd()}\n`)
      return result
    }),
  )
}

async function runCheck(name: string, command: readonly string[]): Promise<CheckResult> {
  const began = systemClock.monotonic()
  const child = Bun.spawn([...command], { cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [output, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { name, passed: code === 0, seconds: (systemClock.monotonic() - began) / 1_000, output: output + errors }
}
