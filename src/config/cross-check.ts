import { nearest, parseDuration } from '#base'
import { exposure, readBaseUrl } from './base-url.ts'
import { ROUTE_DEFAULTS, splitUpstream } from './document-schema.ts'
import type { Finding, Path } from './problem.ts'
import { missing, valueAt } from './schema-findings.ts'
import { describe, describeText, referenceName } from './secrets.ts'

/** The environment, as a process has it. */
export type Environment = Readonly<Record<string, string | undefined>>

const PROVIDER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const MODEL_NAME = /^[A-Za-z0-9@][A-Za-z0-9._:@+/-]{0,127}$/
const DEFAULT_KINDS: ReadonlySet<unknown> = new Set(['openai'])

/**
 * What the parts of a document say about each other and about the environment. Reads a document that may be wrong in any
 * other way, so that one look shows all problems.
 */
export function crossCheck(document: unknown, environment: Environment): Finding[] {
  const providers = entries(valueAt(document, ['providers']))
  const models = entries(valueAt(document, ['models']))
  const names = new Set(providers.map(([name]) => name))
  const findings = [
    ...providers.flatMap(([name, provider]) => checkProvider(name, provider, environment)),
    ...models.flatMap(([name, model]) => [...checkModelName(name, names), ...checkModel(name, model, names)]),
    ...unused(providers, models),
  ]
  if (providers.length === 0 && isMap(valueAt(document, ['providers']))) findings.push(servesNothing())
  return findings
}

function checkProvider(name: string, provider: unknown, environment: Environment): Finding[] {
  const path = ['providers', name]
  const findings: Finding[] = []
  if (!PROVIDER_NAME.test(name)) {
    findings.push(badName(path, name, 'letters, digits, dots, dashes and underscores, at most 64 of them'))
  }
  if (!isMap(provider)) return findings
  const kind = valueAt(provider, ['kind'])
  const baseUrl = valueAt(provider, ['baseUrl'])
  const apiKey = valueAt(provider, ['apiKey'])
  if (kind === 'openai-compatible' && baseUrl === undefined) {
    findings.push(
      missing(
        [...path, 'baseUrl'],
        'an address such as `https://api.example.com/v1`',
        'Add the address of the service, with `/v1` where it has it.',
      ),
    )
  }
  if (DEFAULT_KINDS.has(kind) && baseUrl === undefined && apiKey === undefined) {
    findings.push(missing([...path, 'apiKey'], 'a reference such as `"${OPENAI_API_KEY}"`', 'Add the reference, and set the variable.'))
  }
  if (kind === 'scripted') {
    for (const key of ['baseUrl', 'apiKey']) if (valueAt(provider, [key]) !== undefined) findings.push(notForScripted([...path, key]))
  }
  const variable = typeof apiKey === 'string' ? referenceName(apiKey) : undefined
  if (variable !== undefined) {
    findings.push(...checkVariable([...path, 'apiKey'], name, variable, environment))
    if (kind !== 'scripted') findings.push(...checkExposure([...path, 'baseUrl'], baseUrl))
  }
  return findings
}

/** A credential as it is sent: without the line end that files and secret stores like to add. */
export function credential(environment: Environment, variable: string): string {
  return (environment[variable] ?? '').trim()
}

function checkVariable(path: Path, provider: string, variable: string, environment: Environment): Finding[] {
  const value = credential(environment, variable)
  const common = { path, expected: `the credential of \`${provider}\` in ${variable}` }
  if (value === '') {
    const state = environment[variable] === undefined ? 'not set' : 'empty'
    return [
      {
        ...common,
        code: 'missing_environment',
        says: `needs the environment variable ${variable} for the provider \`${provider}\`, which is ${state}`,
        found: `${variable} is ${state}`,
        remedy: `Set ${variable} and start again, or remove the provider.`,
      },
    ]
  }
  if (/^[\x21-\x7e]+$/.test(value)) return []
  return [
    {
      ...common,
      code: 'bad_environment',
      says: `reads the environment variable ${variable}, which holds spaces, line ends or other characters that no header can carry`,
      found: `${variable} holds characters that no header can carry`,
      remedy: `Set ${variable} to the credential alone.`,
    },
  ]
}

