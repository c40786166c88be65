import { expect, test } from 'bun:test'
import { type Row, verdictOf } from './row.ts'
import { tableOf } from './table.ts'

const row: Row = { name: 'CPU', unit: 'µs', figures: { nginx: 10, holdfast: 25 }, budget: { of: 'ratio', most: 2.5 } }

test('a budget is kept up to its limit, and missed beyond it', () => {
  expect(verdictOf(row)).toBe('ok')
  expect(verdictOf({ ...row, figures: { nginx: 10, holdfast: 25.1 } })).toBe('missed')
  expect(verdictOf({ ...row, budget: { of: 'figure', least: 100 } })).toBe('missed')
})

test('what was not measured has no verdict', () => {
  expect(verdictOf({ ...row, figures: { holdfast: 25 } })).toBeUndefined()
  expect(verdictOf({ ...row, figures: { nginx: 0, holdfast: 25 } })).toBeUndefined()
  expect(verdictOf({ ...row, budget: { of: 'figure', most: 9 }, figures: { holdfast: Number.NaN } })).toBeUndefined()
})

test('a table names what is missing instead of leaving it out', () => {
  expect(tableOf([row], true)).toBe(`     direct    nginx  Holdfast  to nginx   budget
CPU       –  10.0 µs   25.0 µs    2.50 ×  ≤ 2.5 ×  ok
`)
  expect(tableOf([{ ...row, figures: { holdfast: 25 } }], false)).toContain('not here')
})
