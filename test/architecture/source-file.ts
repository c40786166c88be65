import { parseSync, visitorKeys } from 'oxc-parser'

/** One node of a syntax tree; its other fields depend on its type. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

export interface Import {
  /** Undefined when it is an expression that only running tells. */
  readonly specifier: string | undefined
  readonly line: number
}

/** A parsed file of ours. */
export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly isTest: boolean
  /** The folder of src that it lies in; undefined outside of src and for src/main.ts. */
  readonly folder: string | undefined
  readonly imports: readonly Import[]
  readonly syntaxErrors: readonly string[]
  readonly tree: SyntaxNode
}

/** Parses a file and collects what it imports, types and workers included. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text)
  const tree: unknown = program
  if (!isNode(tree)) throw new TypeError(`${path} has no syntax tree`)
  const imports: Import[] = []
  walk(tree, (node) => {
    const source = importedBy(node)
    if (source !== undefined) imports.push({ specifier: literalOf(source), line: lineOf(text, node.start) })
  })
  const [top, folder, ...rest] = path.split('/')
  return {
    path,
    text,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    isTest: top !== 'src' || /\.(test|contract)\.ts$/.test(path),
    folder: top === 'src' && rest.length > 0 ? folder : undefined,
    imports,
    syntaxErrors: errors.map((error) => error.message),
    tree,
  }
}

/** Visits every node with its parent, in order. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode, parent: SyntaxNode | undefined) => void, parent?: SyntaxNode): void {
  visit(node, parent)
  for (const key of visitorKeys[node.type] ?? []) {
    const children: unknown = node[key]
    for (const child of Array.isArray(children) ? children : [children]) if (isNode(child)) walk(child, visit, node)
  }
}

/** The line, from 1, of a position in a text. */
export function lineOf(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The name of an identifier. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : undefined
}

function importedBy(node: SyntaxNode): SyntaxNode | undefined {
  const source = node['source']
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return isNode(source) ? source : undefined
    case 'NewExpression':
      return isNode(node['callee']) && nameOf(node['callee']) === 'URL' ? fileUrl(node['arguments']) : undefined
    default:
      return undefined
  }
}

/** `new URL('./x.ts', import.meta.url)` names a file of ours, as a worker's entry for example. */
function fileUrl(args: unknown): SyntaxNode | undefined {
  if (!Array.isArray(args) || !isNode(args[0])) return undefined
  return /^\.\.?\/.*\.ts$/.test(literalOf(args[0]) ?? '') ? args[0] : undefined
}

function literalOf(node: SyntaxNode): string | undefined {
  return node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}
