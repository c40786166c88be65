import { Composer, type Document, Lexer, Parser, type YAMLError } from 'yaml'
import type { DocumentSource } from './document-source.ts'
import { NodeReader } from './node-reader.ts'
import { type ConfigProblem, type Finding, MOST_PROBLEMS } from './problem.ts'

/** The deepest nesting; a sound document has six levels. */
export const DEEPEST = 32

/** The document as plain values. `source` knows their places. */
export type ParseResult =
  | { readonly ok: true; readonly value: unknown; readonly problems: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

type Token = Parser['stack'][number]

/**
 * Reads the text as one YAML 1.2 document of plain maps, lists and scalars. Not `ok` when it is no such thing; otherwise the
 * problems are those that do not keep the rest from being judged (a key that stands twice, for one).
 */
export function parseDocument(source: DocumentSource): ParseResult {
  const tokens = tokenize(source.text)
  if (typeof tokens === 'number') {
    return refuse(
      source,
      [
        {
          code: 'too_deep',
          path: [],
          at: tokens,
          says: `is nested more than ${DEEPEST} levels deep`,
          found: `more than ${DEEPEST} levels`,
          expected: 'at most six levels, as in the documentation',
          remedy: 'Check the indentation and the brackets.',
        },
      ],
      false,
    )
  }
  const composer = new Composer({
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    merge: false,
    resolveKnownTags: false,
    logLevel: 'silent',
  })
  const documents = [...composer.compose(tokens)]
  const [document, second] = documents
  if (!document) return refuse(source, [generic(0)])
  const syntax = firstOfEachLine(source, [...document.errors, ...document.warnings]).map(syntaxFinding)
  if (document.directives?.yaml.explicit === true) syntax.unshift(directive())
  if (second) syntax.push(secondDocument(second))
  const reader = new NodeReader(source)
  const value = reader.read(document.contents)
  if (syntax.length > 0) return refuse(source, syntax)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(source, [notAMap(Array.isArray(value))])
  return { ok: true, value, problems: reader.findings.slice(0, MOST_PROBLEMS).map((finding) => source.problem(finding)) }
}

/** One error of a line: the others follow from it. */
function firstOfEachLine(source: DocumentSource, errors: readonly YAMLError[]): YAMLError[] {
  const byLine = new Map<number, YAMLError>()
  for (const error of errors) {
    const line = source.lineOf(error.pos[0])
    if (!byLine.has(line)) byLine.set(line, error)
    if (byLine.size === MOST_PROBLEMS) break
  }
  return [...byLine.values()]
}

/** The tokens, or the offset where the nesting is too deep: found before anything recursive sees them. */
function tokenize(text: string): Token[] | number {
  const parser = new Parser()
  const tokens: Token[] = []
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (parser.stack.length > DEEPEST + 2) return parser.offset
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

function refuse(source: DocumentSource, findings: readonly Finding[], excerpt = true): ParseResult {
  return { ok: false, problems: findings.map((finding) => source.problem(finding, excerpt)) }
}

/** What YAML's own errors mean, in words that never hold any of the text: it may be a credential. */
const SYNTAX: Readonly<Partial<Record<YAMLError['code'], readonly [says: string, expected: string, remedy: string]>>> = {
  TAB_AS_INDENT: ['is indented by a tab', 'spaces', 'Indent with spaces; YAML does not allow tabs.'],
  BAD_INDENT: [
    'has a line that is indented wrongly, or a bracket before it that is not closed',
    'items of one map or list in the same column',
    'Align it with the lines that it belongs to, or close the bracket.',
  ],
  BAD_ALIAS: [
    'has an alias (`*name`) that YAML cannot read',
    'an anchor (`&name`) before it',
    'Define the anchor first, or put the text in quotes.',
  ],
  BAD_DQ_ESCAPE: [
    'has an escape in double quotes that YAML does not know',
    'an escape such as `\\n`, or none',
    'Use single quotes, or write `\\\\` for a backslash.',
  ],
  BAD_SCALAR_START: ['has a text that begins with a reserved character', 'a text in quotes', 'Put the text in quotes.'],
  MISSING_CHAR: [
    'ends a bracket, a quote or a key too early',
    'the closing bracket or quote, or `: ` after a key',
    'Close it, or write `key: value`.',
  ],
  MULTILINE_IMPLICIT_KEY: [
    'has a line without `key: value`',
    '`key: value`, with a space after the colon',
    'Add the colon, or indent the line under the key that it belongs to.',
  ],
  BLOCK_AS_IMPLICIT_KEY: ['has a second `key:` on one line', 'one `key: value` on a line', 'Put it on a line of its own, or in braces.'],
  NON_STRING_KEY: ['has a key that is a map or a list', 'a plain text as key', 'Write the key as a plain text.'],
  UNEXPECTED_TOKEN: ['has something here that does not belong', '`key: value`', 'Check the brackets, quotes and indentation around it.'],
  TAG_RESOLVE_FAILED: ['has a tag (`!name`), which is not read here', 'plain values', 'Remove the tag.'],
  BAD_DIRECTIVE: ['begins with a directive that is not read here', 'no directive', 'Remove the line that begins with `%`.'],
}

function syntaxFinding(error: YAMLError): Finding {
  const row = SYNTAX[error.code]
  if (!row) return generic(error.pos[0])
  const [says, expected, remedy] = row
  return { code: 'bad_yaml', path: [], at: error.pos[0], says, found: 'text that is not valid YAML', expected, remedy }
}

function generic(offset: number): Finding {
  return {
    code: 'bad_yaml',
    path: [],
    at: offset,
    says: 'is not valid YAML here',
    found: 'text that is not valid YAML',
    expected: 'YAML 1.2',
    remedy: 'Check the brackets, quotes and indentation around it.',
  }
}

function directive(): Finding {
  return {
    code: 'bad_yaml',
    path: [],
    at: 0,
    says: 'begins with a directive, which is not read here',
    found: 'a line that begins with `%YAML`',
    expected: 'no directive',
    remedy: 'Remove the line that begins with `%YAML`.',
  }
}

function secondDocument(second: Document.Parsed): Finding {
  return {
    code: 'several_documents',
    path: [],
    at: second.range[0],
    says: 'is followed by a second document',
    found: 'a second document after `---`',
    expected: 'one document',
    remedy: 'Remove the `---` and what follows it, or merge the two.',
  }
}

function notAMap(list: boolean): Finding {
  return {
    code: 'not_a_map',
    path: [],
    at: 0,
    says: `is ${list ? 'a list' : 'a single value'}`,
    found: list ? 'a list' : 'a single value',
    expected: 'a map with `providers` and `models`',
    remedy: 'Begin with `providers:`. The file may have been half saved.',
  }
}
