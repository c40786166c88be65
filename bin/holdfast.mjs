#!/usr/bin/env node
// Starts Holdfast: finds the Bun that npm installed beside it, sets its environment, passes signals on, ends as it ends.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, devNull } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [command = '', ...rest] = process.argv.slice(2)

/** What a clone of the repository can do besides what the product does. */
const DEVELOPMENT = new Map([
  ['dev:test', 'test/house/test.ts'],
  ['dev:check', 'test/house/check.ts'],
  ['dev:bench', 'bench/index.ts'],
  ['dev:demo', 'test/demo.ts'],
])

const script = DEVELOPMENT.get(command)
if (script === undefined) start('src/main.ts', process.argv.slice(2), { NODE_ENV: 'production' })
else if (existsSync(join(root, script))) start(script, rest, {})
else fail(`"${command}" needs ${script}, which is in the repository but not in the package.`)

/** Runs one of our TypeScript files with Bun. */
function start(file, args, environment) {
  const bun = findBun()
  // By itself Bun would read .env and bunfig.toml where it is started, install what is missing, and outlive us when we are killed.
  const flags = ['--no-env-file', `--config=${devNull}`, '--no-install', '--no-orphans']
  const child = spawn(bun, [...flags, join(root, file), ...args], {
    stdio: 'inherit',
    // Memory is given back after a second, not at once: a stream costs a tenth less.
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: '65336', MIMALLOC_PURGE_DELAY: '1000', ...environment, ...process.env },
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const watch = watchParent(child)
  child.on('error', (error) => fail(`Bun did not start: ${error.message}.`))
  child.on('exit', (code, signal) => {
    clearInterval(watch)
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // A signal that does not end us has an exit code by custom.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
  })
}

/** npm passes few signals on, and its shell none: when one of them is gone, what they started ends too. */
function watchParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const started = npmAbove()
  return setInterval(() => npmAbove() !== started && child.kill('SIGTERM'), 500)
}

/** The processes between us and npm, npm included, as far as the system tells. */
function npmAbove() {
  const parent = process.ppid
  try {
    const isShell = readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('\0-c\0')
    const grandparent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'))?.[1]
    return isShell ? `${parent} ${grandparent}` : `${parent}`
  } catch {
    return `${parent}`
  }
}

/** The path of the Bun executable: npm leaves it in the package for the platform, Bun's install script moves it into `bun`. */
function findBun() {
  const bun = packageFolder(fileURLToPath(import.meta.url), 'bun')
  if (bun === undefined) return fail(`The package "bun", the runtime of Holdfast, is not installed in ${root}. Run "npm ci" there.`)
  const inside = join(bun, 'package.json')
  const platforms = platformPackages().map((name) => join(packageFolder(inside, name) ?? join(dirname(bun), name), 'bin'))
  const files = [...platforms.map((folder) => join(folder, process.platform === 'win32' ? 'bun.exe' : 'bun')), join(bun, 'bin', 'bun.exe')]
  return (
    files.find(isProgram) ??
    fail(
      `Bun, the runtime of Holdfast, is not there for ${process.platform}-${process.arch}. Looked for:\n  ${files.join('\n  ')}\n` +
        'Install again on this machine ("npm ci"), without --omit=optional or --no-optional: it comes as an optional package.',
    )
  )
}

/** The packages that may hold Bun for this machine, best first. */
function platformPackages() {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@oven/bun-${os}-${arch}${isMusl() ? '-musl' : ''}`
  if (process.arch !== 'x64') return [name]
  return lacksAvx2() ? [`${name}-baseline`, name] : [name, `${name}-baseline`]
}

function isMusl() {
  if (process.platform !== 'linux') return false
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime === undefined
}

function lacksAvx2() {
  try {
    return !readFileSync('/proc/cpuinfo', 'utf8').includes('avx2')
  } catch {
    return false
  }
}

/** Where a package is, as seen from a file. */
function packageFolder(from, name) {
  const folders = createRequire(realpathSync(from)).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')))
}

/** Without install scripts `bun/bin/bun.exe` is a text of a few hundred bytes. */
function isProgram(file) {
  try {
    return statSync(file).size > 1_000_000
  } catch {
    return false
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
