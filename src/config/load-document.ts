import type { ConfigSnapshot } from '#contract'
import { crossCheck, type Environment } from './cross-check.ts'
import { documentSchema } from './document-schema.ts'
import type { DocumentSource } from './document-source.ts'
import { parseDocument } from './parse-document.ts'
import { type ConfigProblem, type Finding, MOST_PROBLEMS } from './problem.ts'
import { readText } from './read-text.ts'
import { schemaFindings } from './schema-findings.ts'
import { findCredentials } from './secrets.ts'
import { buildSnapshot, versionOf } from './snapshot.ts'

/** The bytes of a document, and what it is read against. */
export interface LoadInput {
  /** For messages. */
  readonly file: string
  readonly content: Uint8Array
  readonly environment: Environment
  /** Wall time, ms since the epoch. */
  readonly loadedAt: number
}

/** A snapshot, or everything that keeps it from being one. The problems of a valid document are warnings. */
export type LoadResult =
  | { readonly ok: true; readonly snapshot: ConfigSnapshot; readonly text: string; readonly problems: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Judges a document as a whole. Never throws, whatever the bytes are. */
export function loadDocument(input: LoadInput): LoadResult {
  const read = readText(input.file, input.content)
  if (!read.ok) return read
  const { source } = read
  const parsed = parseDocument(source)
  const secrets = (known: readonly ConfigProblem[]): ConfigProblem[] => credentialProblems(source, known)
  if (!parsed.ok) return { ok: false, problems: arrange([...parsed.problems, ...secrets(parsed.problems)]) }
  const judged = documentSchema.safeParse(parsed.value)
  const findings = [
    ...(judged.success ? [] : schemaFindings(judged.error.issues, parsed.value)),
    ...crossCheck(parsed.value, input.environment),
  ]
  const known = [...parsed.problems, ...findings.slice(0, MOST_PROBLEMS).map((finding) => source.problem(finding))]
  const problems = arrange([...known, ...secrets(known)])
  if (!judged.success || problems.some((problem) => problem.severity === 'error')) return { ok: false, problems }
  return {
    ok: true,
    snapshot: buildSnapshot(judged.data, input.environment, versionOf(source.text), input.loadedAt),
    text: source.text,
    problems,
  }
}

/** Credentials anywhere in the text, comments included, since the text is kept; but not twice for one line. */
function credentialProblems(source: DocumentSource, known: readonly ConfigProblem[]): ConfigProblem[] {
  const reported = new Set(known.filter((problem) => problem.code === 'literal_secret').map((problem) => problem.line))
  const found: ConfigProblem[] = []
  for (const { start } of findCredentials(source.text).slice(0, MOST_PROBLEMS)) {
    const line = source.lineOf(start)
    if (reported.has(line)) continue
    reported.add(line)
    found.push(source.problem(looksLikeCredential(start)))
  }
  return found
}

function looksLikeCredential(offset: number): Finding {
  return {
    code: 'literal_secret',
    path: [],
    at: offset,
    says: 'holds what looks like a credential, which is not shown here',
    found: 'a text that is not shown',
    expected: 'a reference to an environment variable, `apiKey: "${NAME}"`',
    remedy: 'Remove it from the file, comments included, and replace the credential if others could read it.',
  }
}

/** In the order of the text, errors before warnings of the same place, at most so many. */
function arrange(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const rank = (problem: ConfigProblem): number => (problem.severity === 'error' ? 0 : 1)
  const errors = problems.filter((problem) => problem.severity === 'error').slice(0, MOST_PROBLEMS)
  const warnings = problems.filter((problem) => problem.severity === 'warning').slice(0, MOST_PROBLEMS - errors.length)
  return [...errors, ...warnings].toSorted((a, b) => a.line - b.line || a.column - b.column || rank(a) - rank(b))
}
