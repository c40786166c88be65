import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { AppError, sha256, systemClock } from '#base'
import { type ApiKey, makeKey, mergeKeys, missingFrom } from './api-key.ts'

/** Lists of keys out of a few, each revoked or not. */
const lists = fc
  .array(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), revokedAt: fc.option(fc.integer({ min: 1, max: 9 })) }))
  .map((picks) => {
    const keys = new Map<string, ApiKey>()
    for (const { id, revokedAt } of picks) {
      keys.set(id, {
        id,
        name: id,
        prefix: 'hf_',
        hash: sha256(id),
        scopes: ['call'],
        limit: null,
        createdAt: 0,
        lastUsedAt: null,
        revokedAt,
      })
    }
    return [...keys.values()]
  })

function summary(keys: Iterable<ApiKey>): readonly string[] {
  return [...keys].map((key) => `${key.id} ${key.revokedAt === null ? 'works' : 'revoked'}`).toSorted()
}

describe('keys', () => {
  test('X1: what is kept of a key is its digest; two keys never are the same', () => {
    const { secret, key } = makeKey(systemClock, { name: 'app' })
    expect(secret).toMatch(/^hf_[\w-]{43}$/)
    expect(key.hash).toBe(sha256(secret))
    expect(JSON.stringify(key)).not.toContain(secret.slice(key.prefix.length, key.prefix.length + 8))
    expect(makeKey(systemClock, { name: 'app' }).secret).not.toBe(secret)
  })

  test.each(['', ' app', 'a\nb', '../x', 'x'.repeat(65), '\u001B[31mred'])('the name %j is refused', (name) => {
    expect(() => makeKey(systemClock, { name })).toThrow(AppError)
  })

  test('lists merge to the same keys in whatever order and however often, and no revocation is ever undone', () => {
    fc.assert(
      fc.property(lists, lists, lists, (one, two, three) => {
        const merged = mergeKeys(mergeKeys(one, two).values(), three)
        expect(summary(merged.values())).toEqual(summary(mergeKeys(three, mergeKeys(two, one).values()).values()))
        expect(summary(mergeKeys(merged.values(), two).values())).toEqual(summary(merged.values()))
        for (const key of [...one, ...two, ...three]) if (key.revokedAt !== null) expect(merged.get(key.id)?.revokedAt).not.toBeNull()
      }),
    )
  })

  test('what a list lacks, added to it, makes it lack nothing', () => {
    fc.assert(
      fc.property(lists, lists, (one, two) => {
        const mine = mergeKeys(one, [])
        const missing = missingFrom(mine, two)
        expect(missingFrom(mergeKeys(one, missing), two)).toEqual([])
        expect(missing.length === 0).toBe(summary(mergeKeys(one, two).values()).join() === summary(one).join())
      }),
    )
  })
})
