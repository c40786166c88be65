import { readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import { AppError } from '#base'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** As `bin/holdfast.mjs` starts Bun. */
export const BUN: readonly string[] = [process.execPath, '--no-env-file', `--config=${devNull}`, '--no-install', '--no-orphans']

/** Our environment without what would change a server's settings or send its calls to a proxy. */
export function plainEnvironment(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|NODE_ENV$|(https?|all|no)_proxy$)/i.test(name))
  return { BUN_CONFIG_MAX_HTTP_REQUESTS: '65336', ...Object.fromEntries(entries) }
}

/** Ends a process by its own id, the hard way when it does not go within two seconds. */
export async function end(child: Bun.Subprocess): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await child.exited
  clearTimeout(timer)
}

/** A worker of the bench: it says one thing when it is ready, and answers each message with one. */
export class Worker<Ready> implements AsyncDisposable {
  readonly ready: Ready
  readonly #child: Bun.Subprocess
  readonly #mailbox: Mailbox

  private constructor(child: Bun.Subprocess, mailbox: Mailbox, ready: Ready) {
    this.#child = child
    this.#mailbox = mailbox
    this.ready = ready
  }

  /** Starts one of our files. */
  static async start<Ready>(file: URL): Promise<Worker<Ready>> {
    const mailbox = new Mailbox(file.pathname)
    const child = Bun.spawn([...BUN, fileURLToPath(file)], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: plainEnvironment(),
      serialization: 'json',
      ipc: (message) => mailbox.put(message),
      onExit: () => mailbox.close(),
    })
    return new Worker(child, mailbox, (await mailbox.take()) as Ready)
  }

  async ask<Answer>(message: object): Promise<Answer> {
    this.#child.send(message)
    return (await this.#mailbox.take()) as Answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child)
  }
}

/** What a worker said, one thing at a time. */
class Mailbox {
  readonly #name: string
  #waiting = Promise.withResolvers<unknown>()

  constructor(name: string) {
    this.#name = name
    this.#waiting.promise.catch(() => undefined)
  }

  put(message: unknown): void {
    this.#waiting.resolve(message)
  }

  close(): void {
    this.#waiting.reject(new AppError(`${this.#name} ended.`, { code: 'bench_worker_ended' }))
  }

  async take(): Promise<unknown> {
    const message = await this.#waiting.promise
    this.#waiting = Promise.withResolvers()
    this.#waiting.promise.catch(() => undefined)
    return message
  }
}

/** CPU time that a process has used so far, ms; undefined where the system does not tell. */
export function cpuOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Resident memory of a process, bytes; undefined where the system does not tell. */
export function memoryOf(pid: number): number | undefined {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
}

/** The first process that a process has started. */
export function childOf(pid: number): number | undefined {
  const first = read(`/proc/${pid}/task/${pid}/children`)?.split(' ')[0]
  return first ? Number(first) : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
