import { createLogger, sleep, systemClock } from '#base'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Config, type ConfigOptions } from './index.ts'

/** A valid document; the model's name tells one from another. */
function documentOf(model: string): string {
  return `providers:\n  near: { kind: openai-compatible, baseUrl: "http://127.0.0.1:1/v1", apiKey: "\${NEAR_KEY}" }\nmodels:\n  ${model}: { upstreams: [near/llama] }\n`
}

const BROKEN = 'providers:\n  near: { kind: nothing }\n'

/** What was logged, and a way to wait for a line. */
class Lines {
  readonly all: string[] = []
  #waiting: { readonly text: string; readonly resolve: () => void }[] = []

  readonly write = (line: string): void => {
    this.all.push(line)
    for (const waiter of this.#waiting) if (line.includes(waiter.text)) waiter.resolve()
  }

  /** Resolves when a line with `text` is logged from now on. */
  next(text: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ text, resolve }))
  }
}

let folder = ''
let file = ''
let data = ''
let lines = new Lines()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'))
  file = join(folder, 'holdfast.yaml')
  data = join(folder, 'data')
  lines = new Lines()
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function open(changes: Partial<ConfigOptions> = {}): Promise<Config> {
  const logger = createLogger({ clock: systemClock, level: 'debug', format: 'pretty', write: lines.write })
  return Config.open({ file, dataFolder: data, env: { NEAR_KEY: 'canary' }, clock: systemClock, logger, ...changes })
}

function models(config: Config): string[] {
  return [...config.snapshot.models.keys()]
}

describe('start', () => {
  test('with a valid file runs it and keeps it, references unresolved, for its owner only', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    expect(models(config)).toEqual(['one'])
    expect(config.state).toMatchObject({ source: 'file', problems: [], refusedAt: null, version: config.snapshot.version })
    const kept = join(data, 'config.last-good.yaml')
    expect(await readFile(kept, 'utf8')).toBe(documentOf('one'))
    expect((await stat(kept)).mode & 0o777).toBe(0o600)
    expect(await readdir(data)).toEqual(['config.last-good.yaml'])
    expect(lines.all.join('')).not.toContain('canary')
  })

  test('C1, C3: with a broken file runs the last good version and says so', async () => {
    await writeFile(file, documentOf('one'))
    await (await open())[Symbol.asyncDispose]()
    await writeFile(file, BROKEN)
    await using config = await open()
    expect(models(config)).toEqual(['one'])
    expect(config.state.source).toBe('last-good')
    expect(config.state.problems.map((problem) => problem.path)).toContain('providers.near.kind')
    expect(config.state.refusedAt).not.toBeNull()
    expect(
      lines.all.some((line) => line.includes('error') && line.includes(`the last good version ${config.snapshot.version} runs instead`)),
    ).toBe(true)
    const corrected = lines.next('is current')
    await writeFile(file, documentOf('two'))
    await corrected
    expect(models(config)).toEqual(['two'])
    expect(config.state).toMatchObject({ source: 'file', problems: [], refusedAt: null })
  })

  test('with a broken file that is put back as it was runs the file again', async () => {
    await writeFile(file, documentOf('one'))
    await (await open())[Symbol.asyncDispose]()
    await writeFile(file, BROKEN)
    await using config = await open()
    await writeFile(file, documentOf('one'))
    expect(await config.reload('test')).toMatchObject({ outcome: 'unchanged' })
    expect(config.state).toMatchObject({ source: 'file', problems: [] })
  })

  test('C1: with a broken file and nothing kept fails with all problems', async () => {
    await writeFile(file, `${BROKEN}colour: red\n`)
    const failure = open()
    await expect(failure).rejects.toMatchObject({ code: 'config_invalid' })
    await expect(failure).rejects.toThrow(
      /providers\.near\.kind[\s\S]*holdfast\.yaml:2[\s\S]*colour[\s\S]*holdfast\.yaml:3[\s\S]*holdfast check/,
    )
  })

  test('C1: a variable that is missing fails the same way, for the file and for what was kept', async () => {
    await writeFile(file, documentOf('one'))
    await (await open())[Symbol.asyncDispose]()
    await expect(open({ env: {} })).rejects.toThrow(/NEAR_KEY for the provider `near`/)
  })

  test('with no file ever runs nothing, until there is one', async () => {
    await using config = await open()
    expect(config.state).toMatchObject({ source: 'none', version: 'none', problems: [] })
    expect(config.snapshot.limits.concurrency).toBe(2_000)
    expect(await config.reload('test')).toEqual({ outcome: 'unchanged', version: 'none' })
    const current = lines.next('is current')
    await writeFile(file, documentOf('one'))
    await current
    expect(models(config)).toEqual(['one'])
  })

  test('with a file that is gone runs the last good version', async () => {
    await writeFile(file, documentOf('one'))
    await (await open())[Symbol.asyncDispose]()
    await rm(file)
    await using config = await open()
    expect(models(config)).toEqual(['one'])
    expect(config.state).toMatchObject({ source: 'last-good', problems: [{ code: 'file_missing' }] })
  })

  test.each([
    ['a folder', () => mkdir(file)],
    ['a file that is cut short', () => writeFile(file, documentOf('one').slice(0, 40))],
    ['noise', () => writeFile(file, Buffer.from([0xff, 0x00, 0x80]))],
  ])('with %s in place of the file fails cleanly', async (_name, make) => {
    await make()
    await expect(open()).rejects.toMatchObject({ code: 'config_invalid' })
  })

  test('with a kept version that is damaged fails with the problems of both', async () => {
    await writeFile(file, BROKEN)
    await mkdir(data)
    await writeFile(join(data, 'config.last-good.yaml'), 'prov')
    await expect(open()).rejects.toThrow(/holdfast\.yaml:2[\s\S]*config\.last-good\.yaml:1/)
  })

  test('O1: with a data folder that cannot be written serves all the same', async () => {
    await writeFile(file, documentOf('one'))
    await writeFile(data, 'a file where the folder should be')
    await using config = await open()
    expect(models(config)).toEqual(['one'])
    expect(lines.all.some((line) => line.includes('warn') && line.includes('could not be kept'))).toBe(true)
  })
})

