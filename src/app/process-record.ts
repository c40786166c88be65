import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const ProcessRecordSchema = z.object({
  pid: z.int(),
  /** Wall time, ms since the epoch. */
  startedAt: z.number(),
  url: z.url({ protocol: /^http$/ }),
  token: z.string(),
})

/** What a running server says of itself in `process.json`, in its data folder. */
export type ProcessRecord = Readonly<z.infer<typeof ProcessRecordSchema>>

/** The server that runs, or ran last, on this data folder; undefined where none left word. */
export async function readProcess(dataFolder: string): Promise<ProcessRecord | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(fileIn(dataFolder), 'utf8'))
    return ProcessRecordSchema.safeParse(parsed).data
  } catch {
    return undefined
  }
}

/** Writes `process.json` whole or not at all, readable by its owner only. */
export async function writeProcess(dataFolder: string, record: ProcessRecord): Promise<void> {
  const draft = `${fileIn(dataFolder)}.${record.pid}`
  await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  await rename(draft, fileIn(dataFolder))
}

/** A running server in words. */
export function describeProcess({ pid, startedAt, url }: ProcessRecord): string {
  const since = new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')
  return `process ${pid}, which has been serving ${url} since ${since} UTC`
}

function fileIn(dataFolder: string): string {
  return join(dataFolder, 'process.json')
}
