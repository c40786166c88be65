import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { AppError } from '#base'
import { eventually } from './eventually.ts'
import { ENV } from './routes.ts'
import { Node, Place } from './world.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url))

/** A node in a process of its own, started as people start it. */
export class ServeProcess extends Node implements AsyncDisposable {
  readonly place: Place
  readonly #child: ReturnType<typeof spawn>
  readonly #output: string[]

  constructor(url: string, place: Place, child: ReturnType<typeof spawn>, output: string[]) {
    super(url)
    this.place = place
    this.#child = child
    this.#output = output
  }

  get output(): string {
    return this.#output.join('')
  }

  /** Resident memory of the server's process, MiB. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${await this.pid()}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024
  }

  /** Open file descriptors of the server's process. */
  async descriptors(): Promise<number> {
    const { readdir } = await import('node:fs/promises')
    return (await readdir(`/proc/${await this.pid()}/fd`)).length
  }

  /** The server's own process: the launcher's child. */
  async pid(): Promise<number> {
    const children = await readFile(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8')
    return Number(children.trim().split(' ')[0] ?? this.#child.pid)
  }

  /** Ends it by a signal and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const gone = once(this.#child, 'exit')
    if (signal === 'SIGKILL') process.kill(await this.pid(), signal)
    else this.#child.kill(signal)
    await gone
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leaveAll()
    await this.end()
    await this.place[Symbol.asyncDispose]()
  }
}

/** Runs `holdfast serve` on a free port and waits until it is alive. */
export async function startProcess(
  config: string | object,
  env: Readonly<Record<string, string>> = {},
  place?: Place,
): Promise<ServeProcess> {
  const home = place ?? (await Place.make(config))
  const output: string[] = []
  const child = spawn(
    process.env['NODE'] ?? 'node',
    [LAUNCHER, 'serve', '--port', '0', '--data', home.dataFolder, '--config', home.configFile],
    {
      env: { ...process.env, HOLDFAST_LOG: 'info:json', ...ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString('utf8')))
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString('utf8')))
  const address = (): string | undefined => /http:\/\/(?:127\.0\.0\.1|localhost):(\d+)/.exec(output.join(''))?.[1]
  try {
    await eventually(
      'the server says where it listens',
      () => {
        if (child.exitCode !== null)
          throw new AppError(`The server ended with ${child.exitCode}: ${output.join('')}`, { code: 'no_server' })
        return address() !== undefined
      },
      10_000,
    )
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return new ServeProcess(`http://127.0.0.1:${address()}`, home, child, output)
}

/** Runs a command of the launcher on this place; what it printed. */
export async function runCommand(place: Place, ...args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn('node', [LAUNCHER, ...args], {
    env: { ...process.env, ...ENV, HOLDFAST_DATA: place.dataFolder, HOLDFAST_CONFIG: place.configFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return { code: child.exitCode ?? -1, output: Buffer.concat(chunks).toString('utf8') }
}
