import { expect, test } from 'bun:test'
import { BoundedMap } from './bounded-map.ts'

test('a new entry drives out the oldest', () => {
  const map = new BoundedMap<string, number>(2)
  map.entry('a', () => 1)
  map.entry('b', () => 2)
  expect(map.entry('a', () => 3)).toBe(1)
  map.entry('c', () => 4)
  expect([...map]).toEqual([
    ['b', 2],
    ['c', 4],
  ])
})

test('10,000 names that a caller made up leave only so many', () => {
  const map = new BoundedMap<string, string>(100)
  for (let i = 0; i < 10_000; i++) map.entry(`name ${i}`, () => 'x')
  expect(map.size).toBe(100)
})
