import { AppError, type Clock, type Logger, messageOf } from '#base'
import type { ConfigSnapshot } from '#contract'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Environment } from './cross-check.ts'
import { type FileContent, readDocumentFile, replaceFile } from './document-file.ts'
import { fileProblem } from './file-problem.ts'
import { FileWatch } from './file-watch.ts'
import { loadDocument, type LoadResult } from './load-document.ts'
import type { ConfigProblem } from './problem.ts'
import { emptySnapshot } from './snapshot.ts'

export interface ConfigOptions {
  /** The document. */
  readonly file: string
  /** Where the last good version is kept. */
  readonly dataFolder: string
  readonly env: Environment
  readonly clock: Clock
  readonly logger: Logger
  /** Quiet time after a change before the file is read, ms; 100 unless written. */
  readonly debounceMs?: number
  /** Time between looks at the file that no event asked for, ms; 3000 unless written. */
  readonly pollMs?: number
}

/** How a reload ended. */
export type ReloadResult =
  | { readonly outcome: 'swapped'; readonly version: string; readonly warnings: readonly ConfigProblem[] }
  | { readonly outcome: 'unchanged'; readonly version: string }
  | { readonly outcome: 'refused'; readonly version: string; readonly problems: readonly ConfigProblem[] }

/** Where the config stands: for readiness, metrics and people. */
export interface ConfigState {
  /** What the current snapshot was made from; `none` when there was no document at all. */
  readonly source: 'file' | 'last-good' | 'none'
  readonly version: string
  readonly loadedAt: number
  /** What is wrong with the file as it is now; empty when the file is what runs. */
  readonly problems: readonly ConfigProblem[]
  /** Wall time of the refusal that `problems` are of; null when there are none. */
  readonly refusedAt: number | null
  readonly reloads: { readonly swapped: number; readonly unchanged: number; readonly refused: number }
}

/** A text that is the beginning of the current one may be half saved: it has to stay so for this long, ms. */
const HALF_SAVED_MS = 1_000
const MOST_LOGGED = 20

/** Holds the current snapshot and replaces it when the document changes for another valid one (C1, C2). */
export class Config {
  readonly #options: ConfigOptions
  readonly #lastGoodFile: string
  readonly #counts = { swapped: 0, unchanged: 0, refused: 0 }
  #snapshot: ConfigSnapshot
  #source: ConfigState['source'] = 'none'
  #problems: readonly ConfigProblem[] = []
  #refusedAt: number | null = null
  /** The current document's bytes, to tell a half-saved one. */
  #bytes: Uint8Array = new Uint8Array()
  /** The mark of what was last found in place of the file, so that nothing is judged twice. */
  #seen = ''
  #held: { readonly mark: string; readonly since: number } | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #waiting: Promise<ReloadResult> | undefined
  #lookWaiting = false
  #watch: FileWatch | undefined
  #disposed = false

  private constructor(options: ConfigOptions) {
    this.#options = options
    this.#lastGoodFile = join(options.dataFolder, 'config.last-good.yaml')
    this.#snapshot = emptySnapshot(options.clock.now())
  }

