import { AppError, systemClock } from '#base'
import { eventually } from './eventually.ts'
import { routeOver } from './routes.ts'
import { startProcess, type ServeProcess } from './serve-process.ts'
import { beginning, type Behaviour, byMode, healthy, partOfJson, reply, resetAtOnce, WireServer, writer } from './upstreams/index.ts'

export interface SoakOptions {
  readonly calls: number
  /** Calls in flight. */
  readonly width: number
  /** Shares of calls that the client leaves, and that meet a fault at the first upstream. */
  readonly aborted: number
  readonly faulted: number
  /** Told the progress now and then. */
  readonly onProgress?: (line: string) => void
}

export interface SoakReport {
  readonly whole: number
  readonly left: number
  /** Calls that ended in anything but the whole answer. */
  readonly wrong: readonly string[]
  /** Resident memory of the server, MiB: after a tenth of the calls, and at the end. */
  readonly memory: { readonly warm: number; readonly end: number; readonly most: number }
  readonly descriptors: { readonly warm: number; readonly end: number }
  /** Upstream connections that are open a moment after the last call. */
  readonly openUpstream: number
  readonly seconds: number
}

const TEXT = 'Kelp holds fast, word by word, until the answer is whole. '.repeat(3)

const FAULTS: readonly Behaviour[] = [
  resetAtOnce,
  reply({ status: 500, body: '{"error":{"message":"The server had an error.","type":"server_error"}}' }),
  reply({ status: 429, body: '{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}' }),
  reply({ status: 200, contentType: 'text/html', body: '<html></html>' }),
  byMode(beginning({ text: TEXT }, 6, ['rst']), partOfJson({ text: TEXT }, 0.5, 'rst')),
  byMode(beginning({ text: TEXT }, 6, ['end']), partOfJson({ text: TEXT }, 0.5, 'fin')),
  byMode(beginning({ text: TEXT }, 6, [{ data: '{"error":{"message":"Overloaded"}}' }, 'end']), resetAtOnce),
]

/** Many calls against a real node, some left by the client, some met by a fault; every other one must be whole. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  let turn = 0
  const faultEvery = Math.max(1, Math.round(1 / options.faulted))
  await using first = await WireServer.listen((exchange) => {
    const fault = ++turn % faultEvery === 0 ? FAULTS[(turn / faultEvery) % FAULTS.length] : undefined
    return (fault ?? healthy({ text: TEXT }))(exchange)
  })
  await using second = await WireServer.listen(writer(TEXT))
  const model = { breaker: { failures: 1_000_000, minimum: 1_000_000 }, balance: 'least-loaded' }
  await using server = await startProcess(routeOver([first, second], { model }), { HOLDFAST_LOG: 'error' })
  const startedAt = systemClock.monotonic()
  const counts = { begun: 0, whole: 0, left: 0 }
  const wrong: string[] = []
  const seen = { warm: 0, most: 0, descriptors: 0 }
  const worker = async (): Promise<void> => {
    while (counts.begun < options.calls) {
      const n = counts.begun++
      if (n === Math.floor(options.calls / 10)) {
        seen.warm = await server.memory()
        seen.descriptors = await server.descriptors()
      }
      if (n % Math.ceil(options.calls / 20) === 0) {
        seen.most = Math.max(seen.most, await server.memory())
        options.onProgress?.(
          `${n} calls, ${(await server.memory()).toFixed(0)} MiB, ${await server.descriptors()} descriptors, ${wrong.length} wrong`,
        )
      }
      const abort = (n * 7919) % 1_000 < options.aborted * 1_000
      await (abort ? leave(server, n) : whole(server, n, wrong))
      if (abort) counts.left++
      else counts.whole++
    }
  }
  await Promise.all(Array.from({ length: options.width }, worker))
  const seconds = (systemClock.monotonic() - startedAt) / 1_000
  await eventually('no call is under way upstream', () => first.openSockets + second.openSockets <= 2 * options.width, 5_000)
  return {
    whole: counts.whole,
    left: counts.left,
    wrong,
    memory: { warm: seen.warm, end: await server.memory(), most: seen.most },
    descriptors: { warm: seen.descriptors, end: await server.descriptors() },
    openUpstream: first.openSockets + second.openSockets,
    seconds,
  }
}

async function whole(server: ServeProcess, n: number, wrong: string[]): Promise<void> {
  try {
    const result = await server.ask(n % 3 !== 0)
    if (result.text !== TEXT) wrong.push(`${n}: ${result.status} ${result.error?.code ?? ''} ${result.text.slice(-40)}`)
  } catch (error) {
    wrong.push(`${n}: ${String(error)}`)
  }
}

/** Leaves at once, after the head, or after some content. */
async function leave(server: ServeProcess, n: number): Promise<void> {
  const call = server.open({ stream: n % 2 === 0 })
  if (n % 3 > 0) await eventually('something comes', () => call.headAt !== undefined || call.ending !== undefined, 5_000)
  call.leave()
}

if (import.meta.main) {
  const calls = Number(process.argv[2] ?? 100_000)
  const report = await soak({ calls, width: 64, aborted: 0.3, faulted: 0.1, onProgress: (line) => process.stdout.write(`${line}\n`) })
  process.stdout.write(`${JSON.stringify({ ...report, wrong: report.wrong.slice(0, 20), wrongCount: report.wrong.length }, null, 2)}\n`)
  if (report.wrong.length > 0) throw new AppError(`${report.wrong.length} calls were not whole.`, { code: 'soak_failed' })
}
