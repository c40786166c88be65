/** Where in the document: keys and positions in lists, from the root. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a document, in words and for machines. Never holds a credential (X1). */
export interface ConfigProblem {
  /** A warning does not keep a document from being used. */
  readonly severity: 'error' | 'warning'
  /** Stable, snake_case. */
  readonly code: string
  /** `models.assistant.upstreams[1]`; empty when it is about the whole document. */
  readonly path: string
  readonly line: number
  readonly column: number
  readonly found: string
  readonly expected: string
  readonly remedy: string
  /** All of it in one sentence or two, with file and line. */
  readonly message: string
  /** The line in question, credentials masked, and the column of it to point at; null when it is not fit to be shown. */
  readonly excerpt: { readonly text: string; readonly column: number } | null
}

/** A problem before its place in the text is known. */
export interface Finding {
  readonly severity?: 'error' | 'warning'
  readonly code: string
  readonly path: Path
  /** What the message says about the path: ``names `x`, which is not under `providers` ``. */
  readonly says: string
  readonly found: string
  readonly expected: string
  readonly remedy: string
  /** What to point at: the value unless written, or an offset in the text. */
  readonly at?: 'key' | number
}

/** The most problems that are kept of one document; garbage would bring hundreds of thousands. */
export const MOST_PROBLEMS = 100

/** `models.assistant.upstreams[1]`, with keys that are no plain words in quotes. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z0-9_-]{1,64}$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}
