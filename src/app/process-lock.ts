import { Database } from 'bun:sqlite'
import { mkdirSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, type Clock, messageOf, randomSecret, type Timer } from '#base'
import { describeProcess, type ProcessRecord, readProcess, writeProcess } from './process-record.ts'

/** How often it is looked whether the folder is still there, ms. */
const WATCH_MS = 2_000

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
  #lock: Database | undefined
  #timer: Timer | undefined

  private constructor(folder: string, clock: Clock, lock: Database | undefined, problem: string | undefined) {
    this.#folder = folder
    this.#clock = clock
    this.#lock = lock
    this.problem = problem
  }

  /** Locks the folder, making it first. Throws `data_folder_in_use` when another process holds it. */
  static async take(folder: string, clock: Clock): Promise<ProcessLock> {
    try {
      return new ProcessLock(folder, clock, lockFolder(folder), undefined)
    } catch (error) {
      if (isBusy(error)) throw inUse(folder, await readProcess(folder))
      return new ProcessLock(folder, clock, undefined, messageOf(error))
    }
  }

  /** Leaves word of where this process listens, for local commands and for a second start. */
  async announce(url: string): Promise<void> {
    if (this.#lock === undefined) return
    const record = { pid: process.pid, startedAt: this.#clock.now(), url, token: this.token }
    await writeProcess(this.#folder, record).catch(() => undefined)
    this.#timer = this.#clock.after(WATCH_MS, () => void this.#restore(record))
  }

  /** Locks the folder anew, and leaves word again, when somebody removed it under us. */
  async #restore(record: ProcessRecord): Promise<void> {
    const [lockThere, wordThere] = await Promise.all(['process.lock', 'process.json'].map((name) => isThere(join(this.#folder, name))))
    if (this.#lock === undefined) return
    try {
      if (!lockThere) {
        const lock = lockFolder(this.#folder)
        this.#lock.close()
        this.#lock = lock
      }
      if (!wordThere) await writeProcess(this.#folder, record)
    } catch {
      // The folder is somebody else's by now, or cannot be written: calls go on without it (O1).
    }
    if (this.#lock) this.#timer = this.#clock.after(WATCH_MS, () => void this.#restore(record))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel()
    const lock = this.#lock
    this.#lock = undefined
    if (lock === undefined) return
    rmSync(join(this.#folder, 'process.json'), { force: true })
    lock.close()
  }
}

/** Takes the system's lock on the folder, making it first. Throws what SQLite or the disk says. */
function lockFolder(folder: string): Database {
  mkdirSync(folder, { recursive: true })
  const lock = new Database(join(folder, 'process.lock'), { create: true, readwrite: true })
  try {
    lock.run('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
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
