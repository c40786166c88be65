import { type Clock, sha256 } from '#base'
import type { Actor } from '#contract'
import type { ApiKey } from './api-key.ts'
import { CallTimes } from './call-limit.ts'

/** A key in memory, with what every call needs of it. */
export interface RingKey {
  readonly key: ApiKey
  readonly actor: Actor
}

const REMEMBERED = 4_096
const LONGEST_CREDENTIAL = 256

/** The keys in memory: found by what a caller sends, without waiting for anything. */
export class KeyRing {
  readonly #clock: Clock
  #keys: ReadonlyMap<string, ApiKey> = new Map()
  #byHash = new Map<string, RingKey>()
  /** What credentials led to, so that none is hashed for every call. */
  readonly #remembered = new Map<string, RingKey | undefined>()
  readonly #times = new Map<string, { readonly limit: string; readonly times: CallTimes }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get keys(): ReadonlyMap<string, ApiKey> {
    return this.#keys
  }

  /** Replaces all keys. */
  adopt(keys: ReadonlyMap<string, ApiKey>): void {
    this.#keys = keys
    this.#byHash = new Map()
    for (const key of keys.values()) {
      const actor: Actor = Object.freeze({ kind: 'key', id: key.id, name: key.name, scopes: key.scopes })
      this.#byHash.set(key.hash, { key, actor })
    }
    this.#remembered.clear()
  }

  /**
   * The key that a credential is, revoked or not. It is looked up by its digest: how long that takes tells nothing about any
   * key, since nobody can choose a digest.
   */
  find(credential: string): RingKey | undefined {
    if (this.#byHash.size === 0 || credential.length > LONGEST_CREDENTIAL) return undefined
    const remembered = this.#remembered.get(credential)
    if (remembered !== undefined || this.#remembered.has(credential)) return remembered
    const found = this.#byHash.get(sha256(credential))
    if (this.#remembered.size >= REMEMBERED) {
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest)
        break
      }
    }
    this.#remembered.set(credential, found)
    return found
  }

  /** Counts a call of this key and returns 0, or returns the milliseconds until its limit allows one. */
  take(id: string): number {
    const limit = this.#keys.get(id)?.limit
    if (limit === null || limit === undefined) return 0
    const text = `${limit.calls}/${limit.windowMs}`
    let entry = this.#times.get(id)
    if (entry?.limit !== text) {
      entry = { limit: text, times: new CallTimes(limit) }
      this.#times.set(id, entry)
    }
    return entry.times.take(this.#clock.monotonic())
  }
}
