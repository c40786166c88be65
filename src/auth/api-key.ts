import { AppError, type Clock, newId, randomSecret, sha256 } from '#base'
import type { Scope } from '#contract'
import { type CallLimit, parseCallLimit } from './call-limit.ts'

/** A key as it is kept: never the key itself (X1). Keys are only ever added and revoked, never removed. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** The first characters of the key, to recognise it by. */
  readonly prefix: string
  /**
   * SHA-256 in hex. A key is 32 bytes of chance, so nobody can try its values one by one; a slow, salted hash would only
   * protect secrets that people choose, and cost every call.
   */
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly limit: CallLimit | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
}

export interface NewKey {
  readonly name: string
  readonly scopes?: readonly Scope[]
  /** `60/m`, `5/s`, `1000/h`. */
  readonly limit?: string
}

export const SCOPES: readonly Scope[] = ['call', 'metrics', 'owner']

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u

/** Makes a key: what is given to its user once, and what is kept. Throws `bad_key` when its name or limit cannot be. */
export function makeKey(clock: Clock, wanted: NewKey): { readonly secret: string; readonly key: ApiKey } {
  if (!NAME.test(wanted.name)) {
    throw new AppError(`"${wanted.name.slice(0, 80)}" cannot be the name of a key.`, {
      code: 'bad_key',
      remedy: 'Expected up to 64 letters, digits, spaces and . _ @ -, beginning with a letter or digit.',
    })
  }
  const secret = `hf_${randomSecret(32)}`
  const scopes =
    wanted.scopes === undefined || wanted.scopes.length === 0 ? ['call' as const] : SCOPES.filter((scope) => wanted.scopes?.includes(scope))
  const key: ApiKey = {
    id: newId(clock, 'key'),
    name: wanted.name,
    prefix: secret.slice(0, 9),
    hash: sha256(secret),
    scopes,
    limit: wanted.limit === undefined ? null : parseCallLimit(wanted.limit),
    createdAt: clock.now(),
    lastUsedAt: null,
    revokedAt: null,
  }
  return { secret, key }
}

/** Whether a text is one of the scopes. */
export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text)
}

/**
 * The keys of both lists. What either knows to be revoked is revoked: as keys are only ever added and revoked, this is
 * right whichever of the two is older.
 */
export function mergeKeys(one: Iterable<ApiKey>, other: Iterable<ApiKey>): Map<string, ApiKey> {
  const merged = new Map<string, ApiKey>()
  for (const key of one) merged.set(key.id, key)
  for (const key of other) {
    const known = merged.get(key.id)
    merged.set(key.id, known === undefined ? key : { ...known, revokedAt: known.revokedAt ?? key.revokedAt })
  }
  return merged
}

/** The keys of `keys` that `others` lacks, or does not know to be revoked. */
export function missingFrom(others: ReadonlyMap<string, ApiKey>, keys: Iterable<ApiKey>): ApiKey[] {
  const missing: ApiKey[] = []
  for (const key of keys) {
    const other = others.get(key.id)
    if (other === undefined || (key.revokedAt !== null && other.revokedAt === null)) missing.push(key)
  }
  return missing
}
