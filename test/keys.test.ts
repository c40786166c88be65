import { describe, expect, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { routeOver } from './routes.ts'
import { runCommand, type ServeProcess, startProcess } from './serve-process.ts'
import { healthy, WireServer } from './upstreams/index.ts'
import { Place } from './world.ts'

const TEXT = 'With a key.'

/** Makes a key; the secret that was printed. */
async function createKey(place: Place, ...args: readonly string[]): Promise<string> {
  const { code, output } = await runCommand(place, 'key', 'create', ...args, '--json')
  expect(code, output).toBe(0)
  const secret = /"(?:key|secret)": ?"([^"]+)"/.exec(output)?.[1] ?? ''
  expect(secret.length).toBeGreaterThan(20)
  return secret
}

async function statusWith(server: ServeProcess, key?: string): Promise<number> {
  return (await server.post({}, key === undefined ? {} : { authorization: `Bearer ${key}` })).status
}

describe('X1 X2 keys', () => {
  test('the first key ends the owner’s mode; it is stored hashed, limited, revoked within seconds', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using server = await startProcess(routeOver([upstream]))
    expect(await statusWith(server)).toBe(200)
    const key = await createKey(server.place, 'app')
    await eventually('calls without a key are refused', async () => (await statusWith(server)) === 401, 4_000)
    expect(await statusWith(server, key)).toBe(200)
    expect(await statusWith(server, `${key.slice(0, -1)}x`)).toBe(401)
    for (const entry of await readdir(server.place.dataFolder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name).not.toContain(key)
    }
    const limited = await createKey(server.place, 'limited', '--limit', '2/m')
    await eventually('the key is known', async () => (await statusWith(server, limited)) === 200, 4_000)
    const statuses = [await statusWith(server, limited), await statusWith(server, limited)]
    expect(statuses).toContain(429)
    expect((await runCommand(server.place, 'key', 'revoke', 'app')).code).toBe(0)
    await eventually('a revoked key is refused', async () => (await statusWith(server, key)) === 401, 4_000)
  }, 30_000)

  test('a key of scope metrics reads metrics and may not call', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using place = await Place.make(routeOver([upstream]))
    const key = await createKey(place, 'watcher', '--scope', 'metrics')
    await using server = await startProcess('', {}, place)
    expect(await statusWith(server, key)).toBe(403)
    expect((await server.get('/metrics', { authorization: `Bearer ${key}` })).status).toBe(200)
    expect((await server.get('/metrics')).status).toBe(200)
    expect((await server.get('/metrics', { 'x-forwarded-for': '10.0.0.1' })).status).toBe(401)
  }, 20_000)

  test('O1 known keys are answered when the database is locked, and when it is garbage at boot; never 401 by a fault of ours', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using place = await Place.make(routeOver([upstream]))
    const key = await createKey(place, 'app')
    {
      await using server = await startProcess('', {}, place)
      expect(await statusWith(server, key)).toBe(200)
      const [file = ''] = (await readdir(place.dataFolder)).filter((name) => name.endsWith('.db'))
      using lock = new Database(join(place.dataFolder, file))
      lock.run('BEGIN EXCLUSIVE')
      for (let n = 0; n < 10; n++) expect(await statusWith(server, key)).toBe(200)
      lock.run('ROLLBACK')
      await server.end()
      for (const name of await readdir(place.dataFolder))
        if (name.includes('.db')) await writeFile(join(place.dataFolder, name), 'garbage '.repeat(2_000))
      await using again = await startProcess('', {}, place)
      expect(await statusWith(again, key)).toBe(200)
      expect(await statusWith(again)).toBe(401)
    }
  }, 30_000)
})

describe('the process', () => {
  test('a second start on the same data folder names the process that holds it', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using server = await startProcess(routeOver([upstream]))
    const { code, output } = await runCommand(server.place, 'serve', '--port', '0')
    expect(code).not.toBe(0)
    expect(output).toContain(String(await server.pid()))
  }, 20_000)

  test('SIGTERM lets the calls under way end', async () => {
    await using upstream = await WireServer.listen(healthy({ text: 'one two three four five six seven eight' }, { pace: 60 }))
    await using server = await startProcess(routeOver([upstream]))
    const flying = server.stream()
    await eventually('it is in flight', () => upstream.requests.length === 1)
    const ended = server.end('SIGTERM')
    expect((await flying).text).toBe('one two three four five six seven eight')
    expect(await ended).toBe(0)
  }, 20_000)

  test('kill -9 leaves a data folder that starts again', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using place = await Place.make(routeOver([upstream]))
    const server = await startProcess('', {}, place)
    for (let n = 0; n < 20; n++) await server.post()
    await server.end('SIGKILL')
    await using again = await startProcess('', {}, place)
    expect((await again.post()).text).toBe(TEXT)
    await again.end()
  }, 20_000)
})
