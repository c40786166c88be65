import { allowedDoors, FLOORS } from './floors.ts'
import type { SourceFile } from './source-file.ts'
import type { Violation } from './violation.ts'

const MOST_LINES = 400
const NAMELESS: ReadonlySet<string> = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'lib', 'core', 'shared'])
const HEADINGS = ['Owns', 'Calls', 'Emits', 'Consumes'] as const

/** Size of files, names of folders, and a door with its header for each folder of src. */
export function shapeViolations(files: readonly SourceFile[]): Violation[] {
  return [...files.flatMap(sizeAndName), ...foldersOf(files).flatMap(([folder, inside]) => doorOf(folder, inside))]
}

function sizeAndName(file: SourceFile): Violation[] {
  const found: Violation[] = []
  if (file.lines > MOST_LINES) {
    found.push({ path: file.path, line: MOST_LINES + 1, rule: 'file-size', message: `has ${file.lines} lines; ${MOST_LINES} are the most` })
  }
  const nameless = file.path
    .split('/')
    .slice(0, -1)
    .find((part) => NAMELESS.has(part))
  if (nameless !== undefined) {
    found.push({
      path: file.path,
      line: 1,
      rule: 'folder-name',
      message: `is in a folder named "${nameless}", which says nothing of what is inside`,
    })
  }
  if (/^src\/[^/]+$/.test(file.path) && file.path !== 'src/main.ts') {
    found.push({ path: file.path, line: 1, rule: 'floors', message: 'is in no folder of src; only main.ts stands there' })
  }
  return found
}

function foldersOf(files: readonly SourceFile[]): [string, SourceFile[]][] {
  return [...Map.groupBy(files, (file) => file.folder)].flatMap(([folder, inside]) => (folder === undefined ? [] : [[folder, inside]]))
}

function doorOf(folder: string, inside: readonly SourceFile[]): Violation[] {
  const path = `src/${folder}/index.ts`
  const at = (rule: string, message: string): Violation => ({ path, line: 1, rule, message })
  const found = allowedDoors(folder) === undefined ? [at('floors', `the table of floors has no row for ${folder}`)] : []
  const door = inside.find((file) => file.path === path)
  if (!door) return [...found, at('door', `${folder} has no door`)]
  const header = headerOf(door.text)
  if (header === undefined) return [...found, at('door-header', `begins with a comment of four lines: ${HEADINGS.join(', ')}`)]
  if (header.Calls === 'everything below' && FLOORS.get(folder) === 'everything above') return found
  const said = header.Calls === 'nothing' ? [] : header.Calls.split(/, | and /)
  const calls = calledBy(inside)
  if (said.toSorted().join() !== calls.join()) {
    found.push(at('door-header', `says "Calls: ${header.Calls}." but imports ${calls.join(', ') || 'nothing'}`))
  }
  return found
}

/** What the four lines say, without their final stops. */
function headerOf(text: string): Record<(typeof HEADINGS)[number], string> | undefined {
  const lines = text.split('\n')
  if (lines[0] !== '/**' || lines[HEADINGS.length + 1] !== ' */') return undefined
  const [Owns, Calls, Emits, Consumes] = HEADINGS.map(
    (heading, i) => new RegExp(`^ \\* ${heading}: (.+)\\.$`).exec(lines[i + 1] ?? '')?.[1],
  )
  if (Owns === undefined || Calls === undefined || Emits === undefined || Consumes === undefined) return undefined
  return { Owns, Calls, Emits, Consumes }
}

function calledBy(inside: readonly SourceFile[]): string[] {
  const specifiers = inside.filter((file) => !file.isTest).flatMap((file) => file.imports.map((one) => one.specifier ?? ''))
  return [...new Set(specifiers.filter((specifier) => specifier.startsWith('#')).map((specifier) => specifier.slice(1)))].toSorted()
}
