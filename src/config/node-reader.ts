import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { DocumentSource } from './document-source.ts'
import { type Finding, formatPath, type Path } from './problem.ts'
import { referenceName } from './secrets.ts'

/** The most values that aliases may add: a bomb doubles with every line. */
const MOST_FROM_ALIASES = 5_000
/** Aliases may nest what they stand for; the text itself is never this deep. */
const DEEPEST_WITH_ALIASES = 64
/** Keys that mean something to JavaScript objects. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
/** Keys whose values are shown to nobody, unless they are references. */
const CREDENTIAL_KEY = /key|secret|passw|credential|auth|bearer|^token$|[-_]token$|accesstoken/i
const OPEN_PROVIDER_KEYS: ReadonlySet<string> = new Set(['kind', 'baseUrl'])

/** Turns YAML's nodes into plain values without a prototype, and notes where each stands. Never recurses deeper than the limits. */
export class NodeReader {
  readonly findings: Finding[] = []
  readonly #source: DocumentSource
  readonly #anchors = new Map<string, unknown>()
  readonly #open = new Set<unknown>()
  #fromAliases = 0
  #aliasDepth = 0

  constructor(source: DocumentSource) {
    this.#source = source
  }

  /** The value of the document's root. */
  read(root: unknown): unknown {
    return this.#value(root, [], undefined, false)
  }

  #value(node: unknown, path: Path, key: number | undefined, hidden: boolean): unknown {
    if (this.#aliasDepth > 0 && ++this.#fromAliases > MOST_FROM_ALIASES) return null
    if (isAlias(node)) return this.#alias(node.source, node.range?.[0] ?? key ?? 0, path, key, hidden)
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) {
      this.#note(path, key, key ?? 0, key ?? 0, true)
      return null
    }
    const start = node.range?.[0] ?? key ?? 0
    const end = node.range?.[1] ?? start
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (typeof node.tag === 'string') this.#refuseTag(path, start)
    if (isScalar(node)) {
      this.#note(path, key, node.value === null && key !== undefined ? key : start, end, true)
      if (hidden && !(typeof node.value === 'string' && referenceName(node.value) !== undefined)) this.#source.hidden.push({ start, end })
      return typeof node.value === 'symbol' ? null : node.value
    }
    this.#note(path, key, start, end, false)
    if (path.length > DEEPEST_WITH_ALIASES || this.#open.has(node)) {
      this.#refuseAliases(path, start)
      return null
    }
    this.#open.add(node)
    const value = isMap(node)
      ? this.#map(node.items, path, hidden)
      : node.items.map((item, index) => this.#value(item, [...path, index], undefined, hidden))
    this.#open.delete(node)
    return value
  }

  #map(items: readonly { readonly key: unknown; readonly value: unknown }[], path: Path, hidden: boolean): Record<string, unknown> {
    const map: Record<string, unknown> = Object.create(null)
    for (const { key, value } of items) {
      if (!isScalar(key) || typeof key.value !== 'string') continue
      const name = key.value
      const start = key.range?.[0] ?? 0
      const inner = [...path, name]
      if (FORBIDDEN_KEYS.has(name)) this.findings.push(forbiddenKey(inner, name, start))
      else if (Object.hasOwn(map, name)) this.findings.push(this.#duplicate(inner, name, start))
      else map[name] = this.#value(value, inner, start, hidden || isSecretPlace(inner))
    }
    return map
  }

  #alias(name: string, start: number, path: Path, key: number | undefined, hidden: boolean): unknown {
    const node = this.#anchors.get(name)
    if (node === undefined) {
      this.findings.push({
        code: 'unknown_alias',
        path,
        at: start,
        says: 'is an alias (`*name`) of an anchor that is not defined before it',
        found: 'an alias without an anchor',
        expected: 'an anchor (`&name`) before it',
        remedy: 'Define the anchor first, or put the text in quotes.',
      })
      this.#note(path, key, start, start, true)
      return null
    }
    this.#aliasDepth++
    const value = this.#value(node, path, key, hidden)
    this.#aliasDepth--
    this.#note(path, key, start, start + name.length + 1, isScalar(node))
    if (this.#aliasDepth === 0 && this.#fromAliases > MOST_FROM_ALIASES) this.#refuseAliases(path, start)
    return value
  }

  #note(path: Path, key: number | undefined, value: number, end: number, scalar: boolean): void {
    this.#source.places.set(formatPath(path), key === undefined ? { value, end, scalar } : { key, value, end, scalar })
  }

  #duplicate(path: Path, name: string, at: number): Finding {
    const first = this.#source.places.get(formatPath(path))?.key ?? 0
    return {
      code: 'duplicate_key',
      path,
      at,
      says: `stands here a second time; the first is in line ${this.#source.lineOf(first)}`,
      found: 'the same key twice',
      expected: 'each key once',
      remedy: `Remove one of the two${name === '<<' ? '' : ', or rename it'}.`,
    }
  }

  #refuseTag(path: Path, at: number): void {
    this.findings.push({
      code: 'tag',
      path,
      at,
      says: 'has a tag (`!name`), which is not read here',
      found: 'a tag',
      expected: 'a plain value',
      remedy: 'Remove the tag.',
    })
  }

  #refuseAliases(path: Path, at: number): void {
    if (this.findings.some((finding) => finding.code === 'alias_bomb')) return
    this.findings.push({
      code: 'alias_bomb',
      path,
      at,
      says: `stands for too much: aliases may add ${MOST_FROM_ALIASES} values, and none may contain itself`,
      found: 'aliases that multiply',
      expected: `at most ${MOST_FROM_ALIASES} values from aliases`,
      remedy: 'Write the values out.',
    })
  }
}

function forbiddenKey(path: Path, name: string, at: number): Finding {
  return {
    code: 'forbidden_key',
    path,
    at,
    says: 'is a name that is not allowed anywhere',
    found: `the key \`${name}\``,
    expected: 'another name',
    remedy: 'Rename or remove it.',
  }
}

/** Whether what stands there is masked: under a key that is called like a credential, or an unknown key of a provider. */
function isSecretPlace(path: Path): boolean {
  const name = path.at(-1)
  if (typeof name !== 'string') return false
  return CREDENTIAL_KEY.test(name) || (path.length === 3 && path[0] === 'providers' && !OPEN_PROVIDER_KEYS.has(name))
}
