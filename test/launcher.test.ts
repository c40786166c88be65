import { expect, test } from 'bun:test'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '#base'
import { eventually } from './eventually.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url))
const BUN = await realpath(process.execPath)
const PLATFORM = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`

/** Says how it was started, then waits for a signal. */
const PROGRAM = `
process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(7) })
process.on('SIGINT', () => { console.log('SIGINT'); process.exit(8) })
process.on('SIGHUP', () => console.log('SIGHUP'))
const { BUN_CONFIG_MAX_HTTP_REQUESTS, FROM_DOTENV, NODE_ENV } = process.env
console.log(JSON.stringify({ args: process.argv.slice(2), BUN_CONFIG_MAX_HTTP_REQUESTS, FROM_DOTENV, NODE_ENV, pid: process.pid }))
if (process.argv.includes('exit')) process.exit(5)
if (process.argv.includes('kill')) process.kill(process.pid, 'SIGKILL')
setInterval(() => {}, 1000)
`

interface Started {
  readonly args: readonly string[]
  readonly pid: number
  readonly [name: string]: unknown
}

/** An installed package with our launcher and a program of one file. */
class Installed implements AsyncDisposable {
  readonly folder: string
  /** Where packages lie. */
  readonly modules: string

  constructor(folder: string) {
    this.folder = folder
    this.modules = join(folder, 'node_modules')
  }

  static async make(): Promise<Installed> {
    const installed = new Installed(await realpath(await mkdtemp(join(tmpdir(), 'holdfast-launcher-'))))
    await installed.put('node_modules/holdfast/src/main.ts', PROGRAM)
    await installed.put('node_modules/holdfast/bin/holdfast.mjs', '')
    await copyFile(LAUNCHER, join(installed.modules, 'holdfast/bin/holdfast.mjs'))
    return installed
  }

  async put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true })
    await writeFile(join(this.folder, path), text)
  }

  /** Puts the real Bun at a path, and a manifest beside its folder. */
  async putBun(path: string): Promise<void> {
    await this.put(join(dirname(dirname(path)), 'package.json'), '{}')
    await mkdir(dirname(join(this.folder, path)), { recursive: true })
    await rm(join(this.folder, path), { force: true })
    await symlink(BUN, join(this.folder, path))
  }

  /** What the package `bun` is when its install script did not run. */
  async putPlaceholder(): Promise<void> {
    await this.put('node_modules/bun/package.json', '{}')
    await this.put('node_modules/bun/bin/bun.exe', 'echo "Error: the postinstall script of Bun was not run."')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** The launcher, running. */
class Launched implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>
  readonly #gone: Promise<unknown>
  output = ''

  constructor(installed: Installed, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const launcher = join(installed.modules, 'holdfast/bin/holdfast.mjs')
    const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, NODE_ENV: __, ...inherited } = process.env
    this.#child = spawn('node', [launcher, ...args], {
      cwd: installed.folder,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#gone = once(this.#child, 'close')
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
  }

  async started(): Promise<Started> {
    await eventually('the program says how it was started', () => this.output.includes('\n'), 10_000)
    return JSON.parse(this.output.split('\n')[0] ?? '') as Started
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#gone
    return this.#child.exitCode ?? this.#child.signalCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
    await this.#gone
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const LAYOUTS: readonly (readonly [name: string, path: string])[] = [
  ['in the package for the platform, without install scripts', `node_modules/${PLATFORM}/bin/bun`],
  ['in a package for the platform that lies inside of bun', `node_modules/bun/node_modules/${PLATFORM}/bin/bun`],
  ['in the package bun, where its install script moved it', 'node_modules/bun/bin/bun.exe'],
]

for (const [name, path] of LAYOUTS) {
  test(`finds Bun ${name}`, async () => {
    await using installed = await Installed.make()
    await installed.putPlaceholder()
    await installed.putBun(path)
    await using launched = new Launched(installed, ['serve', '--port', '0', 'exit'])
    expect((await launched.started()).args).toEqual(['serve', '--port', '0', 'exit'])
    expect(await launched.ended()).toBe(5)
  })
}

test('says what it looked for and what to do when Bun is not there', async () => {
  await using installed = await Installed.make()
  await using without = new Launched(installed, ['serve'])
  expect(await without.ended()).toBe(1)
  expect(without.output).toContain('The package "bun", the runtime of Holdfast, is not installed in ')
  await installed.putPlaceholder()
  await using placeholder = new Launched(installed, ['serve'])
  expect(await placeholder.ended()).toBe(1)
  expect(placeholder.output).toContain(join(installed.modules, PLATFORM, 'bin', 'bun'))
  expect(placeholder.output).toContain(join(installed.modules, 'bun/bin/bun.exe'))
  expect(placeholder.output).toContain('npm ci')
})

test('sets the environment, unless it is set, and lets no file of the folder change the program', async () => {
  await using installed = await Installed.make()
  await installed.putBun('node_modules/bun/bin/bun.exe')
  await installed.put('.env', 'FROM_DOTENV=1\n')
  await installed.put('bunfig.toml', 'preload = ["./preload.ts"]\n')
  await installed.put('preload.ts', 'console.log("preloaded")\n')
  await using usual = new Launched(installed, ['exit'])
  expect(await usual.started()).toMatchObject({ BUN_CONFIG_MAX_HTTP_REQUESTS: '65336', NODE_ENV: 'production' })
  expect(await usual.started()).not.toHaveProperty('FROM_DOTENV')
  await using set = new Launched(installed, ['exit'], { BUN_CONFIG_MAX_HTTP_REQUESTS: '10', NODE_ENV: 'development' })
  expect(await set.started()).toMatchObject({ BUN_CONFIG_MAX_HTTP_REQUESTS: '10', NODE_ENV: 'development' })
})

test('passes signals on, and ends as the program ends', async () => {
  await using installed = await Installed.make()
  await installed.putBun('node_modules/bun/bin/bun.exe')
  await using terminated = new Launched(installed, [])
  await terminated.started()
  terminated.signal('SIGHUP')
  await eventually('SIGHUP is passed on', () => terminated.output.includes('SIGHUP'))
  terminated.signal('SIGTERM')
  expect(await terminated.ended()).toBe(7)
  await using interrupted = new Launched(installed, [])
  await interrupted.started()
  interrupted.signal('SIGINT')
  expect(await interrupted.ended()).toBe(8)
  await using killed = new Launched(installed, ['kill'])
  expect(await killed.ended()).toBe('SIGKILL')
})

test('kill -9 of the launcher ends the program too', async () => {
  await using installed = await Installed.make()
  await installed.putBun('node_modules/bun/bin/bun.exe')
  await using launched = new Launched(installed, [])
  const { pid } = await launched.started()
  if (!isAlive(pid)) throw new AppError('The program is gone too early.', { code: 'test_setup' })
  launched.signal('SIGKILL')
  await eventually('the program is gone', () => !isAlive(pid), 10_000)
})

test('what only a clone can do is refused in a package', async () => {
  await using installed = await Installed.make()
  await installed.putBun('node_modules/bun/bin/bun.exe')
  await using launched = new Launched(installed, ['dev:check'])
  expect(await launched.ended()).toBe(1)
  expect(launched.output).toBe('"dev:check" needs test/house/check.ts, which is in the repository but not in the package.\n')
})
