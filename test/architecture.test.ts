import { expect, test } from 'bun:test'
import { fileURLToPath } from 'node:url'
import { violations } from './architecture/violations.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

test('the house keeps its laws: floors, doors, no cycles, size, no any, no !, typed errors, time and chance from base', async () => {
  const files = new Map<string, string>()
  for await (const path of new Bun.Glob('{src,test,bench,bin}/**/*.{ts,tsx,mjs}').scan({ cwd: ROOT })) {
    files.set(path, await Bun.file(`${ROOT}${path}`).text())
  }
  expect(files.size).toBeGreaterThan(20)
  expect(violations(files).map(({ path, line, rule, message }) => `${path}:${line} ${rule}: ${message}`)).toEqual([])
})
