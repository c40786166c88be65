import { expect, test } from 'bun:test'
import { eventually } from './eventually.ts'
import { routeOver } from './routes.ts'
import { runCommand, startProcess } from './serve-process.ts'
import { beginning, reply, resetAtOnce, WireServer, writer } from './upstreams/index.ts'

const TEXT = 'Recorded with its attempts, and without a word of what was said.'

interface SeenRecord {
  readonly id: string
  readonly model: string
  readonly outcome: string
  readonly status: number
  readonly upstream: string | null
  readonly stream: boolean
  readonly attempts: readonly { readonly upstream: string; readonly outcome: string; readonly rescue: string | null }[]
}

/** The records that `holdfast calls --json` prints, in any of its forms. */
function recordsOf(output: string): SeenRecord[] {
  const text = output.trim()
  return text.startsWith('[')
    ? JSON.parse(text)
    : text
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
}

test('holdfast calls: one record per call with every attempt, failures alone on request, never any content', async () => {
  await using a = await WireServer.listen(resetAtOnce)
  await using b = await WireServer.listen(writer(TEXT))
  await using server = await startProcess(routeOver([a, b]))
  const failedOver = await server.stream()
  a.behave = beginning({ text: TEXT }, 4, [{ wait: 5 }, 'rst'])
  const rescued = await server.stream()
  b.behave = reply({ status: 500, body: '{}' })
  a.behave = resetAtOnce
  const failed = await server.post()
  await server.post({ model: 'nobody' })
  expect(failed.status).toBe(502)
  const read = async (...flags: readonly string[]): Promise<SeenRecord[]> =>
    recordsOf((await runCommand(server.place, 'calls', '--json', ...flags)).output)
  await eventually('the calls are written', async () => (await read()).length >= 3, 5_000)
  const records = await read()
  const byId = (result: typeof failed): SeenRecord | undefined =>
    records.find((record) => record.id === result.headers.get('x-holdfast-call'))
  expect(byId(failedOver)).toMatchObject({ outcome: 'ok', status: 200, upstream: 'b/m', model: 'assistant', stream: true })
  expect(byId(failedOver)?.attempts.map((attempt) => attempt.upstream)).toEqual(['a/m', 'b/m'])
  expect(byId(rescued)?.attempts.at(-1)?.rescue).toBeString()
  expect(byId(failed)).toMatchObject({ status: 502, upstream: null, stream: false })
  expect((await read('--failed')).map((record) => record.id)).toEqual([failed.headers.get('x-holdfast-call') ?? ''])
  expect(JSON.stringify(records)).not.toContain('without a word')
}, 20_000)
