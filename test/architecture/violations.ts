import { cycleViolations } from './cycles.ts'
import { importViolations } from './import-rules.ts'
import { shapeViolations } from './shape-rules.ts'
import { parseSource } from './source-file.ts'
import { syntaxViolations } from './syntax-rules.ts'
import type { Violation } from './violation.ts'

/** Everything that breaks the laws of the house in these files, by path. */
export function violations(files: ReadonlyMap<string, string>): Violation[] {
  const parsed = [...files].map(([path, text]) => parseSource(path, text))
  return [...parsed.flatMap(importViolations), ...parsed.flatMap(syntaxViolations), ...cycleViolations(parsed), ...shapeViolations(parsed)]
}
