import { formatDuration, nearest, parseBytes, parseDuration, parseShare } from '#base'
import { z } from 'zod'

/** Why a value is refused; the place and what was found are added later. */
export interface Complaint {
  readonly code: string
  /** Instead of "is …, expected …". */
  readonly says?: string
  readonly expected: string
  readonly remedy: string
  /** Whether what was found is not to be shown. */
  readonly secret?: boolean
}

/** A value that was read, or why it could not be. */
export type Reading<T> = { readonly value: T } | Complaint

/** A value of the document that is no map and no list. */
export type Leaf<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>

/** A leaf read by a function; its complaint travels in the issue's params. */
export function leaf<T>(read: (found: unknown) => Reading<T>): Leaf<T> {
  return z.unknown().transform((found, context): T => {
    const reading = read(found)
    if ('value' in reading) return reading.value
    context.addIssue({ code: 'custom', input: found, params: { complaint: reading } })
    return z.NEVER
  })
}

const DURATION = 'a duration such as `250ms`, `2s`, `10m` or `1h`'

/** A duration in ms between two, both allowed. */
export function duration(least: number, most: number): Leaf<number> {
  const remedy = 'Write a number and its unit: `250ms`, `2s`, `10m` or `1h`.'
  return leaf((found) => {
    const value = typeof found === 'string' ? parseDuration(found) : undefined
    if (value === undefined) return { code: 'bad_duration', expected: DURATION, remedy }
    return inRange(value, least, most, `${DURATION}, from ${formatDuration(least)} to ${formatDuration(most)}`)
  })
}

/** A size in bytes between two. */
export function bytes(least: number, most: number): Leaf<number> {
  const expected = 'a size such as `512KiB`, `32MiB` or `1GiB`'
  return leaf((found) => {
    const value = typeof found === 'string' ? parseBytes(found) : undefined
    if (value === undefined) return { code: 'bad_size', expected, remedy: 'Write a number and its unit: `B`, `KiB`, `MiB` or `GiB`.' }
    return inRange(value, least, most, `${expected}, from ${formatBytes(least)} to ${formatBytes(most)}`)
  })
}

/** A share from `least` to 1, written in per cent. */
export function share(least: number): Leaf<number> {
  return leaf((found) => {
    const expected = `a share from ${least * 100}% to 100%`
    const value = typeof found === 'string' ? parseShare(found) : undefined
    if (value === undefined || value < least)
      return { code: 'bad_share', expected, remedy: 'Write it with a per cent sign, such as `20%`.' }
    return { value }
  })
}

/** A whole number between two. */
export function whole(least: number, most: number): Leaf<number> {
  const expected = `a whole number from ${least} to ${most}`
  return leaf((found) => {
    if (typeof found !== 'number' || !Number.isInteger(found))
      return { code: 'bad_number', expected, remedy: 'Write it without quotes and without a fraction.' }
    return inRange(found, least, most, expected)
  })
}

/** Any number between two. */
export function amount(least: number, most: number): Leaf<number> {
  const expected = `a number from ${least} to ${most}`
  return leaf((found) => {
    if (typeof found !== 'number' || !Number.isFinite(found))
      return { code: 'bad_number', expected, remedy: 'Write it as digits, without quotes.' }
    return inRange(found, least, most, expected)
  })
}

/** One of some words. */
export function choice<const Word extends string>(words: readonly Word[]): Leaf<Word> {
  const expected = `one of ${words.map((word) => `\`${word}\``).join(', ')}`
  return leaf((found) => {
    const word = words.find((candidate) => candidate === found)
    if (word !== undefined) return { value: word }
    const [likely] = typeof found === 'string' ? nearest(found, words, 1) : []
    return { code: 'bad_choice', expected, remedy: likely === undefined ? `Write ${expected}.` : `Did you mean \`${likely}\`?` }
  })
}

function inRange(value: number, least: number, most: number, expected: string): Reading<number> {
  if (value >= least && value <= most) return { value }
  return { code: 'out_of_range', expected, remedy: value < least ? 'Write a larger value.' : 'Write a smaller value.' }
}

function formatBytes(value: number): string {
  if (value >= 1024 ** 3) return `${value / 1024 ** 3} GiB`
  return value >= 1024 ** 2 ? `${value / 1024 ** 2} MiB` : `${value / 1024} KiB`
}
