export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Sums a JUnit report. A run that failed without a failed test (a file that does not load, an error between tests, no
 * report at all) counts as one failure, so that nothing red can look green.
 */
export function countTests(report: string, succeeded: boolean): TestCounts {
  const head = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? ''
  const figure = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0)
  const skipped = figure('skipped')
  const failures = figure('failures') + figure('errors')
  const failed = failures === 0 && !succeeded ? 1 : failures
  return { passed: Math.max(0, figure('tests') - failures - skipped), failed, skipped }
}
