import { Database } from 'bun:sqlite'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, type Clock, messageOf, randomSecret } from '#base'
import { describeProcess, type ProcessRecord, readProcess, writeProcess } from './process-record.ts'

/**
 * One process for each data folder. The system releases the lock when the process ends, however it ends. Without a folder
 * that can be written there is no lock, and the start goes on (O1).
 */
export class ProcessLock implements AsyncDisposable {
  /** The secret by which local commands reach this process. */
  readonly token = randomSecret()
  /** Why the folder could not be locked. */
  readonly problem: string | undefined
  readonly #folder: string
  readonly #clock: Clock
  readonly #lock: Database | undefined

  private constructor(folder: string, clock: Clock, lock: Database | undefined, problem: string | undefined) {
    this.#folder = folder
    this.#clock = clock
    this.#lock = lock
    this.problem = problem
  }

  /** Locks the folder, making it first. Throws `data_folder_in_use` when another process holds it. */
  static async take(folder: string, clock: Clock): Promise<ProcessLock> {
    let lock: Database | undefined
    try {
      mkdirSync(folder, { recursive: true })
      lock = new Database(join(folder, 'process.lock'), { create: true, readwrite: true })
      lock.run('BEGIN EXCLUSIVE')
      return new ProcessLock(folder, clock, lock, undefined)
    } catch (error) {
      lock?.close()
      if (isBusy(error)) throw inUse(folder, await readProcess(folder))
      return new ProcessLock(folder, clock, undefined, messageOf(error))
    }
  }

  /** Leaves word of where this process listens, for local commands and for a second start. */
  async announce(url: string): Promise<void> {
    if (this.#lock === undefined) return
    await writeProcess(this.#folder, { pid: process.pid, startedAt: this.#clock.now(), url, token: this.token }).catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lock === undefined) return
    rmSync(join(this.#folder, 'process.json'), { force: true })
    this.#lock.close()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'
}

function inUse(folder: string, holder: ProcessRecord | undefined): AppError {
  const who = holder === undefined ? 'another Holdfast' : describeProcess(holder)
  return new AppError(`The data folder ${folder} is held by ${who}.`, {
    code: 'data_folder_in_use',
    remedy: 'Stop it first, or choose another folder with --data (HOLDFAST_DATA).',
  })
}
