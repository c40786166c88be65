import { describe, expect, test } from 'bun:test'
import { allowedDoors, FLOORS } from './architecture/floors.ts'
import { violations } from './architecture/violations.ts'

const header = (calls: string): string => `/**\n * Owns: a thing.\n * Calls: ${calls}.\n * Emits: nothing.\n * Consumes: nothing.\n */\n`

/** A small house without fault. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/base/index.ts': `${header('nothing')}export { now } from './clock.ts'\n`,
  'src/base/clock.ts': `export const now = (): number => Date.now()\nexport const fail = (): never => { throw new Error('x') }\n`,
  'src/store/index.ts': `${header('base')}export { open } from './open.ts'\n`,
  'src/store/open.ts': `import { now } from '#base'\nexport const open = (): number => now()\n`,
  'src/store/open.test.ts': `import { open } from './open.ts'\nconst stimulus = new Error('disk')\nopen()\n`,
  'src/cli/index.ts': `${header('everything below')}export { main } from './main.ts'\n`,
  'src/cli/main.ts': `import { open } from '#store'\nexport const main = open\n`,
  'src/main.ts': `import { main } from '#cli'\nmain()\n`,
  'test/whole.test.ts': `import { open } from '#store'\nimport { helper } from './helper.ts'\nhelper(open, Date.now())\n`,
  'test/helper.ts': `export const helper = (..._: unknown[]): void => {}\n`,
}

/** The rules that a change of the house breaks, each once. */
function broken(changes: Readonly<Record<string, string>>): string[] {
  const files = new Map(Object.entries({ ...HOUSE, ...changes }))
  return [...new Set(violations(files).map(({ rule }) => rule))].toSorted()
}

test('a house without fault has no violation', () => {
  expect(violations(new Map(Object.entries(HOUSE)))).toEqual([])
})

test('each floor calls only floors below it', () => {
  const seen: string[] = []
  for (const folder of FLOORS.keys()) {
    expect(seen).toEqual(expect.arrayContaining([...(allowedDoors(folder) ?? [])]))
    seen.push(folder)
  }
})

describe('imports', () => {
  const CASES: readonly [name: string, rule: string, changes: Record<string, string>][] = [
    ['a door that the table does not name', 'floors', { 'src/base/clock.ts': `import { open } from '#store'\nexport const now = open\n` }],
    ['a type from such a door', 'floors', { 'src/base/clock.ts': `import type { A } from '#store'\nexport const now = (): A => 1\n` }],
    ['a type by import() from such a door', 'floors', { 'src/base/clock.ts': `export const now = (): import('#store').A => 1\n` }],
    ['an import() while running', 'floors', { 'src/base/clock.ts': `export const now = async () => await import('#store')\n` }],
    ['a re-export of such a door', 'floors', { 'src/base/clock.ts': `export * from '#store'\nexport const now = 1\n` }],
    ['a door that nobody knows', 'floors', { 'src/store/open.ts': `import { a } from '#attic'\nexport const open = a\n` }],
    ['main.ts calls more than cli', 'floors', { 'src/main.ts': `import { open } from '#store'\nopen()\n` }],
    ['a folder that is not in the table', 'floors', { 'src/attic/index.ts': `${header('nothing')}export const a = 1\n` }],
    ['a file beside the folders', 'floors', { 'src/stray.ts': `export const a = 1\n` }],
    ['behind a door', 'doors-only', { 'src/store/open.ts': `import { now } from '#base/clock.ts'\nexport const open = now\n` }],
    ['behind a door, from a test', 'doors-only', { 'test/helper.ts': `import { now } from '#base/clock.ts'\nexport const helper = now\n` }],
    ['its own door', 'own-door', { 'src/store/open.ts': `import { a } from '#store'\nexport const open = a\n` }],
    [
      'a path that leaves the folder',
      'relative-import',
      { 'src/store/open.ts': `import { now } from '../base/clock.ts'\nexport const open = now\n` },
    ],
    [
      'a worker outside of the folder',
      'relative-import',
      { 'src/store/open.ts': `export const open = new URL('../base/clock.ts', import.meta.url)\n` },
    ],
    ['main.ts by a path', 'relative-import', { 'src/main.ts': `import { main } from './cli/index.ts'\nmain()\n` }],
    ['from a test into src by a path', 'relative-import', { 'test/helper.ts': `export { open as helper } from '../src/store/open.ts'\n` }],
    ['from src into tests', 'relative-import', { 'src/store/open.ts': `export { helper as open } from '../../test/helper.ts'\n` }],
    ['an absolute path', 'absolute-import', { 'src/store/open.ts': `export { open } from '/tmp/open.ts'\n` }],
    ['what only running tells', 'computed-import', { 'src/store/open.ts': `const name = '#base'\nexport const open = import(name)\n` }],
  ]
  for (const [name, rule, changes] of CASES) test(`${name}: ${rule}`, () => expect(broken(changes)).toContain(rule))
})

