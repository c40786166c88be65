import { existsSync, renameSync } from 'node:fs'

/** Renames a damaged database and the files beside it to `…corrupt-<time>`; nothing is deleted. Returns the new name. */
export function setAside(file: string, now: number): string {
  const kept = `${file}.corrupt-${new Date(now).toISOString().replaceAll(':', '').replace('.', '')}`
  renameSync(file, kept)
  for (const suffix of ['-wal', '-shm']) if (existsSync(file + suffix)) renameSync(file + suffix, kept + suffix)
  return kept
}
