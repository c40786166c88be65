import { describe, expect, test } from 'bun:test'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { ENV, routeOver } from './routes.ts'
import { framesOf, healthy, play, stepsOf, WireServer } from './upstreams/index.ts'
import { startWorld } from './world.ts'

const OLD = 'the old one answers, word by word by word'
const NEW = 'the new one answers'

describe('C1 a bad document never becomes current', () => {
  const bad: readonly [string, string][] = [
    ['not YAML', 'providers: [}'],
    ['an unknown key', '{"providers":{"a":{"kind":"openai-compatible","baseUrl":"http://127.0.0.1:1/v1","wheight":1}}}'],
    ['a reference to nothing', '{"providers":{},"models":{"assistant":{"upstreams":["nobody/m"]}}}'],
    [
      'a missing variable',
      '{"providers":{"a":{"kind":"openai-compatible","baseUrl":"http://127.0.0.1:1/v1","apiKey":"${NOT_SET_ANYWHERE}"}}}',
    ],
    [
      'an alias bomb',
      `a: &a [x,x]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`},*${i === 0 ? 'a' : `b${i - 1}`}]`).join('\n')}`,
    ],
    ['nested 5,000 deep', '['.repeat(5_000)],
    ['NUL bytes', 'providers: {}\u0000'],
    ['__proto__', '{"__proto__":{"polluted":true},"providers":{}}'],
    ['nothing', ''],
  ]
  test('whatever is wrong with it: the old one goes on, log and metric say so, and a good one is taken afterwards', async () => {
    await using a = await WireServer.listen(healthy({ text: OLD }))
    await using b = await WireServer.listen(healthy({ text: NEW }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    for (const [name, document] of bad) {
      const before = world.log.length
      await world.place.writeConfig(document)
      await eventually(`the log refuses ${name}`, () => world.log.slice(before).some((line) => /"level":"(error|warn)"/.test(line)), 5_000)
      expect((await world.post()).text, name).toBe(OLD)
      const ready = await world.get('/readyz')
      expect(ready.status, name).toBe(200)
      expect(ready.json, name).toHaveProperty('config.refused_at', expect.any(String))
      const metrics = world.send('/metrics', { method: 'GET' })
      await metrics.ended
      expect(metrics.body.toString(), name).toContain('holdfast_config_refused 1')
    }
    await world.place.writeConfig(routeOver([b]))
    await eventually('the good one is current', async () => (await world.post()).text === NEW, 5_000)
    expect('polluted' in {}).toBe(false)
  })

  test('a broken file at boot starts the last good version', async () => {
    await using a = await WireServer.listen(healthy({ text: OLD }))
    const good = await startWorld({ env: ENV, config: routeOver([a]) })
    expect((await good.post()).text).toBe(OLD)
    await good.stop()
    const kept = await readdir(good.place.dataFolder)
    expect(kept.length).toBeGreaterThan(0)
    const { cp } = await import('node:fs/promises')
    await using world = await startWorld({
      env: ENV,
      config: 'providers: [}',
      prepare: (folder) => cp(good.place.dataFolder, join(folder, 'data'), { recursive: true }),
    })
    await good[Symbol.asyncDispose]()
    expect((await world.post()).text).toBe(OLD)
    expect(world.log.join('')).toContain('holdfast.yaml')
  })
})

describe('C2 a swap', () => {
  test('editors that replace the file are noticed', async () => {
    await using a = await WireServer.listen(healthy({ text: OLD }))
    await using b = await WireServer.listen(healthy({ text: NEW }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const beside = join(world.place.folder, '.holdfast.yaml.tmp')
    await writeFile(beside, JSON.stringify(routeOver([b])))
    await rename(beside, world.place.configFile)
    await eventually('the new one is current', async () => (await world.post()).text === NEW, 5_000)
  })

  test('calls in flight keep the snapshot that they began with', async () => {
    await using a = await WireServer.listen((exchange) =>
      play([...stepsOf(framesOf({ text: OLD }, exchange.asked)), { data: '[DONE]' }], { pace: 60 })(exchange),
    )
    await using b = await WireServer.listen(healthy({ text: NEW }))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    const flying = world.stream()
    await eventually('it is in flight', () => a.requests.length === 1)
    await world.place.writeConfig(routeOver([b]))
    await eventually('the new one is current', async () => (await world.post()).text === NEW, 5_000)
    expect((await flying).text).toBe(OLD)
  })

  test('under load not one call fails', async () => {
    const pace = (text: string): ReturnType<typeof healthy> => healthy({ text }, { pace: 3 })
    await using a = await WireServer.listen(pace(OLD))
    await using b = await WireServer.listen(pace(NEW))
    await using world = await startWorld({ env: ENV, config: routeOver([a]) })
    let running = true
    const texts: string[] = []
    const caller = async (): Promise<void> => {
      while (running) texts.push((await world.ask(texts.length % 2 === 0)).text)
    }
    const callers = Array.from({ length: 8 }, caller)
    for (let n = 0; n < 6; n++) {
      const [server, text] = n % 2 === 0 ? ([b, NEW] as const) : ([a, OLD] as const)
      await world.place.writeConfig(n === 3 ? 'broken: [' : routeOver([server]))
      if (n !== 3) await eventually('it is current', async () => (await world.post()).text === text, 5_000)
    }
    running = false
    await Promise.all(callers)
    expect(texts.length).toBeGreaterThan(50)
    expect(texts.filter((text) => text !== OLD && text !== NEW)).toEqual([])
  })
})
