import { messageOf } from '#base'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LARGEST_DOCUMENT } from './read-text.ts'

/** What was found where the document should be. */
export type FileContent =
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly why: string }

/** Reads the file, at most one byte more than a document may have. Never throws, and never waits for a pipe. */
export async function readDocumentFile(file: string): Promise<FileContent> {
  try {
    if (!(await stat(file)).isFile()) return { kind: 'unreadable', why: 'it is no regular file' }
    await using handle = await open(file, 'r')
    const buffer = Buffer.alloc(LARGEST_DOCUMENT + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { kind: 'content', bytes: buffer.subarray(0, length) }
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'missing' } : { kind: 'unreadable', why: code ?? messageOf(error) }
  }
}

/** Replaces the file whole: whoever reads it, and whenever the power goes, finds the old text or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const folder = dirname(file)
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `.${process.pid}.last-good.tmp`)
  try {
    await writeDurably(temporary, text)
    await rename(temporary, file)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'w', 0o600)
  await handle.writeFile(text)
  await handle.sync()
}

/** Makes the rename itself durable; some file systems cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r')
    await handle.sync()
  } catch {
    return
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