/** A public address is certain to carry the credential in the clear; a name may mean a private one, so it is only warned about. */
function checkExposure(path: Path, baseUrl: unknown): Finding[] {
  const reading = readBaseUrl(baseUrl)
  if (!('value' in reading) || !reading.value.startsWith('http:')) return []
  const exposed = exposure(reading.value)
  if (exposed === 'private') return []
  return [
    {
      severity: exposed === 'public' ? 'error' : 'warning',
      code: 'credential_in_the_clear',
      path,
      says: `would send the credential unencrypted to ${exposed === 'public' ? 'a public address' : 'what may be a public address'}`,
      found: '`http://`',
      expected: '`https://`, or an address of a private network',
      remedy: 'Write `https://`.',
    },
  ]
}

function notForScripted(path: Path): Finding {
  return {
    code: 'not_for_kind',
    path,
    at: 'key',
    says: 'has no meaning for the kind `scripted`',
    found: `\`${String(path.at(-1))}\``,
    expected: '`kind: scripted` alone',
    remedy: 'Remove it.',
  }
}

function checkModelName(name: string, providers: ReadonlySet<string>): Finding[] {
  const path = ['models', name]
  if (!MODEL_NAME.test(name)) return [badName(path, name, 'letters, digits and `.`, `_`, `:`, `@`, `+`, `/`, `-`, at most 128 of them')]
  const prefix = name.slice(0, Math.max(0, name.indexOf('/')))
  if (!providers.has(prefix)) return []
  return [
    {
      code: 'ambiguous_name',
      path,
      at: 'key',
      says: `could also mean the model \`${name.slice(prefix.length + 1)}\` of the provider \`${prefix}\``,
      found: describeText(name),
      expected: 'a name that does not begin with a provider and a slash',
      remedy: 'Rename the model.',
    },
  ]
}

function checkModel(name: string, model: unknown, providers: ReadonlySet<string>): Finding[] {
  const path = ['models', name]
  return [
    ...checkUpstreams([...path, 'upstreams'], valueAt(model, ['upstreams']), providers),
    ...checkCooldown([...path, 'breaker'], model),
    ...checkTotal([...path, 'deadlines'], model),
  ]
}

function checkUpstreams(path: Path, upstreams: unknown, providers: ReadonlySet<string>): Finding[] {
  if (!Array.isArray(upstreams)) return []
  const findings: Finding[] = []
  const first = new Map<string, number>()
  for (const [index, entry] of upstreams.entries()) {
    const text = upstreamOf(entry)
    const parts = text === undefined ? undefined : splitUpstream(text)
    if (text === undefined || parts === undefined) continue
    const at = typeof entry === 'string' ? [...path, index] : [...path, index, 'upstream']
    const earlier = first.get(text)
    if (earlier === undefined) first.set(text, index)
    else findings.push(repeated(at, text, earlier))
    if (!providers.has(parts.provider)) findings.push(unknownProvider(at, parts.provider, providers))
  }
  return findings
}

function upstreamOf(entry: unknown): string | undefined {
  const text = typeof entry === 'string' ? entry : valueAt(entry, ['upstream'])
  return typeof text === 'string' ? text : undefined
}

function unknownProvider(path: Path, provider: string, providers: ReadonlySet<string>): Finding {
  const [likely] = nearest(provider, providers, 1)
  return {
    code: 'unknown_provider',
    path,
    says: `names ${describeText(provider)}, which is not under \`providers\``,
    found: describeText(provider),
    expected: 'a name under `providers`',
    remedy: likely === undefined ? 'Add it there, or remove this upstream.' : `Did you mean ${describeText(likely)}?`,
  }
}

