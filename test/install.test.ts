import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '#base'
import { eventually } from './eventually.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MINUTE = 60_000

/** Settings that npm hands to its scripts would otherwise reach the npm that a test starts. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|HOLDFAST_|NODE_ENV$|BUN_)/.test(name)))

let temporary = ''
/** A clone as `git clone` makes it, with what stands in this working tree. */
let clone = ''

function run(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env: ENVIRONMENT, encoding: 'utf8', timeout: 4 * MINUTE })
  if (status !== 0)
    throw new AppError(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`, { code: 'command_failed' })
  return stdout
}

/** The processes of this machine whose command line names a text. */
function processesOf(text: string): string[] {
  return run('/', 'ps', '-A', '-o', 'pid=,args=')
    .split('\n')
    .filter((line) => line.includes(text) && !line.includes('ps -A'))
}

beforeAll(async () => {
  temporary = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-install-')))
  clone = join(temporary, 'clone')
  for (const path of run(ROOT, 'git', 'ls-files', '-z')
    .split('\0')
    .filter((name) => name !== '')) {
    await mkdir(dirname(join(clone, path)), { recursive: true })
    await copyFile(join(ROOT, path), join(clone, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  run(clone, 'npm', 'ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund')
}, 5 * MINUTE)

afterAll(async () => {
  await rm(temporary, { recursive: true, force: true })
})

describe('npm ci without install scripts', () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    test(
      `npm start serves, and ${signal} to npm ends everything that it started`,
      async () => {
        const child = spawn('npm', ['start'], {
          cwd: clone,
          env: { ...ENVIRONMENT, HOLDFAST_PORT: '0' },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        const gone = once(child, 'close')
        let output = ''
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
        try {
          const address = (): string | undefined => /serves (http:\/\/localhost:\d+)/.exec(output)?.[1]
          await eventually('it says where it serves', () => address() !== undefined || child.exitCode !== null, 20_000)
          expect(output).toContain('serves http://localhost:')
          for (const host of ['127.0.0.1', '[::1]']) {
            const response = await fetch(`${address()?.replace('localhost', host)}/healthz`)
            expect(response.status).toBe(200)
          }
          expect(processesOf(clone).length).toBeGreaterThan(0)
        } finally {
          child.kill(signal)
        }
        await gone
        await eventually('nothing is left of it', () => processesOf(clone).length === 0, 5_000)
        expect(output).toContain('Ending: no new calls')
      },
      MINUTE,
    )
  }

  test(
    'npm exec finds the program in the clone itself',
    () => {
      expect(run(clone, 'npm', 'exec', '--offline', 'holdfast', '--', 'version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    },
    MINUTE,
  )
})

test(
  'the package that npm packs runs where it is installed',
  () => {
    const [packed] = JSON.parse(run(clone, 'npm', 'pack', '--json')) as {
      readonly filename: string
      readonly files: readonly { readonly path: string }[]
    }[]
    expect(packed?.files.filter(({ path }) => /\.test\.ts$|^(test|bench)\//.test(path))).toEqual([])
    run(clone, 'mkdir', '../elsewhere')
    const elsewhere = join(temporary, 'elsewhere')
    run(elsewhere, 'npm', 'install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', join(clone, packed?.filename ?? ''))
    expect(run(elsewhere, 'npx', 'holdfast', '--help')).toContain('holdfast [COMMAND] [FLAGS]')
    expect(run(elsewhere, 'npx', 'holdfast', 'key', 'list')).toContain('There are no keys')
  },
  3 * MINUTE,
)
