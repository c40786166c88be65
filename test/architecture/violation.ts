import { lineOf, type SourceFile } from './source-file.ts'

export interface Violation {
  readonly path: string
  readonly line: number
  /** Stable name of the rule. */
  readonly rule: string
  readonly message: string
}

export function violationAt(file: SourceFile, position: number, rule: string, message: string): Violation {
  return { path: file.path, line: lineOf(file.text, position), rule, message }
}
