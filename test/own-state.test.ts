import { describe, expect, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, timed } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { healthy, WireServer } from './upstreams/index.ts'
import { startWorld, type World } from './world.ts'

const TEXT = 'An answer, whatever the disk does.'

async function expectAnswers(world: World, calls = 20): Promise<void> {
  for (let n = 0; n < calls; n++) {
    const { ms, result } = await timed(() => world.ask(n % 2 === 0))
    expect(result.text).toBe(TEXT)
    expect(ms).toBeLessThan(500)
  }
  expect((await world.get('/healthz')).status).toBe(200)
}

async function databasesOf(world: World): Promise<string[]> {
  const names = await readdir(world.place.dataFolder, { recursive: true })
  return names.filter((name) => /\.(db|sqlite)$/.test(name)).map((name) => join(world.place.dataFolder, name))
}

describe('O1 the data folder is gone at boot', () => {
  const breakages: readonly [string, (folder: string) => Promise<void>][] = [
    ['it is a file', (folder) => writeFile(join(folder, 'data'), 'not a folder')],
    [
      'its database is garbage',
      async (folder) => {
        await mkdir(join(folder, 'data'))
        for (const name of ['holdfast.db', 'holdfast.sqlite', 'data.db', 'store.db'])
          await writeFile(join(folder, 'data', name), 'garbage '.repeat(1_000))
      },
    ],
    [
      'its database is a folder',
      async (folder) => {
        for (const name of ['holdfast.db', 'holdfast.sqlite', 'data.db', 'store.db'])
          await mkdir(join(folder, 'data', name), { recursive: true })
      },
    ],
    [
      'it may not be written',
      async (folder) => {
        await mkdir(join(folder, 'data'))
        await chmod(join(folder, 'data'), 0o555)
      },
    ],
  ]
  for (const [name, prepare] of breakages) {
    test(`${name}: calls are answered all the same`, async () => {
      await using upstream = await WireServer.listen(healthy({ text: TEXT }))
      await using world = await startWorld({ env: ENV, config: routeOver([upstream]), prepare })
      await expectAnswers(world)
      await expectReady(world)
    })
  }
})

describe('O1 the database is gone under load', () => {
  test('locked by somebody else: calls are answered, none waits', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    await expectAnswers(world, 4)
    const files = await databasesOf(world)
    expect(files.length).toBeGreaterThan(0)
    const locks = files.map((file) => new Database(file))
    for (const lock of locks) lock.run('BEGIN EXCLUSIVE')
    await expectAnswers(world, 60)
    await expectReady(world)
    for (const lock of locks) {
      lock.run('ROLLBACK')
      lock.close()
    }
    await expectAnswers(world, 4)
  })

  test('overwritten with garbage: calls are answered', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    await expectAnswers(world, 4)
    for (const name of await readdir(world.place.dataFolder))
      await writeFile(join(world.place.dataFolder, name), 'garbage '.repeat(4_000)).catch(() => undefined)
    await expectAnswers(world, 60)
    await expectReady(world)
  })

  test('the whole folder removed: calls are answered', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    await expectAnswers(world, 4)
    await rm(world.place.dataFolder, { recursive: true, force: true })
    await expectAnswers(world, 60)
    await expectReady(world)
  })
})

describe('O2 readiness', () => {
  test('does not depend on the database, and says when no upstream can serve', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({ env: ENV, config: routeOver([upstream]) })
    await expectReady(world)
  })

  test('a record that could not be written is counted', async () => {
    await using upstream = await WireServer.listen(healthy({ text: TEXT }))
    await using world = await startWorld({
      env: ENV,
      config: routeOver([upstream]),
      prepare: (folder) => writeFile(join(folder, 'data'), 'x'),
    })
    await expectAnswers(world, 4)
    await eventually(
      'a metric counts what is not written',
      async () => {
        const metrics = world.send('/metrics', { method: 'GET' })
        await metrics.ended
        return /^holdfast_access_log_(dropped|pending)(\{.*\})? [1-9]/m.test(metrics.body.toString())
      },
      4_000,
    )
  })
})

async function expectReady(world: World): Promise<void> {
  const ready = await world.get('/readyz')
  expect(ready.status).toBe(200)
}
