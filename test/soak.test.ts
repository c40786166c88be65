import { expect, test } from 'bun:test'
import { soak } from './soak.ts'

test('a short soak: 5,000 calls, 30 % left, 10 % faulted: every other answer is whole, memory and sockets stay flat', async () => {
  const report = await soak({ calls: 5_000, width: 32, aborted: 0.3, faulted: 0.1 })
  expect(report.wrong).toEqual([])
  expect(report.whole + report.left).toBe(5_000)
  expect(report.left).toBeGreaterThan(1_400)
  expect(report.memory.end - report.memory.warm).toBeLessThan(60)
  expect(report.descriptors.end).toBeLessThan(report.descriptors.warm + 70)
}, 60_000)