describe('reload', () => {
  test('C2: swaps at once, and what began with the old snapshot keeps it whole', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    const before = config.snapshot
    await writeFile(file, 'providers: { far: { kind: scripted } }\nmodels: { two: { upstreams: [far/x] } }\n')
    expect(await config.reload('test')).toMatchObject({ outcome: 'swapped', version: config.snapshot.version })
    expect(models(config)).toEqual(['two'])
    expect([...before.models.keys()]).toEqual(['one'])
    expect(before.providers.get('near')?.apiKey).toBe('canary')
  })

  test('C1: refuses a broken document, names it, and keeps the old one and what was kept', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    const before = config.snapshot
    await writeFile(file, BROKEN)
    const result = await config.reload('test')
    expect(result).toMatchObject({ outcome: 'refused', version: before.version })
    expect(config.snapshot).toBe(before)
    expect(config.state.problems.map((problem) => problem.code)).toContain('bad_choice')
    expect(config.state).toMatchObject({ source: 'file', reloads: { swapped: 0, refused: 1 } })
    expect(config.state.refusedAt).not.toBeNull()
    expect(lines.all.some((line) => line.includes('holdfast.yaml:2'))).toBe(true)
    expect(await readFile(join(data, 'config.last-good.yaml'), 'utf8')).toBe(documentOf('one'))
    await writeFile(file, documentOf('one'))
    expect(await config.reload('test')).toEqual({ outcome: 'unchanged', version: before.version })
    expect(config.state).toMatchObject({ problems: [], refusedAt: null })
  })

  test('refuses a file that is gone', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    await rm(file)
    expect(await config.reload('test')).toMatchObject({ outcome: 'refused', problems: [{ code: 'file_missing' }] })
    expect(models(config)).toEqual(['one'])
  })

  test('never overlaps: a hundred at once read the file at most twice', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    await writeFile(file, documentOf('two'))
    const results = await Promise.all(Array.from({ length: 100 }, () => config.reload('test')))
    expect(results.every((result) => result.version === config.snapshot.version)).toBe(true)
    const { swapped, unchanged } = config.state.reloads
    expect(swapped).toBe(1)
    expect(unchanged).toBeLessThanOrEqual(1)
  })

  test('O1: a full or read-only disk only costs the kept copy', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open()
    await rm(data, { recursive: true })
    await writeFile(data, 'in the way')
    await writeFile(file, documentOf('two'))
    expect(await config.reload('test')).toMatchObject({ outcome: 'swapped' })
    expect(models(config)).toEqual(['two'])
  })
})

