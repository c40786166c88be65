import type { Clock, Timer } from '#base'
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

export interface FileWatchOptions {
  readonly file: string
  readonly clock: Clock
  /** Called some time after anything happened in the file's folder, and now and then. */
  readonly onChange: () => void
  /** Quiet time after the last event, ms. */
  readonly debounceMs: number
  /** Time between looks that need no event, ms: some file systems send none. */
  readonly pollMs: number
}

/** A busy folder must not put a look off for longer than this, ms. */
const LONGEST_DEBOUNCE = 1_000

/** Watches a file by its folder, since editors replace files and Kubernetes replaces a link beside them. */
export class FileWatch {
  readonly #options: FileWatchOptions
  readonly #folder: string
  #watcher: FSWatcher | undefined
  #poll: Timer
  #pending: Timer | undefined
  #pendingSince = 0
  #closed = false

  constructor(options: FileWatchOptions) {
    this.#options = options
    this.#folder = dirname(options.file)
    this.#open()
    this.#poll = this.#schedulePoll()
  }

  /** Stops; no call of `onChange` follows. */
  close(): void {
    this.#closed = true
    this.#watcher?.close()
    this.#pending?.cancel()
    this.#poll.cancel()
  }

  #open(): void {
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => this.#touched())
      watcher.on('error', () => {
        watcher.close()
        if (this.#watcher === watcher) this.#watcher = undefined
      })
      this.#watcher = watcher
    } catch {
      this.#watcher = undefined
    }
  }

  #schedulePoll(): Timer {
    return this.#options.clock.after(this.#options.pollMs, () => {
      if (this.#closed) return
      if (this.#watcher === undefined) this.#open()
      this.#options.onChange()
      this.#poll = this.#schedulePoll()
    })
  }

  #touched(): void {
    if (this.#closed) return
    const { clock, debounceMs } = this.#options
    const now = clock.monotonic()
    if (this.#pending === undefined) this.#pendingSince = now
    this.#pending?.cancel()
    const wait = Math.max(0, Math.min(debounceMs, this.#pendingSince + LONGEST_DEBOUNCE - now))
    this.#pending = clock.after(wait, () => {
      this.#pending = undefined
      this.#options.onChange()
    })
  }
}
