import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Database } from 'bun:sqlite'
import { createLogger, sleep, systemClock } from '#base'
import { InProcessBus } from '#bus'
import { databaseFile, openStore, type Store } from '#store'
import { makeKey, type NewKey } from './api-key.ts'
import { AuthError } from './auth-error.ts'
import { addKey, loadKeys, revokeKey } from './key-table.ts'
import { Keys, KEYS_TOPIC, type KeysOptions, requireScope } from './keys.ts'
import type { Caller } from './owner-mode.ts'

const LOCAL: Caller = { authorization: null, host: 'localhost:8080', origin: null, forwarded: false, remoteAddress: '127.0.0.1' }

let folder = ''
let lines: string[] = []
let bus = new InProcessBus()

function logger(): KeysOptions['logger'] {
  return createLogger({ clock: systemClock, level: 'info', format: 'json', write: (line) => lines.push(line) })
}

function open(): Store {
  return openStore({ file: databaseFile(folder), clock: systemClock, logger: logger() })
}

function openKeys(store: Store, options: Partial<KeysOptions> = {}): Promise<Keys> {
  return Keys.open({ store, dataFolder: folder, clock: systemClock, logger: logger(), bus, ownerAllowed: true, ...options })
}

async function create(store: Store, wanted: NewKey = { name: 'app' }): Promise<string> {
  const { secret, key } = makeKey(systemClock, wanted)
  await addKey(store, key)
  return secret
}

function who(keys: Keys, secret?: string, change: Partial<Caller> = {}): string {
  try {
    return keys.identify({ ...LOCAL, authorization: secret === undefined ? null : `Bearer ${secret}`, ...change }).name
  } catch (error) {
    return error instanceof AuthError ? `${error.status} ${error.code}` : String(error)
  }
}

async function until(condition: () => boolean): Promise<number> {
  const began = systemClock.monotonic()
  while (!condition()) await sleep(systemClock, 5)
  return systemClock.monotonic() - began
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-auth-'))
  lines = []
  bus = new InProcessBus()
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('X2: who may call', () => {
  test('while there is no key, everybody at this machine is the owner, with a dummy key too', async () => {
    await using store = open()
    await using keys = await openKeys(store)
    expect(who(keys)).toBe('owner')
    expect(who(keys, 'sk-dummy')).toBe('owner')
    expect(who(keys, undefined, { authorization: 'Basic abc' })).toBe('owner')
    expect(who(keys, 'sk-dummy', { host: 'evil.example' })).toBe('403 host_not_local')
    const owner = keys.identify(LOCAL)
    expect(() => requireScope(owner, 'metrics')).not.toThrow()
    expect(() => keys.limit(owner)).not.toThrow()
  })

  test('where the owner mode is not allowed, nobody is the owner', async () => {
    await using store = open()
    await using keys = await openKeys(store, { ownerAllowed: false })
    expect(who(keys)).toBe('401 invalid_api_key')
    expect(() => keys.identify(LOCAL)).toThrow('holdfast key create NAME')
  })

  test('a known key brings its own scopes, from anywhere; others are refused', async () => {
    await using store = open()
    const secret = await create(store, { name: 'app' })
    await create(store, { name: 'boss', scopes: ['owner'] })
    await using keys = await openKeys(store)
    expect(who(keys, secret)).toBe('app')
    expect(who(keys, secret, { host: 'ai.example', origin: 'https://page.example', forwarded: true, remoteAddress: '10.0.0.1' })).toBe(
      'app',
    )
    expect(who(keys, undefined, { authorization: `bearer  ${secret} ` })).toBe('app')
    expect(who(keys, undefined, { apiKeyHeader: secret })).toBe('app')
    for (const wrong of [undefined, '', 'sk-dummy', secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), 'x'.repeat(100_000)]) {
      expect(who(keys, wrong)).toBe('401 invalid_api_key')
    }
    expect(who(keys, undefined, { authorization: secret })).toBe('401 invalid_api_key')
    const actor = keys.identify({ ...LOCAL, authorization: `Bearer ${secret}` })
    expect(actor).toMatchObject({ kind: 'key', scopes: ['call'] })
    expect(() => requireScope(actor, 'call')).not.toThrow()
    expect(() => requireScope(actor, 'metrics')).toThrow('lacks the scope "metrics"')
  })

  test('no error says anything of the credential that was sent', async () => {
    await using store = open()
    await create(store)
    await using keys = await openKeys(store)
    for (const host of ['localhost', 'evil.example']) {
      let message = ''
      try {
        keys.identify({ ...LOCAL, host, authorization: 'Bearer canary-4711' })
      } catch (error) {
        message = String(error)
      }
      expect(message).toContain('not known here')
      expect(message).not.toContain('canary')
    }
  })

  test('the owner mode ends with the first key for good, also when it is revoked', async () => {
    await using store = open()
    await using keys = await openKeys(store)
    expect(who(keys)).toBe('owner')
    const secret = await create(store)
    bus.publish({ topic: KEYS_TOPIC })
    await until(() => who(keys) !== 'owner')
    expect(who(keys, secret)).toBe('app')
    await revokeKey(store, 'app', systemClock.now())
    await until(() => who(keys, secret) !== 'app')
    expect(who(keys)).toBe('401 invalid_api_key')
    await using again = await openKeys(store)
    expect(who(again)).toBe('401 invalid_api_key')
    expect(() => again.identify({ ...LOCAL, authorization: `Bearer ${secret}` })).toThrow('was revoked')
  })
})

