import { stat } from 'node:fs/promises'
import { type Clock, firstOf, formatDuration, type Logger, messageOf, sleep } from '#base'
import type { Bus } from '#bus'
import type { Actor, Scope } from '#contract'
import { databaseFile, type Store } from '#store'
import { type ApiKey, mergeKeys, missingFrom } from './api-key.ts'
import { AuthError } from './auth-error.ts'
import { isAbsence, KeyFile } from './key-file.ts'
import { KeyRing, type RingKey } from './key-ring.ts'
import { loadKeys, readRevision, saveKeys, saveUses } from './key-table.ts'
import { type Caller, requireOwner } from './owner-mode.ts'

export interface KeysOptions {
  readonly store: Store
  readonly dataFolder: string
  readonly clock: Clock
  readonly logger: Logger
  readonly bus: Bus
  /** Bound to loopback, and no public URL is set. */
  readonly ownerAllowed: boolean
}

/** The topic under which a change of keys is announced. */
export const KEYS_TOPIC = 'keys'

const POLL_MS = 400
const FIRST_LOAD_MS = 1_000
const DEADLINE_MS = 2_000
const USES_MS = 60_000
const OWNER: Actor = Object.freeze({ kind: 'owner', id: 'owner', name: 'owner', scopes: ['call', 'metrics', 'owner'] as const })

/** The keys of this installation, in memory; kept equal to the database and to the file beside it. */
export class Keys implements AsyncDisposable {
  readonly #options: KeysOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #file: KeyFile
  readonly #ring: KeyRing
  readonly #closing = new AbortController()
  readonly #uses = new Map<string, number>()
  #usesSavedAt: number
  /** Why it is not known whether there are keys; undefined once it is. */
  #unknown: string | undefined = 'the database was not read yet.'
  #fileStamp = 'never read'
  #fileDamaged = false
  #fileBehind = false
  #revision = -1
  /** What was logged last, by the place it concerns. */
  readonly #problems = new Map<'database' | 'file', string>()
  #syncing: Promise<void> | undefined
  #running: Promise<unknown> = Promise.resolve()

  private constructor(options: KeysOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#logger = options.logger
    this.#file = new KeyFile(options.dataFolder)
    this.#ring = new KeyRing(options.clock)
    this.#usesSavedAt = options.clock.monotonic()
  }

