import { expect, test } from 'bun:test'
import { countTests } from './junit.ts'

const REPORT =
  '<?xml version="1.0"?>\n<testsuites name="bun test" tests="9" assertions="1" failures="2" skipped="3" time="0.1">\n<testsuite tests="4" failures="2"/>'

test('sums what the report says of the whole run', () => {
  expect(countTests(REPORT, false)).toEqual({ passed: 4, failed: 2, skipped: 3 })
})

test('a run that failed is never without a failure', () => {
  expect(countTests(REPORT.replace('failures="2"', 'failures="0"'), false)).toEqual({ passed: 6, failed: 1, skipped: 3 })
  expect(countTests('', false)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})
