import { systemClock } from '#base'
import { type ConfigProblem, type Environment, fileProblem, loadDocument, type LoadResult, readDocumentFile } from '#config'
import type { ConfigSnapshot, ProviderConfig, RouteUpstream } from '#contract'

/** What one small call to an upstream said. */
export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly message: string }

export interface CheckOptions {
  readonly file: string
  /** Whether every upstream is asked once. */
  readonly probe: boolean
  readonly json: boolean
  readonly env: Environment
  readonly write: (text: string) => void
  readonly probeUpstream?: (provider: ProviderConfig, model: string) => Promise<ProbeResult>
}

interface ProbedUpstream {
  readonly upstream: string
  readonly ok: boolean
  readonly message: string | null
}

/**
 * Judges a config document and says everything about it at once: 0 when it could be served, 1 when not, or when a probed
 * upstream did not answer. Opens no database and writes no file.
 */
export async function check(options: CheckOptions): Promise<number> {
  const loaded = await load(options)
  const probed = loaded.ok && options.probe && options.probeUpstream ? await probe(loaded.snapshot, options.probeUpstream, options) : []
  const ok = loaded.ok && probed.every((result) => result.ok)
  options.write(
    options.json
      ? `${JSON.stringify(report(options.file, loaded, probed, ok), null, 2)}\n`
      : `${humanReport(options.file, loaded, probed)}\n`,
  )
  return ok ? 0 : 1
}

async function load(options: CheckOptions): Promise<LoadResult> {
  const content = await readDocumentFile(options.file)
  if (content.kind !== 'content') return { ok: false, problems: [fileProblem(options.file, content)] }
  return loadDocument({ file: options.file, content: content.bytes, environment: options.env, loadedAt: systemClock.now() })
}

/** Asks each distinct upstream once, all at the same time, and tells of each as soon as it answered. */
async function probe(
  snapshot: ConfigSnapshot,
  probeUpstream: NonNullable<CheckOptions['probeUpstream']>,
  options: CheckOptions,
): Promise<ProbedUpstream[]> {
  const upstreams = distinctUpstreams(snapshot)
  let done = 0
  return Promise.all(
    upstreams.map(async (upstream): Promise<ProbedUpstream> => {
      const provider = snapshot.providers.get(upstream.provider)
      const result = provider
        ? await ask(probeUpstream, provider, upstream.model)
        : { ok: false, message: 'its provider is not configured' }
      const message = 'message' in result ? withoutCredential(result.message, provider?.apiKey) : null
      done++
      if (!options.json) options.write(`probe ${done}/${upstreams.length}  ${upstream.id}: ${message ?? 'answered'}\n`)
      return { upstream: upstream.id, ok: result.ok, message }
    }),
  )
}

async function ask(
  probeUpstream: NonNullable<CheckOptions['probeUpstream']>,
  provider: ProviderConfig,
  model: string,
): Promise<ProbeResult> {
  try {
    return await probeUpstream(provider, model)
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

function withoutCredential(text: string, apiKey: string | undefined): string {
  return apiKey === undefined ? text : text.replaceAll(apiKey, '•••')
}

function distinctUpstreams(snapshot: ConfigSnapshot): RouteUpstream[] {
  const byId = new Map<string, RouteUpstream>()
  for (const route of snapshot.models.values()) for (const upstream of route.upstreams) byId.set(upstream.id, upstream)
  return [...byId.values()]
}

/** For machines. */
function report(file: string, loaded: LoadResult, probed: readonly ProbedUpstream[], ok: boolean): object {
  return {
    ok,
    file,
    problems: loaded.problems,
    summary: loaded.ok ? summary(loaded.snapshot) : null,
    ...(probed.length === 0 ? {} : { probes: probed.toSorted((a, b) => a.upstream.localeCompare(b.upstream)) }),
  }
}

function summary(snapshot: ConfigSnapshot): object {
  return {
    version: snapshot.version,
    providers: [...snapshot.providers.keys()],
    models: [...snapshot.models.values()].map((route) => ({
      model: route.model,
      balance: route.balance,
      rescue: route.rescue,
      upstreams: route.upstreams.map((upstream) => upstream.id),
    })),
  }
}

/** For people: a block for each problem, then what would be served, then one line that says how it stands. */
function humanReport(file: string, loaded: LoadResult, probed: readonly ProbedUpstream[]): string {
  const blocks = loaded.problems.map((problem) => block(file, problem))
  if (!loaded.ok) {
    const errors = loaded.problems.filter((problem) => problem.severity === 'error').length
    return [...blocks, `${file}: refused, ${count(errors, 'error')}${warnings(loaded)}.`].join('\n\n')
  }
  const silent = probed.filter((result) => !result.ok)
  const verdict =
    silent.length > 0
      ? `${file}: valid, but ${count(silent.length, 'upstream')} of ${probed.length} did not answer well${warnings(loaded)}.`
      : `${file}: valid, version ${loaded.snapshot.version}${probed.length > 0 ? `, ${count(probed.length, 'upstream')} answered` : ''}${warnings(loaded)}.`
  return [...blocks, served(loaded.snapshot), verdict].join('\n\n')
}

function block(file: string, problem: ConfigProblem): string {
  const lines = [
    `${file}:${problem.line}:${problem.column}  ${problem.severity}  ${problem.code}${problem.path === '' ? '' : `  ${problem.path}`}`,
    `  ${problem.message}`,
  ]
  if (problem.excerpt) {
    const number = String(problem.line)
    lines.push(
      `  ${number} | ${problem.excerpt.text}`,
      `  ${' '.repeat(number.length)} | ${padding(problem.excerpt.text, problem.excerpt.column)}^`,
    )
  }
  lines.push(`  found:    ${problem.found}`, `  expected: ${problem.expected}`, `  remedy:   ${problem.remedy}`)
  return lines.join('\n')
}

/** Blanks up to the column; tabs stay, so that the caret stands under its character. */
function padding(text: string, column: number): string {
  return text.slice(0, column - 1).replace(/[^\t]/g, ' ')
}

function served(snapshot: ConfigSnapshot): string {
  const width = Math.max(0, ...[...snapshot.models.keys()].map((name) => name.length))
  const models = [...snapshot.models.values()].map(
    (route) => `  ${route.model.padEnd(width)}  ${route.balance}: ${route.upstreams.map((upstream) => upstream.id).join(', ')}`,
  )
  const direct = [...snapshot.providers.keys()].map((id) => `${id}/…`).join(', ')
  return ['Serves', ...(models.length === 0 ? ['  no named model'] : models), ...(direct === '' ? [] : [`  directly: ${direct}`])].join(
    '\n',
  )
}

function warnings(loaded: LoadResult): string {
  const number = loaded.problems.filter((problem) => problem.severity === 'warning').length
  return number === 0 ? '' : `, ${count(number, 'warning')}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