function repeated(path: Path, upstream: string, earlier: number): Finding {
  return {
    code: 'duplicate_upstream',
    path,
    says: `names ${describeText(upstream)}, as \`upstreams[${earlier}]\` does`,
    found: describeText(upstream),
    expected: 'each upstream once in a route',
    remedy: 'Remove one; `retries.perUpstream` says how often one is tried.',
  }
}

function checkCooldown(path: Path, model: unknown): Finding[] {
  const written = (key: 'cooldown' | 'maxCooldown'): number | undefined => {
    const value = valueAt(model, ['breaker', key])
    if (value === undefined) return ROUTE_DEFAULTS.breaker[key]
    return typeof value === 'string' ? parseDuration(value) : undefined
  }
  const cooldown = written('cooldown')
  const most = written('maxCooldown')
  if (cooldown === undefined || most === undefined || cooldown <= most) return []
  const found = describe(valueAt(model, ['breaker', 'cooldown']) ?? '1s')
  const limit = String(valueAt(model, ['breaker', 'maxCooldown']) ?? '5s, the default')
  const key = valueAt(model, ['breaker', 'cooldown']) === undefined ? 'maxCooldown' : 'cooldown'
  return [
    {
      code: 'contradiction',
      path: [...path, key],
      says: `makes \`cooldown\` (${found}) longer than \`maxCooldown\` (${limit})`,
      found: `cooldown ${found}`,
      expected: '`cooldown` at most as long as `maxCooldown`',
      remedy: 'Write a shorter `cooldown` or a longer `maxCooldown`.',
    },
  ]
}

function checkTotal(path: Path, model: unknown): Finding[] {
  const written = (key: string): number | undefined => {
    const value = valueAt(model, ['deadlines', key])
    return typeof value === 'string' ? parseDuration(value) : undefined
  }
  const total = written('total')
  if (total === undefined) return []
  return ['connect', 'headers', 'firstToken', 'stall']
    .filter((key) => (written(key) ?? 0) > total)
    .map((key) => ({
      severity: 'warning',
      code: 'contradiction',
      path: [...path, key],
      says: 'is longer than `total`, so it can never be reached',
      found: describe(valueAt(model, ['deadlines', key])),
      expected: 'at most as long as `total`',
      remedy: 'Write a shorter time, or a longer `total`.',
    }))
}

function unused(providers: readonly (readonly [string, unknown])[], models: readonly (readonly [string, unknown])[]): Finding[] {
  const used = new Set<string>()
  for (const [, model] of models) {
    const upstreams = valueAt(model, ['upstreams'])
    if (Array.isArray(upstreams)) for (const entry of upstreams) used.add(splitUpstream(upstreamOf(entry) ?? '')?.provider ?? '')
  }
  return providers
    .filter(([name]) => !used.has(name))
    .map(([name]) => ({
      severity: 'warning',
      code: 'unused_provider',
      path: ['providers', name],
      at: 'key',
      says: `is in no model's \`upstreams\`; only calls that name \`${name}/…\` reach it`,
      found: 'no upstream of this provider',
      expected: 'an upstream of it under `models`',
      remedy: 'Add it to a model, or remove it.',
    }))
}

function servesNothing(): Finding {
  return {
    severity: 'warning',
    code: 'no_providers',
    path: ['providers'],
    at: 'key',
    says: 'is empty, so no call can be answered',
    found: 'no provider',
    expected: 'at least one provider',
    remedy: 'Add a provider and a model.',
  }
}

function badName(path: Path, name: string, allowed: string): Finding {
  return {
    code: 'bad_name',
    path,
    at: 'key',
    says: 'has a name that is not allowed',
    found: describeText(name),
    expected: allowed,
    remedy: `Use ${allowed}; begin with a letter or a digit.`,
  }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function entries(value: unknown): (readonly [string, unknown])[] {
  return isMap(value) ? Object.entries(value) : []
}
