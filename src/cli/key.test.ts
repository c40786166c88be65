import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Database } from 'bun:sqlite'
import { type Clock, createLogger, systemClock } from '#base'
import { InProcessBus } from '#bus'
import { Keys } from '#auth'
import { databaseFile, openStore } from '#store'
import { keyCommand } from './key.ts'

let folder = ''

const SCRIPT = join(import.meta.dir, 'fixtures', 'run-command.ts')

interface Run {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** A clock whose waits are short, for a command that waits for a lock. */
const HASTY: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 10, fn) }

async function key(...args: string[]): Promise<Run> {
  return keyAt(systemClock, ...args)
}

async function keyAt(clock: Clock, ...args: string[]): Promise<Run> {
  let out = ''
  let error = ''
  const code = await keyCommand(args, {
    dataFolder: folder,
    clock,
    write: (text) => void (out += text),
    writeError: (text) => void (error += text),
    colour: false,
    signal: new AbortController().signal,
  })
  return { code, out, error }
}

/** Who a server on this data folder takes the bearer of a key for. */
async function who(secret: string): Promise<string> {
  const logger = createLogger({ clock: systemClock, level: 'silent', format: 'json', write: () => undefined })
  await using store = openStore({ file: databaseFile(folder), clock: systemClock, logger })
  await using keys = await Keys.open({
    store,
    dataFolder: folder,
    clock: systemClock,
    logger,
    bus: new InProcessBus(),
    ownerAllowed: false,
  })
  const caller = { host: 'localhost', origin: null, forwarded: false, remoteAddress: '127.0.0.1' }
  return keys.identify({ ...caller, authorization: `Bearer ${secret}` }).name
}

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'holdfast-key-')), 'data')
})

afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

describe('holdfast key', () => {
  test('create shows a key once, keeps its hash only, and says when the owner mode ends', async () => {
    const first = await key('create', 'app', '--scope', 'call', '--scope', 'metrics', '--limit', '60/m')
    expect(first.code).toBe(0)
    const secret = first.out.trim()
    expect(secret).toMatch(/^hf_[\w-]{43}$/)
    expect(first.error).toContain('not shown again')
    expect(first.error).toContain('every call needs one')
    expect((await key('create', 'second')).error).not.toContain('every call needs one')
    expect(await who(secret)).toBe('app')
    const listed = await key('list')
    expect(listed.out).toMatch(/app +hf_.{6}… +call metrics +60\/m/)
    expect(listed.out + JSON.stringify(await key('list', '--json'))).not.toContain(secret.slice(0, 12))
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'latin1').includes(secret)).toBe(false)
  })

  test('with --json the answer is one object, and the list is one array', async () => {
    const created = JSON.parse((await key('create', 'app', '--json')).out)
    expect(created).toMatchObject({ name: 'app', scopes: ['call'], limit: null, first: true, revokedAt: null })
    expect(await who(created.key)).toBe('app')
    const [listed] = JSON.parse((await key('list', '--json')).out)
    expect(listed).toMatchObject({ id: created.id, name: 'app', prefix: created.key.slice(0, 9) })
    expect(Object.keys(listed)).not.toContain('hash')
  })

  test('revoke takes an id or a name; a name may be used again afterwards', async () => {
    const { id, key: secret } = JSON.parse((await key('create', 'app', '--json')).out)
    expect((await key('create', 'app')).error).toContain('There is a key named "app" already')
    expect((await key('revoke', 'app')).code).toBe(0)
    expect(who(secret)).rejects.toThrow('was revoked')
    const second = await key('create', 'app')
    expect(await who(second.out.trim())).toBe('app')
    expect((await key('revoke', id)).code).toBe(0)
    expect(await who(second.out.trim())).toBe('app')
    expect(await key('revoke', 'nobody')).toMatchObject({ code: 1, out: '' })
  })

  test('a list where there is nothing makes nothing', async () => {
    expect(await key('list')).toMatchObject({ code: 0, out: expect.stringContaining('There are no keys') })
    expect(JSON.parse((await key('list', '--json')).out)).toEqual([])
    expect(existsSync(folder)).toBe(false)
  })

  test.each([
    [[]],
    [['make']],
    [['create']],
    [['create', 'a', 'b']],
    [['create', 'a', '--scope', 'root']],
    [['create', 'a', '--limit', '60']],
    [['create', '-a']],
    [['create', 'a\nb']],
    [['create', '']],
    [['create', 'x'.repeat(65)]],
    [['list', 'a']],
    [['list', '--limit', '1/s']],
    [['revoke']],
    [['create', 'a', '--nothing']],
  ])('%j is refused with 2, and nothing is made', async (args) => {
    const run = await key(...args)
    expect(run.code).toBe(2)
    expect(run.out).toBe('')
    expect(run.error).not.toBe('')
    expect(existsSync(folder)).toBe(false)
  })

  test('keys that only the file knows are given back to a database that was lost', async () => {
    const secret = (await key('create', 'app')).out.trim()
    for (const suffix of ['', '-wal', '-shm']) rmSync(databaseFile(folder) + suffix, { force: true })
    const second = await key('create', 'second')
    expect(second.error).not.toContain('the first key')
    expect(await who(secret)).toBe('app')
    expect((await key('revoke', 'app')).code).toBe(0)
    expect(who(secret)).rejects.toThrow('was revoked')
  })

  test('commands that run at once all leave their key in the database and in the file', async () => {
    const names = ['a', 'b', 'c', 'd']
    const codes = await Promise.all(
      names.map(
        (name) => Bun.spawn([process.execPath, SCRIPT, folder, 'key', 'create', name], { stdout: 'ignore', stderr: 'ignore' }).exited,
      ),
    )
    expect(codes).toEqual([0, 0, 0, 0])
    const listed: { name: string }[] = JSON.parse((await key('list', '--json')).out)
    expect(listed.map((one) => one.name).toSorted()).toEqual(names)
    const kept: { keys: { name: string }[] } = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8'))
    expect(kept.keys.map((one) => one.name).toSorted()).toEqual(names)
  })

  test('a locked or damaged database is named, and nothing is set aside', async () => {
    await key('create', 'app')
    const other = new Database(databaseFile(folder))
    other.run('begin exclusive')
    const locked = await keyAt(HASTY, 'create', 'second')
    expect(locked).toMatchObject({ code: 1, out: '' })
    expect(locked.error).toContain('The database is not available')
    other.close()
    writeFileSync(databaseFile(folder), 'not a database'.repeat(100))
    const damaged = await key('create', 'third')
    expect(damaged).toMatchObject({ code: 1, out: '', error: expect.stringContaining('not a database') })
    expect(readdirSync(folder).some((name) => name.includes('corrupt'))).toBe(false)
  })
})