  /**
   * Starts with the document; with the last good version where the document is broken or gone; with nothing where neither was
   * ever there. Throws `config_invalid` with all problems when there is a document and nothing that could run.
   */
  static async open(options: ConfigOptions): Promise<Config> {
    const config = new Config(options)
    await config.#boot()
    config.#watch = new FileWatch({
      file: options.file,
      clock: options.clock,
      debounceMs: options.debounceMs ?? 100,
      pollMs: options.pollMs ?? 3_000,
      onChange: () => config.#look(),
    })
    return config
  }

  /** The current snapshot. A call keeps the one that it began with. */
  get snapshot(): ConfigSnapshot {
    return this.#snapshot
  }

  get state(): ConfigState {
    return {
      source: this.#source,
      version: this.#snapshot.version,
      loadedAt: this.#snapshot.loadedAt,
      problems: this.#problems,
      refusedAt: this.#refusedAt,
      reloads: { ...this.#counts },
    }
  }

  /** Reads the document now. Reloads never overlap; one that has not begun yet serves all who ask for it. */
  reload(cause: string): Promise<ReloadResult> {
    if (this.#waiting) return this.#waiting
    const result = this.#queue.then(async () => {
      this.#waiting = undefined
      return this.#apply(await readDocumentFile(this.#options.file), cause)
    })
    this.#waiting = result
    this.#queue = result.catch(() => undefined)
    return result
  }

  /** Stops watching, and waits for a reload that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    this.#watch?.close()
    await this.#queue
  }

  async #boot(): Promise<void> {
    const { file, logger } = this.#options
    const content = await readDocumentFile(file)
    this.#seen = markOf(content)
    const loaded = this.#judge(content)
    if (loaded.ok) return this.#take(loaded, content, 'start')
    const lastGood = await readDocumentFile(this.#lastGoodFile)
    const fallback = lastGood.kind === 'content' ? this.#load(this.#lastGoodFile, lastGood.bytes) : undefined
    if (fallback?.ok) {
      this.#snapshot = fallback.snapshot
      this.#source = 'last-good'
      if (lastGood.kind === 'content') this.#bytes = lastGood.bytes
      this.#refuse(loaded.problems)
      logger.error(
        `${file} is not used; the last good version ${fallback.snapshot.version} runs instead. Correct the file, it is read again by itself.`,
        {
          problems: loaded.problems.length,
        },
      )
      return
    }
    if (content.kind === 'missing' && lastGood.kind === 'missing') {
      logger.warn(`There is no ${file}, so no model can be served yet. It is read as soon as it is there.`)
      return
    }
    const problems = [...loaded.problems, ...(fallback?.problems ?? [])].filter((problem) => problem.severity === 'error')
    throw new AppError(
      `The config document cannot be used, and there is no last good version that could run.\n${problems.map((problem) => problem.message).join('\n')}\n`,
      {
        code: 'config_invalid',
        remedy: `Correct ${file} and look at it with \`holdfast check\`.`,
      },
    )
  }

  /** Judges the file if it is not as it was at the last look. */
  #look(): void {
    if (this.#lookWaiting || this.#disposed) return
    this.#lookWaiting = true
    this.#queue = this.#queue
      .then(async () => {
        this.#lookWaiting = false
        const content = await readDocumentFile(this.#options.file)
        const mark = markOf(content)
        if (mark === this.#seen || this.#disposed || this.#mayBeHalfSaved(content, mark)) return
        await this.#apply(content, 'file changed')
      })
      .catch((error: unknown) => this.#options.logger.error(`${this.#options.file} could not be looked at: ${messageOf(error)}`))
  }

  #mayBeHalfSaved(content: FileContent, mark: string): boolean {
    const { clock } = this.#options
    if (content.kind !== 'content' || !isBeginning(content.bytes, this.#bytes)) return false
    if (this.#held?.mark === mark) return clock.monotonic() - this.#held.since < HALF_SAVED_MS
    this.#held = { mark, since: clock.monotonic() }
    clock.after(HALF_SAVED_MS, () => this.#look())
    return true
  }

  async #apply(content: FileContent, cause: string): Promise<ReloadResult> {
    const mark = markOf(content)
    const again = mark === this.#seen
    this.#seen = mark
    this.#held = undefined
    const { version } = this.#snapshot
    const same = content.kind === 'content' && this.#source !== 'none' && isSame(content.bytes, this.#bytes)
    if (same || (content.kind === 'missing' && this.#source === 'none')) {
      if (same) this.#source = 'file'
      if (this.#refusedAt !== null) this.#options.logger.info(`${this.#options.file} is again what runs, version ${version} (${cause}).`)
      this.#problems = []
      this.#refusedAt = null
      this.#counts.unchanged++
      return { outcome: 'unchanged', version }
    }
    const loaded = this.#judge(content)
    if (loaded.ok) {
      await this.#take(loaded, content, cause)
      this.#counts.swapped++
      return { outcome: 'swapped', version: loaded.snapshot.version, warnings: loaded.problems }
    }
    this.#counts.refused++
    this.#refuse(loaded.problems, again)
    if (!again)
      this.#options.logger.error(`${this.#options.file} was refused (${cause}); version ${version} stays.`, {
        problems: loaded.problems.length,
      })
    return { outcome: 'refused', version, problems: loaded.problems }
  }

  async #take(loaded: Extract<LoadResult, { ok: true }>, content: FileContent, cause: string): Promise<void> {
    const { logger } = this.#options
    this.#snapshot = loaded.snapshot
    this.#source = 'file'
    this.#problems = []
    this.#refusedAt = null
    if (content.kind === 'content') this.#bytes = content.bytes
    logger.info(`Config version ${loaded.snapshot.version} is current (${cause}).`, {
      models: loaded.snapshot.models.size,
      providers: loaded.snapshot.providers.size,
    })
    for (const problem of loaded.problems.slice(0, MOST_LOGGED)) logger.warn(problem.message)
    try {
      await replaceFile(this.#lastGoodFile, loaded.text)
    } catch (error) {
      logger.warn(
        `The last good config could not be kept in ${this.#lastGoodFile}: ${messageOf(error)}. Calls are served; a restart with a broken file would not find this version.`,
      )
    }
  }

  #refuse(problems: readonly ConfigProblem[], again = false): void {
    this.#problems = problems
    if (again && this.#refusedAt !== null) return
    this.#refusedAt = this.#options.clock.now()
    for (const problem of problems.slice(0, MOST_LOGGED)) {
      if (problem.severity === 'error') this.#options.logger.error(problem.message)
    }
  }

  #judge(content: FileContent): LoadResult {
    if (content.kind === 'content') return this.#load(this.#options.file, content.bytes)
    return { ok: false, problems: [fileProblem(this.#options.file, content)] }
  }

  #load(file: string, content: Uint8Array): LoadResult {
    return loadDocument({ file, content, environment: this.#options.env, loadedAt: this.#options.clock.now() })
  }
}

/** Tells one state of the file from another. */
function markOf(content: FileContent): string {
  if (content.kind === 'content') return createHash('sha256').update(content.bytes).digest('hex')
  return content.kind === 'missing' ? 'missing' : `unreadable: ${content.why}`
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function isBeginning(part: Uint8Array, whole: Uint8Array): boolean {
  return part.length < whole.length && isSame(part, whole.subarray(0, part.length))
}
