import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url))

interface Ran {
  readonly code: number
  readonly out: string
  readonly errors: string
}

/** Runs one command line in a process and folder of its own. */
async function holdfast(...args: string[]): Promise<Ran> {
  const cwd = await mkdtemp(`${tmpdir()}/holdfast-cli-`)
  try {
    const child = Bun.spawn(['node', LAUNCHER, ...args], { cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
    const [out, errors, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { code, out, errors }
  } finally {
    await rm(cwd, { recursive: true })
  }
}

const COMMANDS: readonly (readonly [name: string, ...flags: string[]])[] = [
  ['serve', '--port', '--host', '--data', '--config'],
  ['check', '--config', '--probe', '--json'],
  ['reload', '--data', '--json'],
  ['key', '--scope', '--limit', '--data', '--json'],
  ['calls', '--failed', '--model', '--since', '--limit', '--follow', '--data', '--json'],
]

test('help names every command, and says more about each, in both ways', async () => {
  const overview = await holdfast('help')
  expect(overview.code).toBe(0)
  expect(await holdfast('--help')).toEqual(overview)
  expect(overview.out.match(/^  (\w+)  /gm)?.map((name) => name.trim())).toEqual(COMMANDS.map(([name]) => name))
  for (const [name, ...flags] of COMMANDS) {
    const [more, other] = await Promise.all([holdfast('help', name), holdfast(name, '--help')])
    expect(more).toEqual(other)
    expect(more.code).toBe(0)
    expect(more.out.match(/^  (--\w+) /gm)?.map((flag) => flag.trim())).toEqual(flags)
  }
}, 20_000)

test('version is that of the package', async () => {
  const { version } = (await Bun.file(new URL('../package.json', import.meta.url)).json()) as { readonly version: string }
  expect(await holdfast('version')).toEqual({ code: 0, out: `${version}\n`, errors: '' })
})

const NOT_UNDERSTOOD: readonly (readonly [args: readonly string[], says: string])[] = [
  [['srve'], 'There is no command "srve". Did you mean "serve"?'],
  [['help', 'cals'], 'Did you mean "calls"?'],
  [['serve', '--prot', '1'], 'serve has no flag --prot. Did you mean --port?'],
  [['--confg=x'], 'Did you mean --config?'],
  [['serve', 'x'], '"x" says nothing to serve.'],
  [['serve', '--port'], '--port needs a value: --port PORT.'],
  [['serve', '--data', '--port', '1'], '--data needs a value'],
  [['check', '--json=yes'], '--json takes no value.'],
  [['serve', '--port', 'x'], '--port: "x" is no port.'],
  [['key', 'make'], 'holdfast key create NAME'],
  [['calls', '--since', 'never'], 'holdfast calls'],
]

for (const [args, says] of NOT_UNDERSTOOD) {
  test(`${args.join(' ')} is not understood: exit code 2, and what was meant`, async () => {
    const { code, out, errors } = await holdfast(...args)
    expect(errors).toContain(says)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
}

test('what cannot be done ends with exit code 1 and says why', async () => {
  expect(await holdfast('reload', '--data', 'nowhere')).toEqual({
    code: 1,
    out: '',
    errors: 'No server runs on the data folder nowhere. Name its folder with --data (HOLDFAST_DATA).\n',
  })
  expect((await holdfast('check', '--config', 'nowhere.yaml')).code).toBe(1)
})
