import { DocumentSource } from './document-source.ts'
import type { ConfigProblem, Finding } from './problem.ts'

/** The largest document, bytes. Reading the worst one of this size takes half a second, for which no call is served. */
export const LARGEST_DOCUMENT = 256 * 1024

/** The document's text, or why its bytes are none. */
export type TextResult =
  | { readonly ok: true; readonly source: DocumentSource }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Everything that YAML itself does not allow in a text, line ends and tabs aside. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/

/** Reads bytes as UTF-8, strictly; a byte order mark is left out. */
export function readText(file: string, content: Uint8Array): TextResult {
  if (content.byteLength > LARGEST_DOCUMENT) {
    return refuse(file, '', {
      code: 'document_too_large',
      says: `has ${content.byteLength} bytes`,
      found: `${content.byteLength} bytes`,
      expected: `at most ${LARGEST_DOCUMENT} bytes`,
      remedy: 'Check that this is the right file.',
    })
  }
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse(file, validStart(bytes), {
      code: 'invalid_utf8',
      says: 'is not UTF-8 from here on',
      found: 'bytes that are not UTF-8',
      expected: 'UTF-8 text',
      remedy: 'Save the file as UTF-8.',
    })
  }
  const forbidden = FORBIDDEN.exec(text)
  if (forbidden) {
    const name =
      forbidden[0] === '\0'
        ? 'a NUL byte'
        : `the control character U+${forbidden[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    return refuse(file, text.slice(0, forbidden.index), {
      code: 'control_character',
      says: `holds ${name}`,
      found: name,
      expected: 'printable text',
      remedy: 'Remove it, or save the file as UTF-8 text again.',
    })
  }
  if (
    text
      .replace(/#.*$/gm, '')
      .replace(/^(?:---|\.\.\.)\s*$/gm, '')
      .trim() === ''
  ) {
    return refuse(file, '', {
      code: 'empty_document',
      says: 'is empty',
      found: 'nothing but spaces and comments',
      expected: 'at least `providers`',
      remedy: 'It may have been half saved. Write `providers: {}` to configure none on purpose.',
    })
  }
  return { ok: true, source: new DocumentSource(file, text) }
}

/** A refusal at the end of `before`; none of the text is fit to be shown. */
function refuse(file: string, before: string, finding: Omit<Finding, 'path' | 'at'>): TextResult {
  const source = new DocumentSource(file, before)
  return { ok: false, problems: [source.problem({ ...finding, path: [], at: before.length }, false)] }
}

/** The text before the first byte that is not UTF-8. */
function validStart(bytes: Buffer): string {
  let good = 0
  let bad = bytes.length
  while (good < bad) {
    const middle = Math.ceil((good + bad) / 2)
    if (startsValid(bytes.subarray(0, middle))) good = middle
    else bad = middle - 1
  }
  return new TextDecoder('utf-8').decode(bytes.subarray(0, good), { stream: true })
}

function startsValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
