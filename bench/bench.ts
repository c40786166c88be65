import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from './child.ts'
import { Holdfast } from './holdfast.ts'
import type { CallsJob, Job, JobReport, Target, UpstreamPorts } from './job.ts'
import { Nginx } from './nginx.ts'
import { type BenchRoute, benchRoutes, ROUNDS } from './routes.ts'
import { median } from './statistics.ts'
import type { SystemName } from './row.ts'

export interface BenchOptions {
  readonly quick: boolean
  readonly progress: (line: string) => void
}

const WARM_CALLS = 20_000
const WARM_STREAMS = 1_000

/** Everything that is measured, running; and the load to measure it with. */
export class Bench implements AsyncDisposable {
  readonly quick: boolean
  readonly folder: string
  readonly routes: readonly BenchRoute[]
  readonly nginx: Nginx | undefined
  readonly holdfast: Holdfast
  readonly #progress: (line: string) => void
  readonly #load: Worker<'ready'>
  readonly #ports: UpstreamPorts
  readonly #stack: AsyncDisposableStack
  #warmUp: Promise<void> | undefined

  private constructor(parts: {
    readonly options: BenchOptions
    readonly folder: string
    readonly upstream: Worker<UpstreamPorts>
    readonly routes: readonly BenchRoute[]
    readonly load: Worker<'ready'>
    readonly nginx: Nginx | undefined
    readonly holdfast: Holdfast
    readonly stack: AsyncDisposableStack
  }) {
    this.quick = parts.options.quick
    this.#progress = parts.options.progress
    this.folder = parts.folder
    this.#ports = parts.upstream.ready
    this.routes = parts.routes
    this.#load = parts.load
    this.nginx = parts.nginx
    this.holdfast = parts.holdfast
    this.#stack = parts.stack
  }

  static async start(options: BenchOptions): Promise<Bench> {
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const upstream = stack.use(await Worker.start<UpstreamPorts>(new URL('./upstream.ts', import.meta.url)))
    const load = stack.use(await Worker.start<'ready'>(new URL('./load.ts', import.meta.url)))
    const routes = benchRoutes(upstream.ready)
    const nginx = stack.use((await Nginx.start(join(folder, 'nginx'), routes)) ?? null) ?? undefined
    const holdfast = stack.use(await Holdfast.start(folder, routes))
    return new Bench({ options, folder, upstream, routes, load, nginx, holdfast, stack: stack.move() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  /** Says what goes on, since a run takes minutes. */
  say(line: string): void {
    this.#progress(line)
  }

  /** The systems that are here. */
  get systems(): readonly SystemName[] {
    return this.nginx ? ['direct', 'nginx', 'holdfast'] : ['direct', 'holdfast']
  }

  /** Where a system serves a route; directly one reaches its first upstream. */
  target(system: SystemName, route: string): Target {
    const path = '/v1/chat/completions'
    if (system === 'holdfast') return { port: this.holdfast.port, path, model: route }
    if (system === 'nginx' && this.nginx) return { port: this.nginx.port, path: `/${route}${path}`, model: route }
    return { port: this.routes.find(({ name }) => name === route)?.ports[0] ?? this.#ports.good, path, model: route }
  }

  /** The process that does a system's work; none of our own is counted for the upstream itself. */
  pidOf(system: SystemName): number | undefined {
    return system === 'holdfast' ? this.holdfast.pid : system === 'nginx' ? this.nginx?.pid : undefined
  }

  calls(target: Target, job: Partial<Omit<CallsJob, 'kind' | 'target'>>): Promise<JobReport> {
    return this.ask({ kind: 'calls', target, stream: false, connections: 16, calls: 1_000, tokens: 50, check: false, ...job })
  }

  ask(job: Job): Promise<JobReport> {
    return this.#load.ask<JobReport>(job)
  }

  /** Lets everything be compiled that the measured calls need, in every system alike, once in a run. */
  warmUp(): Promise<void> {
    this.#warmUp ??= this.#warm()
    return this.#warmUp
  }

  async #warm(): Promise<void> {
    for (const system of this.systems) {
      this.say(`warming up: ${system}, ${WARM_CALLS} calls and ${WARM_STREAMS} streams`)
      const target = this.target(system, 'good')
      await this.calls(target, { calls: WARM_CALLS, connections: 32 })
      await this.calls(target, { calls: WARM_STREAMS, connections: 48, stream: true })
    }
  }

  /** Measures systems in turn, so that noise meets all alike; each figure is the median of its rounds. */
  async rounds<Name extends SystemName, Figure extends string>(
    title: string,
    systems: readonly Name[],
    measure: (system: Name, round: number) => Promise<Readonly<Record<Figure, number | undefined>>>,
  ): Promise<Record<Figure, Partial<Record<Name, number>>>> {
    const seen = new Map<Figure, Map<Name, number[]>>()
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < systems.length; turn++) {
        const system = systems[(turn + round) % systems.length]
        if (system === undefined) continue
        const figures = await measure(system, round)
        this.say(`${title}, round ${round + 1} of ${ROUNDS}: ${system} ${wordsOf(figures)}`)
        for (const [figure, value] of Object.entries(figures) as [Figure, number | undefined][]) {
          const bySystem = seen.get(figure) ?? new Map<Name, number[]>()
          seen.set(figure, bySystem)
          if (value !== undefined) bySystem.set(system, [...(bySystem.get(system) ?? []), value])
        }
      }
    }
    const medians = [...seen].map(([figure, bySystem]) => [
      figure,
      Object.fromEntries([...bySystem].map(([name, values]) => [name, median(values)])),
    ])
    return Object.fromEntries(medians) as Record<Figure, Partial<Record<Name, number>>>
  }
}

function wordsOf(figures: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value === undefined ? 'not measured' : value.toPrecision(3)}`)
    .join(', ')
}
