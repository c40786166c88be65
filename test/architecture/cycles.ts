import { posix } from 'node:path'
import type { SourceFile } from './source-file.ts'
import type { Violation } from './violation.ts'

/** Rings of imports between files, type imports included, and between folders of src. */
export function cycleViolations(files: readonly SourceFile[]): Violation[] {
  const byFile = new Map<string, Set<string>>()
  const byFolder = new Map<string, Set<string>>()
  for (const file of files) {
    for (const { specifier } of file.imports) {
      if (specifier?.startsWith('#')) {
        add(byFile, file.path, `src/${specifier.slice(1)}/index.ts`)
        if (file.folder !== undefined) add(byFolder, `src/${file.folder}`, `src/${specifier.slice(1)}`)
      } else if (specifier?.startsWith('.')) add(byFile, file.path, posix.join(posix.dirname(file.path), specifier))
    }
  }
  return [...ringsOf(byFile).map(violationOf('file-cycle')), ...ringsOf(byFolder).map(violationOf('folder-cycle'))]
}

function add(graph: Map<string, Set<string>>, from: string, to: string): void {
  const targets = graph.get(from) ?? new Set<string>()
  graph.set(from, targets.add(to))
}

function violationOf(rule: string): (ring: readonly string[]) => Violation {
  return (ring) => ({ path: ring[0] ?? '', line: 1, rule, message: `is in a ring of imports: ${[...ring, ring[0]].join(' → ')}` })
}

/** One ring through each knot: depth first, a node met again on its own path closes one. */
function ringsOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const rings: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (node: string): void => {
    if (done.has(node)) return
    const at = path.indexOf(node)
    if (at !== -1) {
      rings.push(path.slice(at))
      return
    }
    path.push(node)
    for (const next of graph.get(node) ?? []) visit(next)
    path.pop()
    done.add(node)
  }
  for (const node of graph.keys()) visit(node)
  return rings
}