describe('cycles', () => {
  test('two files, by a type alone', () => {
    const one = `import type { B } from './two.ts'\nexport type A = B\n`
    const two = `import type { A } from './one.ts'\nexport type B = A\n`
    expect(broken({ 'src/store/one.ts': one, 'src/store/two.ts': two })).toEqual(['file-cycle'])
  })

  test('a file with itself', () => {
    expect(broken({ 'test/helper.ts': `import { helper as h } from './helper.ts'\nexport const helper = h\n` })).toEqual(['file-cycle'])
  })

  test('a ring of three in tests', () => {
    const link = (next: string): string => `import { x } from './${next}.ts'\nexport const y = x\n`
    expect(broken({ 'test/a.ts': link('b'), 'test/b.ts': link('c'), 'test/c.ts': link('a') })).toEqual(['file-cycle'])
  })

  test('two folders', () => {
    expect(broken({ 'src/base/clock.ts': `import { open } from '#store'\nexport const now = open\n` })).toContain('folder-cycle')
  })
})

describe('syntax', () => {
  const CASES: readonly [rule: string, ...sources: string[]][] = [
    ['no-any', 'const a: any = 1', 'const a = 1 as any', 'type A = Map<string, any[]>'],
    ['no-non-null', 'a!.b', 'const a = b!', 'f(c![0])'],
    ['no-plain-error', `throw new Error('x')`, `const e = new Error('x')`, `throw Error('x')`, `reject(new Error('x'))`],
    ['clock', 'Date.now()', 'const clock = Date.now', `Date['now']()`, 'new Date()', 'Date()', 'performance.now()', 'Math.random()'],
    [
      'clock',
      'setTimeout(f, 1)',
      'setInterval(f, 1)',
      'globalThis.setTimeout(f)',
      'const wait = { setTimeout }',
      'const later = setTimeout',
    ],
    ['clock', 'crypto.randomUUID()', 'await Bun.sleep(1)', 'AbortSignal.timeout(5)', 'process.hrtime.bigint()'],
    ['clock', `import { randomUUID } from 'node:crypto'`, `import { setTimeout as wait } from 'node:timers/promises'`],
    ['syntax', 'const = 1'],
  ]
  for (const [rule, ...sources] of CASES) {
    for (const source of sources)
      test(`${source}: ${rule}`, () => expect(broken({ 'src/store/open.ts': `${source}\nexport const open = 1\n` })).toContain(rule))
  }

  test('what only looks alike is let through', () => {
    const source = `// any, a!, new Error(), Date.now()
import { now } from '#base'
import { createHash } from 'node:crypto'
const text = 'throw new Error(setTimeout(Date.now()))'
const then = new Date(5)
server.setTimeout(1); const options = { setTimeout: 1 }; class Own extends Error {}
if (!(a !== b)) throw new Own(text)
export const open = [createHash, now, then, options]
`
    expect(broken({ 'src/store/open.ts': source })).toEqual([])
  })

  test('tests may make a plain Error but not throw one, and read the time outside of src only', () => {
    expect(broken({ 'src/store/open.test.ts': `throw new Error('x')\n` })).toEqual(['no-plain-error'])
    expect(broken({ 'test/helper.ts': `export const helper = (): never => { throw new Error('x') }\n` })).toEqual(['no-plain-error'])
    expect(broken({ 'src/store/open.test.ts': `Date.now()\n` })).toEqual(['clock'])
    expect(broken({ 'test/helper.ts': `export const helper: any = 1\n` })).toEqual(['no-any'])
  })
})

describe('shape', () => {
  const lines = (count: number): string => 'export {}\n'.repeat(count)

  test('a file has at most 400 lines, in tests too', () => {
    expect(broken({ 'src/store/long.ts': lines(400) })).toEqual([])
    expect(broken({ 'src/store/long.ts': lines(401) })).toEqual(['file-size'])
    expect(broken({ 'bin/holdfast.mjs': lines(401) })).toEqual(['file-size'])
    expect(broken({ 'test/long.test.ts': lines(401) })).toEqual(['file-size'])
  })

  test('a folder has a name', () => {
    for (const name of ['utils', 'helpers', 'common', 'lib', 'core', 'shared'])
      expect(broken({ [`src/store/${name}/a.ts`]: lines(1) })).toEqual(['folder-name'])
    expect(broken({ 'src/store/core.ts': lines(1) })).toEqual([])
  })

  test('a folder has a door', () => {
    expect(broken({ 'src/bus/bus.ts': 'export const bus = 1\n' })).toEqual(['door'])
  })

  const HEADERS: readonly [name: string, header: string][] = [
    ['no header', ''],
    ['another order', header('base').replace(' * Owns: a thing.\n', '').replace(' */', ' * Owns: a thing.\n */')],
    ['a line too few', header('base').replace(' * Emits: nothing.\n', '')],
    ['a line too many', header('base').replace(' */', ' * Sings: songs.\n */')],
    ['no full stop', header('base').replace('a thing.', 'a thing')],
    ['names too little', header('nothing')],
    ['names too much', header('base, bus')],
    ['says everything where the table does not', header('everything below')],
  ]
  for (const [name, text] of HEADERS) {
    test(`a door's header: ${name}`, () =>
      expect(broken({ 'src/store/index.ts': `${text}export { open } from './open.ts'\n` })).toEqual(['door-header']))
  }
})

test('a violation says where it is', () => {
  const [violation] = violations(
    new Map([
      ['src/base/clock.ts', `const a = 1\n\nconst b: any = a\n`],
      ['src/base/index.ts', header('nothing')],
    ]),
  )
  expect(violation).toEqual({ path: 'src/base/clock.ts', line: 3, rule: 'no-any', message: 'says any; say unknown and parse it' })
})