describe('the file changes', () => {
  test('by an editor that replaces it', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open({ pollMs: 60_000 })
    const current = lines.next('is current')
    await writeFile(`${file}~`, documentOf('two'))
    await rename(`${file}~`, file)
    await current
    expect(models(config)).toEqual(['two'])
  })

  test('by a link that is swapped beside it, as Kubernetes does', async () => {
    await mkdir(join(folder, 'v1'))
    await mkdir(join(folder, 'v2'))
    await writeFile(join(folder, 'v1', 'holdfast.yaml'), documentOf('one'))
    await writeFile(join(folder, 'v2', 'holdfast.yaml'), documentOf('two'))
    await symlink('v1', join(folder, '..data'))
    await symlink(join('..data', 'holdfast.yaml'), file)
    await using config = await open({ pollMs: 60_000 })
    expect(models(config)).toEqual(['one'])
    const current = lines.next('is current')
    await symlink('v2', join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    await current
    expect(models(config)).toEqual(['two'])
  })

  test('on a file system that sends no events', async () => {
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere)
    await writeFile(join(elsewhere, 'real.yaml'), documentOf('one'))
    await mkdir(join(folder, 'watched'))
    const link = join(folder, 'watched', 'holdfast.yaml')
    await symlink(join(elsewhere, 'real.yaml'), link)
    await using config = await open({ file: link, pollMs: 50 })
    const current = lines.next('is current')
    await writeFile(join(elsewhere, 'real.yaml'), documentOf('two'))
    await current
    expect(models(config)).toEqual(['two'])
  })

  test('half of it is refused or waited for, the whole is taken', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open({ pollMs: 60_000 })
    const two = documentOf('two')
    const refused = lines.next('was refused')
    await writeFile(file, two.slice(0, two.length - 20))
    await refused
    expect(models(config)).toEqual(['one'])
    const current = lines.next('is current')
    await writeFile(file, two)
    await current
    expect(models(config)).toEqual(['two'])
  })

  test('a beginning of the current text counts as half saved, however valid, until it stays', async () => {
    const whole = `${documentOf('one')}  more: { upstreams: [near/other] }\n`
    await writeFile(file, whole)
    await using config = await open({ pollMs: 20, debounceMs: 5 })
    const start = systemClock.monotonic()
    const current = lines.next('is current')
    await writeFile(file, documentOf('one'))
    await current
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(990)
    expect(models(config)).toEqual(['one'])
  })

  test('1,000 saves in a row lead to the last one, and a refused one is logged once', async () => {
    await writeFile(file, documentOf('start'))
    await using config = await open({ pollMs: 200, debounceMs: 5 })
    const done = lines.next('models=2')
    for (let save = 0; save < 1_000; save++) await writeFile(file, save % 3 === 0 ? BROKEN : documentOf(`model-${save}`))
    await writeFile(file, `${documentOf('last')}  more: { upstreams: [near/other] }\n`)
    await done
    expect(models(config)).toEqual(['last', 'more'])
    expect(config.state.problems).toEqual([])
    const refused = lines.next('was refused')
    await writeFile(file, BROKEN)
    await refused
    const logged = lines.all.length
    await config.reload('test')
    await config.reload('test')
    expect(lines.all.length).toBe(logged)
  })

  test('a look that finds nothing new is no reload', async () => {
    await writeFile(file, documentOf('one'))
    await using config = await open({ pollMs: 2, debounceMs: 1 })
    await sleep(systemClock, 50)
    expect(config.state.reloads).toEqual({ swapped: 0, unchanged: 0, refused: 0 })
  })

  test('nothing is watched after the end', async () => {
    await writeFile(file, documentOf('one'))
    const config = await open({ pollMs: 5, debounceMs: 1 })
    await config[Symbol.asyncDispose]()
    await writeFile(file, documentOf('two'))
    await sleep(systemClock, 50)
    expect(models(config)).toEqual(['one'])
  })
})

test('a file without permission is a reason, not a crash', async () => {
  await writeFile(file, documentOf('one'))
  await using config = await open()
  await chmod(file, 0o000)
  const result = await config.reload('test')
  expect(result.outcome).toBe(process.getuid?.() === 0 ? 'unchanged' : 'refused')
})
