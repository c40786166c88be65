import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '#base'
import { z } from 'zod'
import { type ApiKey, mergeKeys } from './api-key.ts'
import { formatCallLimit, parseCallLimit } from './call-limit.ts'

const DOCUMENT = z.object({
  version: z.literal(1),
  keys: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      prefix: z.string(),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      scopes: z.array(z.enum(['call', 'metrics', 'owner'])),
      limit: z.string().nullable(),
      createdAt: z.number(),
      lastUsedAt: z.number().nullable(),
      revokedAt: z.number().nullable(),
    }),
  ),
})

/**
 * The keys beside the database, hashes only, so that a start without the database knows them, or knows that there are none
 * (O1). Whoever makes or revokes one writes it too, so it is never behind the database for long.
 */
export class KeyFile {
  readonly path: string

  constructor(dataFolder: string) {
    this.path = join(dataFolder, 'keys.json')
  }

  /** Changes whenever the file does; empty when there is none. */
  async stamp(): Promise<string> {
    try {
      const stats = await stat(this.path, { bigint: true })
      return `${stats.ino}:${stats.mtimeNs}:${stats.size}`
    } catch {
      return ''
    }
  }

  /** The keys; undefined when there is no file. Throws `keys_file_damaged` when it cannot be understood. */
  async read(): Promise<ReadonlyMap<string, ApiKey> | undefined> {
    try {
      const { keys } = DOCUMENT.parse(JSON.parse(await readFile(this.path, 'utf8')))
      return new Map(keys.map((key) => [key.id, { ...key, limit: key.limit === null ? null : parseCallLimit(key.limit) }]))
    } catch (cause) {
      if (isAbsence(cause)) return undefined
      throw new AppError(`${this.path} cannot be read as a list of keys.`, {
        code: 'keys_file_damaged',
        remedy: 'It is written anew as soon as the database holds keys. If there never was a key, delete it.',
        cause,
      })
    }
  }

  /** Writes the keys, together with those that another process added meanwhile; whole or not at all. */
  async write(keys: Iterable<ApiKey>): Promise<void> {
    const others = await this.read().catch(() => undefined)
    const document = {
      version: 1,
      keys: [...mergeKeys(keys, others?.values() ?? []).values()].map((key) => {
        return { ...key, limit: key.limit === null ? null : formatCallLimit(key.limit) }
      }),
    }
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
    const temporary = `${this.path}.${process.pid}.new`
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(`${JSON.stringify(document, null, 2)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
  }
}

/** Whether an error says that there is no such file, and not that it cannot be seen. */
export function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