  /** Resolves when the keys are known, or after a second: the database may still be away. */
  static async open(options: KeysOptions): Promise<Keys> {
    const keys = new Keys(options)
    await keys.#readFile()
    if (!keys.#fileDamaged && (await isAbsent(databaseFile(options.dataFolder)))) keys.#unknown = undefined
    await firstOf(options.clock, keys.#sync(), FIRST_LOAD_MS)
    keys.#running = Promise.all([keys.#poll(), keys.#follow()])
    return keys
  }

  /** Whether there never was a key, so that the person at this machine needs none. */
  get ownerMode(): boolean {
    return this.#options.ownerAllowed && this.#unknown === undefined && this.#ring.keys.size === 0
  }

  /** Why it is not known who may call; undefined when it is. */
  get problem(): string | undefined {
    return this.#unknown
  }

  /** Every key, revoked ones included. */
  get all(): ReadonlyMap<string, ApiKey> {
    return this.#ring.keys
  }

  /** Who is calling (X2). Throws an `AuthError`. Waits for nothing. */
  identify(caller: Caller): Actor {
    const found = this.#find(caller)
    if (found && found.key.revokedAt === null) {
      this.#uses.set(found.key.id, this.#clock.now())
      return found.actor
    }
    if (this.#unknown !== undefined) {
      throw new AuthError(`The keys cannot be read at the moment: ${this.#unknown}`, {
        status: 503,
        code: 'keys_unavailable',
        remedy: 'Nothing is wrong with the request; send it again.',
        retryAfterMs: 1_000,
      })
    }
    if (this.ownerMode) {
      requireOwner(caller)
      return OWNER
    }
    throw refusal(caller, found)
  }

  /** Counts a call against the limit of its key; throws an `AuthError` with status 429 when it is used up. */
  limit(actor: Actor): void {
    if (actor.kind === 'owner') return
    const waitMs = this.#ring.take(actor.id)
    if (waitMs === 0) return
    throw new AuthError(`The key "${actor.name}" has used up its limit of calls; the next one is allowed in ${formatDuration(waitMs)}.`, {
      status: 429,
      code: 'rate_limit_exceeded',
      retryAfterMs: Math.ceil(waitMs),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#syncing
    await this.#saveUses()
  }

  #find(caller: Caller): RingKey | undefined {
    const { authorization, apiKeyHeader } = caller
    const bearer = authorization?.slice(0, 7).toLowerCase() === 'bearer ' ? this.#ring.find(authorization.slice(7).trim()) : undefined
    return bearer ?? (apiKeyHeader ? this.#ring.find(apiKeyHeader) : undefined)
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await sleep(this.#clock, POLL_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      await this.#sync()
      if (this.#clock.monotonic() - this.#usesSavedAt >= USES_MS) await this.#saveUses()
    }
  }

  async #follow(): Promise<void> {
    for await (const _ of this.#options.bus.subscribe(KEYS_TOPIC, this.#closing.signal)) await this.#sync()
  }

  /** Makes memory, database and file equal, as far as they can be reached. Never rejects. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncOnce()
      .catch((error: unknown) => this.#report('database', messageOf(error)))
      .finally(() => (this.#syncing = undefined))
    return this.#syncing
  }

  async #syncOnce(): Promise<void> {
    if ((await this.#file.stamp()) !== this.#fileStamp) await this.#readFile()
    try {
      await this.#readDatabase()
      this.#problems.delete('database')
    } finally {
      const sure = this.#revision !== -1 || this.#ring.keys.size > 0
      if (this.#fileBehind && sure) await this.#writeFile()
    }
  }

  async #readDatabase(): Promise<void> {
    const { store } = this.#options
    const options = { deadlineMs: DEADLINE_MS, signal: this.#closing.signal }
    if ((await readRevision(store, options)) === this.#revision) return
    const stored = await loadKeys(store, options)
    const missing = missingFrom(stored.keys, this.#ring.keys.values())
    this.#adopt(mergeKeys(stored.keys.values(), this.#ring.keys.values()))
    if (this.#ring.keys.size > 0 || !this.#fileDamaged) this.#unknown = undefined
    else
      this.#unknown = `the database holds none, but ${this.#file.path} is damaged and may have held some. Make one with \`holdfast key create NAME\`.`
    if (missing.length > 0) {
      this.#logger.warn(
        stored.keys.size === 0
          ? 'The database holds no keys, but there are some: it was lost or replaced. They stay valid and are written back.'
          : 'The database lacks keys or revocations that are known here. They stay valid and are written back.',
        { missing: missing.length, file: this.#file.path },
      )
      await saveKeys(store, missing, this.#clock.now(), options)
    }
    this.#revision = stored.revision
  }

  #adopt(keys: ReadonlyMap<string, ApiKey>): void {
    if (missingFrom(this.#ring.keys, keys.values()).length > 0) this.#fileBehind = true
    this.#ring.adopt(keys)
  }

  async #readFile(): Promise<void> {
    const stamp = await this.#file.stamp()
    try {
      const keys = await this.#file.read()
      if (this.#fileDamaged) this.#revision = -1
      this.#fileDamaged = false
      if (keys && missingFrom(this.#ring.keys, keys.values()).length > 0) {
        this.#ring.adopt(mergeKeys(this.#ring.keys.values(), keys.values()))
        this.#revision = -1
      }
      this.#fileBehind = keys === undefined || missingFrom(keys, this.#ring.keys.values()).length > 0
      if (keys) this.#unknown = undefined
    } catch (error) {
      this.#fileDamaged = true
      this.#fileBehind = this.#ring.keys.size > 0
      this.#logger.error(messageOf(error))
    }
    this.#fileStamp = stamp
  }

  async #writeFile(): Promise<void> {
    try {
      await this.#file.write(this.#ring.keys.values())
      this.#fileBehind = false
      this.#fileDamaged = false
      this.#problems.delete('file')
      this.#fileStamp = await this.#file.stamp()
    } catch (error) {
      this.#report('file', `${this.#file.path} cannot be written: ${messageOf(error)}`)
    }
  }

  async #saveUses(): Promise<void> {
    this.#usesSavedAt = this.#clock.monotonic()
    if (this.#uses.size === 0) return
    const uses = new Map(this.#uses)
    this.#uses.clear()
    await saveUses(this.#options.store, uses, { deadlineMs: DEADLINE_MS }).catch((error: unknown) =>
      this.#report('database', messageOf(error)),
    )
  }

  /** Logs a problem once, not at every try. */
  #report(place: 'database' | 'file', problem: string): void {
    if (this.#problems.get(place) === problem || this.#closing.signal.aborted) return
    this.#problems.set(place, problem)
    if (place === 'file')
      return this.#logger.warn('Without this file a start without the database would not know the keys.', { cause: problem })
    if (this.#unknown !== undefined && !this.#fileDamaged) this.#unknown = problem
    this.#logger.warn('The keys in memory stay in use. Changes to them are seen when the database is back.', { cause: problem })
  }
}

/** Throws unless the actor may do what `scope` stands for. An owner may do everything. */
export function requireScope(actor: Actor, scope: Scope): void {
  if (actor.scopes.includes(scope) || actor.scopes.includes('owner')) return
  throw new AuthError(`The key "${actor.name}" lacks the scope "${scope}".`, {
    status: 403,
    code: 'missing_scope',
    remedy: `Use a key made with \`holdfast key create NAME --scope ${scope}\`.`,
  })
}

function refusal(caller: Caller, found: RingKey | undefined): AuthError {
  const sent = caller.authorization !== null || (caller.apiKeyHeader ?? null) !== null
  const what = found ? `The key "${found.key.name}" was revoked.` : sent ? 'The API key is not known here.' : 'No API key was sent.'
  return new AuthError(what, {
    status: 401,
    code: 'invalid_api_key',
    remedy: 'Make one with `holdfast key create NAME` and send it as `Authorization: Bearer …`.',
  })
}

/** Whether there certainly is no database here that could hold keys. */
async function isAbsent(path: string): Promise<boolean> {
  try {
    const stats = await stat(path)
    return !stats.isFile() || stats.size === 0
  } catch (error) {
    return isAbsence(error)
  }
}
