import { basename } from 'node:path'
import { LineCounter } from 'yaml'
import { type ConfigProblem, type Finding, formatPath, type Path } from './problem.ts'
import { findSections, isAboutProviders, maskLine, maskProviderLine, type TextRange } from './secrets.ts'

/** Where a value stands: offsets of its key and of itself. */
export interface NodePlace {
  readonly key?: number
  readonly value: number
  readonly end: number
  readonly scalar: boolean
}

/** A document's text, and where its values stand in it: turns findings into problems with line, column and excerpt. */
export class DocumentSource {
  readonly text: string
  readonly places = new Map<string, NodePlace>()
  /** What must not be shown. */
  readonly hidden: TextRange[] = []
  readonly #name: string
  readonly #lines = new LineCounter()
  #knownSections: ReturnType<typeof findSections> | undefined

  constructor(file: string, text: string) {
    this.text = text
    this.#name = basename(file)
    this.#lines.addNewLine(0)
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#lines.addNewLine(at + 1)
  }

  /** The line of an offset, from 1. */
  lineOf(offset: number): number {
    return this.#lines.linePos(offset).line
  }

  /** The finding with its place; `excerpt: false` when the text could not be read well enough to show any of it. */
  problem(finding: Finding, excerpt = true): ConfigProblem {
    const offset = Math.min(
      typeof finding.at === 'number' ? finding.at : this.#offsetOf(finding.path, finding.at === 'key'),
      this.text.length,
    )
    const { line, col } = this.#lines.linePos(offset)
    const severity = finding.severity ?? 'error'
    const path = maskLine(formatPath(finding.path), [])
    const subject = path === '' ? 'the document' : `\`${path}\``
    return {
      severity,
      code: finding.code,
      path,
      line,
      column: col,
      found: finding.found,
      expected: finding.expected,
      remedy: finding.remedy,
      message: `${severity === 'error' ? 'Refused' : 'Warning'}: ${subject} ${finding.says}. ${finding.remedy} (${this.#name}:${line})`,
      excerpt: excerpt ? this.#excerpt(line, col) : null,
    }
  }

  /** The place of the deepest part of the path that is in the document. */
  #offsetOf(path: Path, key: boolean): number {
    for (let length = path.length; length > 0; length--) {
      const place = this.places.get(formatPath(path.slice(0, length)))
      if (place) return key || length < path.length ? (place.key ?? place.value) : place.value
    }
    return this.places.get('')?.value ?? 0
  }

  get #sections(): ReturnType<typeof findSections> {
    this.#knownSections ??= findSections(this.text)
    return this.#knownSections
  }

  #excerpt(line: number, column: number): { text: string; column: number } {
    const start = this.#lines.lineStarts[line - 1] ?? 0
    const end = this.#lines.lineStarts[line] ?? this.text.length + 1
    const raw = this.text.slice(start, end - 1).replace(/\r$/, '')
    const hidden = this.hidden
      .filter((range) => range.start < end && range.end > start)
      .map((range) => ({ start: range.start - start, end: Math.min(range.end - start, raw.length) }))
    const certain = maskLine(raw, hidden)
    const masked = isAboutProviders(this.#sections, start, start + raw.length) ? maskProviderLine(certain) : certain
    let same = 0
    while (same < raw.length && raw[same] === masked[same]) same++
    return { text: masked.slice(0, 200), column: Math.min(masked === raw ? column : Math.min(column, same + 1), 201) }
  }
}
