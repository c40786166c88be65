import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '#base'
import { BUN, end, plainEnvironment, ROOT } from './child.ts'
import { accepts, freePort } from './ports.ts'
import { type BenchRoute, SILENT_MS } from './routes.ts'

/** How it is started: the program itself, or what people type. */
export type Start = 'bun' | 'npm'

/** One `holdfast serve` in a process of its own, with a data folder of its own. */
export class Holdfast implements AsyncDisposable {
  readonly port: number
  readonly pid: number
  /** Ms from the start of the process to the first whole answer. */
  readonly firstAnswerMs: number
  readonly #child: Bun.Subprocess
  readonly #start: Start

  private constructor(child: Bun.Subprocess, start: Start, port: number, firstAnswerMs: number) {
    this.#child = child
    this.#start = start
    this.port = port
    this.pid = child.pid
    this.firstAnswerMs = firstAnswerMs
  }

  /** Starts it and waits for its first answer. */
  static async start(folder: string, routes: readonly BenchRoute[], start: Start = 'bun'): Promise<Holdfast> {
    const home = await mkdtemp(join(folder, 'holdfast-'))
    const config = join(home, 'holdfast.yaml')
    await writeFile(config, configText(routes))
    const port = await freePort()
    const program = start === 'bun' ? [...BUN, 'src/main.ts', 'serve'] : ['npm', 'start', '--silent', '--']
    const log = join(home, 'log')
    const startedAt = performance.now()
    const child = Bun.spawn([...program, '--port', String(port), '--data', join(home, 'data'), '--config', config], {
      cwd: ROOT,
      stdio: ['ignore', Bun.file(log), Bun.file(log)],
      // As bin/holdfast.mjs sets it.
      env: { ...plainEnvironment(), NODE_ENV: 'production', MIMALLOC_PURGE_DELAY: '1000', HOLDFAST_LOG: 'warn:json' },
      // A group of its own: npm passes no signal on to what it has started.
      detached: start === 'npm',
    })
    try {
      await accepts(port)
      await answers(port)
    } catch (cause) {
      await end(child)
      throw new AppError(`Holdfast did not start: ${await Bun.file(log).text()}`, { code: 'no_holdfast', cause })
    }
    return new Holdfast(child, start, port, performance.now() - startedAt)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#start === 'npm' && this.#child.exitCode === null) process.kill(-this.#child.pid, 'SIGTERM')
    await end(this.#child)
  }
}

async function answers(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'good', messages: [{ role: 'user', content: 'Hello' }] }),
    proxy: '',
  })
  const text = await response.text()
  if (response.status !== 200) throw new AppError(`The first answer was ${response.status}: ${text}`, { code: 'no_answer' })
}

/** JSON is YAML too. */
function configText(routes: readonly BenchRoute[]): string {
  const entries = routes.flatMap(({ name, ports }) =>
    ports.map((port, i) => [`${name}-${i}`, { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${port}/v1` }] as const),
  )
  const models = routes.map(({ name, ports, insists }) => [
    name,
    {
      upstreams: ports.map((_, i) => ({ upstream: `${name}-${i}/bench-1`, continuation: 'prefill' })),
      ...(insists ? { breaker: { failures: 1_000_000, minimum: 1_000_000 } } : {}),
      ...(name.startsWith('silent') ? { deadlines: { headers: `${SILENT_MS}ms`, firstToken: `${SILENT_MS}ms` } } : {}),
    },
  ])
  const limits = { concurrency: 10_000 }
  return JSON.stringify({ providers: Object.fromEntries(entries), models: Object.fromEntries(models), limits }, null, 2)
}
