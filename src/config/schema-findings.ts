import { nearest } from '#base'
import type { z } from 'zod'
import { KNOWN_KEYS, shapeOf } from './document-schema.ts'
import type { Complaint } from './leaf.ts'
import type { Finding, Path } from './problem.ts'
import { describe, describeText } from './secrets.ts'

/** What the schema found, in our words. */
export function schemaFindings(issues: readonly z.core.$ZodIssue[], document: unknown): Finding[] {
  return issues.flatMap((issue) => findings(issue, document))
}

function findings(issue: z.core.$ZodIssue, document: unknown): Finding[] {
  const path = pathOf(issue.path, document)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, document))
  const found = valueAt(document, path)
  if (issue.code === 'custom' && isComplaint(issue.params?.['complaint'])) return [leafFinding(path, found, issue.params['complaint'])]
  if (issue.code === 'too_small') return [noUpstreams(path)]
  const list = issue.code === 'invalid_type' && issue.expected === 'array'
  return [wrongShape(path, found, list)]
}

/** The issue's path; a problem in a bare `provider/model` is one of the list's entry. */
function pathOf(path: readonly PropertyKey[], document: unknown): Path {
  const steps = path.map((step) => (typeof step === 'number' ? step : String(step)))
  const parent = steps.slice(0, -1)
  return steps.at(-1) === 'upstream' && typeof valueAt(document, parent) === 'string' ? parent : steps
}

/** The value at a path of a document that was not judged yet; undefined when there is none. */
export function valueAt(document: unknown, path: Path): unknown {
  let value = document
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

function isComplaint(value: unknown): value is Complaint {
  return typeof value === 'object' && value !== null && 'code' in value && 'expected' in value && 'remedy' in value
}

function leafFinding(path: Path, found: unknown, complaint: Complaint): Finding {
  const { code, expected, remedy } = complaint
  if (found === undefined) return missing(path, expected, remedy)
  const shown = complaint.secret === true ? 'a text that is not shown' : describe(found)
  const says = complaint.says ?? `is ${shown === 'nothing' ? 'empty' : shown}, expected ${expected}`
  return { code, path, says, found: shown, expected, remedy }
}

/** A key that has to be there and is not. */
export function missing(path: Path, expected: string, remedy: string): Finding {
  return { code: 'missing_key', path, at: 'key', says: `is missing, expected ${expected}`, found: 'nothing', expected, remedy }
}

function unknownKey(path: Path, key: string, document: unknown): Finding {
  const shape = shapeOf(path)
  const known = KNOWN_KEYS.get(shape) ?? []
  const expected = `one of ${known.map((name) => `\`${name}\``).join(', ')}`
  const [likely] = nearest(key, known, 1)
  const elsewhere = [...KNOWN_KEYS].find(([other, keys]) => other !== shape && keys.includes(key))?.[0]
  const remedy = unknownKeyRemedy(key, likely, elsewhere) ?? `Expected ${expected}.`
  const common = { code: 'unknown_key', at: 'key', says: 'is not a known key', expected, remedy } as const
  if (mayBeCredential(path, key, document))
    return { ...common, path, says: 'has a key that is not known, and is not shown', found: 'a key that is not shown' }
  return { ...common, path: [...path, key], found: `the key ${describeText(key)}` }
}

/** A key that has no value, or is no plain word, may be a credential that got out of its quotes. */
function mayBeCredential(path: Path, key: string, document: unknown): boolean {
  if (!describeText(key).startsWith('`')) return true
  return path[0] === 'providers' && (!/^[A-Za-z0-9_-]{1,40}$/.test(key) || valueAt(document, [...path, key]) === null) && key !== '<<'
}

function unknownKeyRemedy(key: string, likely: string | undefined, elsewhere: string | undefined): string | undefined {
  if (key === '<<') return 'Merge keys are not part of YAML 1.2; write the keys out.'
  if (likely !== undefined && (elsewhere === undefined || likely.startsWith(key))) return `Did you mean \`${likely}\`?`
  if (elsewhere === undefined) return undefined
  return elsewhere === ''
    ? 'It belongs at the top of the document.'
    : `It belongs under \`${elsewhere.replace('upstreams.*', 'upstreams[n]').replace('*', 'NAME')}\`.`
}

function noUpstreams(path: Path): Finding {
  return {
    code: 'no_upstreams',
    path,
    says: 'is empty, so the model could not be served',
    found: 'an empty list',
    expected: 'at least one `provider/model`',
    remedy: 'Add an upstream, or remove the model.',
  }
}

function wrongShape(path: Path, found: unknown, list: boolean): Finding {
  const entry = shapeOf(path) === 'models.*.upstreams.*'
  const expected = list ? 'a list of `provider/model`' : entry ? '`provider/model`, or a map with `upstream`' : 'a map'
  const remedy = list ? 'Write `- provider/model`, one on each line.' : entry ? 'Write `- provider/model`.' : mapRemedy(path, found)
  if (found === undefined) return missing(path, expected, remedy)
  const shown = typeof found === 'string' && path[0] === 'providers' ? 'a text' : describe(found)
  return { code: 'wrong_type', path, says: `is ${found === null ? 'empty' : shown}, expected ${expected}`, found: shown, expected, remedy }
}

function mapRemedy(path: Path, found: unknown): string {
  if (found !== undefined && found !== null) return 'Write `key: value` under it, indented by two spaces.'
  return path.length === 1 ? 'Write it, with `{}` for none. The file may have been half saved.' : 'Fill it in, or remove the key.'
}
