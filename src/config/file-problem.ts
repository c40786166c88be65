import type { FileContent } from './document-file.ts'
import { DocumentSource } from './document-source.ts'
import type { ConfigProblem } from './problem.ts'

/** What is wrong when there is no text to judge. */
export function fileProblem(file: string, content: Exclude<FileContent, { kind: 'content' }>): ConfigProblem {
  const missing = content.kind === 'missing'
  return new DocumentSource(file, '').problem(
    {
      code: missing ? 'file_missing' : 'file_unreadable',
      path: [],
      says: missing ? 'is not there' : `cannot be read (${content.why})`,
      found: missing ? 'no file' : 'a file that cannot be read',
      expected: 'a file that can be read',
      remedy: missing ? `Create ${file}, or name another with --config.` : `Check what ${file} is, and its permissions.`,
    },
    false,
  )
}