describe('keys that another process changes', () => {
  test('a key that the command made and revoked counts within a second', async () => {
    await using store = open()
    await using keys = await openKeys(store)
    const script = join(import.meta.dir, 'fixtures', 'change-keys.ts')
    const child = Bun.spawn([process.execPath, script, folder], { stdout: 'pipe', stdin: 'pipe', stderr: 'inherit' })
    const output = child.stdout.getReader()
    const said = async (): Promise<string> => new TextDecoder().decode((await output.read()).value).trim()
    const secret = await said()
    expect(await until(() => who(keys, secret) === 'app')).toBeLessThan(1_000)
    child.stdin.write('revoke\n')
    child.stdin.flush()
    expect(await said()).toBe('revoked')
    expect(await until(() => who(keys, secret) !== 'app')).toBeLessThan(1_000)
    child.stdin.end()
    expect(await child.exited).toBe(0)
  })
})

describe('O1: keys without the database', () => {
  /** Makes a key and runs once with it, as a server does. */
  async function runOnce(wanted?: NewKey): Promise<string> {
    await using store = open()
    const secret = wanted ? await create(store, wanted) : ''
    await using keys = await openKeys(store)
    await until(() => fileExists())
    expect(keys.ownerMode).toBe(!wanted)
    return secret
  }

  function fileExists(): boolean {
    return statSync(join(folder, 'keys.json'), { throwIfNoEntry: false }) !== undefined
  }

  function loseDatabase(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(databaseFile(folder) + suffix, { force: true })
  }

  test('X1: neither the file nor the database holds a key, and only their owner may read the file', async () => {
    const secret = await runOnce({ name: 'app' })
    const path = join(folder, 'keys.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    for (const file of [path, databaseFile(folder)]) {
      const content = readFileSync(file, 'latin1')
      expect(content).toContain(new Bun.CryptoHasher('sha256').update(secret).digest('hex'))
      expect(content).not.toContain(secret.slice(0, 20))
    }
  })

  test('a start without the database knows the keys, and lets nobody in without one', async () => {
    const secret = await runOnce({ name: 'app' })
    loseDatabase()
    mkdirSync(databaseFile(folder))
    await using store = open()
    await using keys = await openKeys(store)
    expect(who(keys, secret)).toBe('app')
    expect(who(keys)).toBe('401 invalid_api_key')
    expect(who(keys, 'sk-wrong')).toBe('401 invalid_api_key')
    rmSync(databaseFile(folder), { recursive: true })
    await until(() => store.state.status === 'ready')
    await until(() => lines.some((line) => line.includes('written back')))
    expect(who(keys, secret)).toBe('app')
  })

  test('a database that was lost gets its keys back, and nobody becomes the owner', async () => {
    const secret = await runOnce({ name: 'app', limit: '60/m' })
    loseDatabase()
    await using store = open()
    await using keys = await openKeys(store)
    expect(who(keys, secret)).toBe('app')
    expect(who(keys)).toBe('401 invalid_api_key')
    expect(lines.join('')).toContain('it was lost or replaced')
    const stored = await loadKeys(store)
    expect([...stored.keys.values()]).toMatchObject([{ name: 'app', limit: { calls: 60, windowMs: 60_000 } }])
  })

  test('a database that is lost under a running server gets its keys back', async () => {
    await using store = open()
    const secret = await create(store)
    await using keys = await openKeys(store)
    loseDatabase()
    await until(() => lines.some((line) => line.includes('written back')))
    expect(who(keys, secret)).toBe('app')
    expect(who(keys)).toBe('401 invalid_api_key')
  })

  test('a database from before a revocation does not bring the key back', async () => {
    await using store = open()
    const secret = await create(store)
    {
      await using keys = await openKeys(store)
      expect(who(keys, secret)).toBe('app')
      await revokeKey(store, 'app', systemClock.now())
      await until(() => who(keys, secret) !== 'app')
      await until(() => !readFileSync(join(folder, 'keys.json'), 'utf8').includes('"revokedAt": null'))
    }
    await store.transact((database) => database.updateTable('api_key').set({ revoked_at: null }).execute())
    await using keys = await openKeys(store)
    expect(who(keys, secret)).toBe('401 invalid_api_key')
    expect([...(await loadKeys(store)).keys.values()][0]?.revokedAt).not.toBeNull()
  })

  test('a start without the database where there never was a key: the owner is let in', async () => {
    await runOnce()
    const holder = new Database(databaseFile(folder))
    holder.run('pragma locking_mode = exclusive')
    holder.run('begin exclusive')
    await using store = open()
    await using keys = await openKeys(store)
    expect(store.state.status).toBe('unavailable')
    expect(who(keys)).toBe('owner')
    holder.close()
  })

  test('a folder that cannot hold a database has no keys: the owner is let in', async () => {
    writeFileSync(join(folder, 'file'), '')
    const dataFolder = join(folder, 'file', 'data')
    await using store = openStore({ file: databaseFile(dataFolder), clock: systemClock, logger: logger() })
    await using keys = await openKeys(store, { dataFolder })
    expect(who(keys)).toBe('owner')
  })

  test('law 4: where nobody knows whether there are keys, it is 503 and not 401, until the database is back', async () => {
    const secret = await runOnce({ name: 'app' })
    rmSync(join(folder, 'keys.json'))
    const holder = new Database(databaseFile(folder))
    holder.run('pragma locking_mode = exclusive')
    holder.run('begin exclusive')
    await using store = open()
    const began = systemClock.monotonic()
    await using keys = await openKeys(store)
    expect(systemClock.monotonic() - began).toBeLessThan(1_500)
    expect(who(keys)).toBe('503 keys_unavailable')
    expect(who(keys, secret)).toBe('503 keys_unavailable')
    expect(() => keys.identify(LOCAL)).toThrow('locked by another process')
    holder.close()
    await until(() => who(keys, secret) === 'app')
    expect(who(keys)).toBe('401 invalid_api_key')
    await until(() => fileExists())
  })

  test('a damaged file and an empty database: nobody is let in, until somebody says that there never was a key', async () => {
    writeFileSync(join(folder, 'keys.json'), '{"version":1,"ke')
    await using store = open()
    await using keys = await openKeys(store)
    expect(who(keys)).toBe('503 keys_unavailable')
    rmSync(join(folder, 'keys.json'))
    await until(() => who(keys) === 'owner')
  })

  test('a damaged file is written anew from the database', async () => {
    await using store = open()
    const secret = await create(store)
    writeFileSync(join(folder, 'keys.json'), '[]')
    await using keys = await openKeys(store)
    expect(who(keys, secret)).toBe('app')
    expect(JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8'))).toMatchObject({ version: 1, keys: [{ name: 'app' }] })
  })

  test('the database goes while a server runs: nothing changes for callers', async () => {
    await using store = open()
    const secret = await create(store)
    await using keys = await openKeys(store)
    await store[Symbol.asyncDispose]()
    bus.publish({ topic: KEYS_TOPIC })
    await until(() => lines.some((line) => line.includes('stay in use')))
    expect(who(keys, secret)).toBe('app')
    expect(who(keys)).toBe('401 invalid_api_key')
    await sleep(systemClock, 1_100)
    expect(lines.filter((line) => line.includes('stay in use'))).toHaveLength(1)
  })
})

describe('limits and uses', () => {
  test('a key beyond its limit gets 429 and the time to wait; others are not affected', async () => {
    await using store = open()
    const secret = await create(store, { name: 'small', limit: '2/h' })
    const other = await create(store, { name: 'other' })
    await using keys = await openKeys(store)
    const actor = keys.identify({ ...LOCAL, authorization: `Bearer ${secret}` })
    keys.limit(actor)
    keys.limit(actor)
    let error: unknown
    try {
      keys.limit(actor)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(error instanceof AuthError && error.retryAfterMs).toBeGreaterThan(3_590_000)
    expect(() => keys.limit(keys.identify({ ...LOCAL, authorization: `Bearer ${other}` }))).not.toThrow()
    // A change of the keys does not begin the count anew.
    await create(store, { name: 'third' })
    bus.publish({ topic: KEYS_TOPIC })
    await until(() => keys.all.size === 3)
    expect(() => keys.limit(actor)).toThrow('used up')
  })

  test('the last use is noted, at the latest when the server ends', async () => {
    await using store = open()
    const secret = await create(store)
    {
      await using keys = await openKeys(store)
      expect(who(keys, secret)).toBe('app')
    }
    const [key] = (await loadKeys(store)).keys.values()
    expect(systemClock.now() - (key?.lastUsedAt ?? 0)).toBeLessThan(5_000)
  })

  test('identifying a known key costs a few microseconds at most, and unknown ones leave nothing behind', async () => {
    await using store = open()
    const secret = await create(store)
    await using keys = await openKeys(store)
    const caller = { ...LOCAL, authorization: `Bearer ${secret}` }
    for (let i = 0; i < 20_000; i++) keys.identify(caller)
    const began = systemClock.monotonic()
    for (let i = 0; i < 100_000; i++) keys.identify(caller)
    const micros = (systemClock.monotonic() - began) / 100
    console.info(`identify: ${micros.toFixed(2)} µs`)
    expect(micros).toBeLessThan(5)
    Bun.gc(true)
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 100_000; i++) who(keys, `sk-${i}${'x'.repeat(100)}`)
    Bun.gc(true)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
  })
})
