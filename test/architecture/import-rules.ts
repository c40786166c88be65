import { posix } from 'node:path'
import { allowedDoors, MAIN_CALLS } from './floors.ts'
import type { Import, SourceFile } from './source-file.ts'
import type { Violation } from './violation.ts'

/** Doors only, and only those that the table of floors names. */
export function importViolations(file: SourceFile): Violation[] {
  const found: Violation[] = []
  for (const one of file.imports) {
    const message = judge(file, one)
    if (message !== undefined) found.push({ path: file.path, line: one.line, ...message })
  }
  return found
}

function judge(file: SourceFile, { specifier }: Import): { rule: string; message: string } | undefined {
  if (specifier === undefined) {
    const rule = 'computed-import'
    return file.path.startsWith('src/')
      ? { rule, message: 'imports what only running tells; name it, so that it can be checked' }
      : undefined
  }
  if (specifier.startsWith('#')) return judgeDoor(file, specifier)
  if (specifier.startsWith('.')) return judgeRelative(file, specifier)
  if (/^(\/|file:)/.test(specifier)) return { rule: 'absolute-import', message: `imports ${specifier} by an absolute path` }
  return undefined
}

function judgeDoor(file: SourceFile, specifier: string): { rule: string; message: string } | undefined {
  const door = specifier.slice(1)
  if (door.includes('/'))
    return { rule: 'doors-only', message: `imports ${specifier}; only its door #${door.split('/')[0]} may be imported` }
  if (!file.path.startsWith('src/')) return undefined
  if (door === file.folder) return { rule: 'own-door', message: `imports its own door ${specifier}; use a relative path` }
  const allowed = file.folder === undefined ? MAIN_CALLS : allowedDoors(file.folder)
  if (allowed === undefined || allowed.includes(door)) return undefined
  return {
    rule: 'floors',
    message: `${file.folder ?? 'main.ts'} may not import ${specifier}; it may import ${allowed.join(', ') || 'nothing'}`,
  }
}

function judgeRelative(file: SourceFile, specifier: string): { rule: string; message: string } | undefined {
  const target = posix.join(posix.dirname(file.path), specifier)
  const home = file.path.startsWith('src/') ? `src/${file.folder ?? ''}` : undefined
  if (home !== undefined && (file.folder === undefined || !target.startsWith(`${home}/`))) {
    return { rule: 'relative-import', message: `${specifier} leaves ${home}; import a door (#name)` }
  }
  if (home === undefined && target.startsWith('src/')) {
    return { rule: 'relative-import', message: `${specifier} reaches into src; import a door (#name)` }
  }
  return undefined
}
