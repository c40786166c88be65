import { isNode, nameOf, type SourceFile, type SyntaxNode, walk } from './source-file.ts'
import { type Violation, violationAt } from './violation.ts'

/** Where time and chance come from; only base may touch them, so that everything else can be replayed. */
const CLOCKS: ReadonlySet<string> = new Set([
  'Date.now',
  'performance.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'Bun.sleep',
  'Bun.sleepSync',
  'Bun.nanoseconds',
  'Bun.randomUUIDv7',
  'AbortSignal.timeout',
  'process.hrtime',
  'process.uptime',
])
const TIMERS: ReadonlySet<string> = new Set(['setTimeout', 'setInterval'])
const MODULES_OF_CHANCE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['node:crypto', new Set(['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID', 'getRandomValues', 'webcrypto'])],
  ['node:perf_hooks', new Set(['performance'])],
  ['node:timers', new Set(['setTimeout', 'setInterval'])],
  ['node:timers/promises', new Set(['setTimeout', 'setInterval', 'scheduler'])],
])

/** No `any`, no `!`, no plain Error, no time or chance but through base. */
export function syntaxViolations(file: SourceFile): Violation[] {
  const found: Violation[] = []
  const report = (node: SyntaxNode, rule: string, message: string): void => void found.push(violationAt(file, node.start, rule, message))
  for (const message of file.syntaxErrors) report(file.tree, 'syntax', message)
  const insideBase = file.folder === 'base'
  walk(file.tree, (node, parent) => {
    if (node.type === 'TSAnyKeyword') report(node, 'no-any', 'says any; say unknown and parse it')
    if (node.type === 'TSNonNullExpression') report(node, 'no-non-null', 'says ! where a check belongs')
    if (insideBase) return
    if (isPlainError(node, file.isTest ? parent : undefined)) {
      report(node, 'no-plain-error', 'makes a plain Error; make an AppError with a code and a remedy')
    }
    if (!file.path.startsWith('src/')) return
    const source = sourceOfTime(node, parent)
    if (source !== undefined) report(node, 'clock', `uses ${source}; take a Clock from base`)
  })
  return found
}

/** In tests an Error may be made, as a stimulus, but not thrown: there `thrower` is the node that it stands in. */
function isPlainError(node: SyntaxNode, thrower: SyntaxNode | undefined): boolean {
  if ((node.type !== 'NewExpression' && node.type !== 'CallExpression') || nameOf(node['callee']) !== 'Error') return false
  return thrower === undefined || thrower.type === 'ThrowStatement'
}

function sourceOfTime(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node.type === 'MemberExpression') {
    const name = memberName(node)
    return CLOCKS.has(name) ? name : globalTimer(name)
  }
  if (node.type === 'NewExpression' && nameOf(node['callee']) === 'Date' && isEmpty(node['arguments'])) return 'new Date()'
  if (node.type === 'CallExpression' && nameOf(node['callee']) === 'Date') return 'Date()'
  if (node.type === 'ImportSpecifier') return undefined
  if (node.type === 'ImportDeclaration') return importedChance(node)
  const name = nameOf(node)
  return name !== undefined && TIMERS.has(name) && isReference(node, parent) ? name : undefined
}

/** `a.b`, also when written `a['b']`. */
function memberName(node: SyntaxNode): string {
  const property = node['property']
  const key = node['computed'] === true ? (isNode(property) ? property['value'] : undefined) : nameOf(property)
  return `${nameOf(node['object']) ?? ''}.${String(key)}`
}

function globalTimer(name: string): string | undefined {
  const [object = '', property = ''] = name.split('.')
  return object === 'globalThis' && TIMERS.has(property) ? property : undefined
}

function importedChance(node: SyntaxNode): string | undefined {
  const source = node['source']
  const names = isNode(source) && typeof source['value'] === 'string' ? MODULES_OF_CHANCE.get(source['value']) : undefined
  if (names === undefined || !Array.isArray(node['specifiers'])) return undefined
  const imported = node['specifiers'].map((specifier: unknown) => (isNode(specifier) ? nameOf(specifier['imported']) : undefined))
  return imported.find((name) => name !== undefined && names.has(name))
}

/** Whether an identifier is read as a variable, and not the name of a property, an import or a type. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined) return true
  if (parent.type === 'MemberExpression') return parent['property'] !== node || parent['computed'] === true
  if (parent.type === 'Property') return parent['key'] !== node || parent['shorthand'] === true
  return !/^(ImportSpecifier|MethodDefinition|PropertyDefinition|TSPropertySignature|TSMethodSignature|TSTypeQuery)$/.test(parent.type)
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
