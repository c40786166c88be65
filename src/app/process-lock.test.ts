import { expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ManualClock, sleep, systemClock } from '#base'
import { ProcessLock } from './process-lock.ts'
import { readProcess } from './process-record.ts'

const HOLDER = fileURLToPath(new URL('./fixtures/hold-folder.ts', import.meta.url))

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Another process that tries to hold the folder, and what it said. */
async function otherProcess(
  folder: string,
): Promise<AsyncDisposable & { said: string; pid: number; end(signal?: NodeJS.Signals): Promise<void> }> {
  const child = Bun.spawn([process.execPath, HOLDER, folder], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  const { value } = await child.stdout.getReader().read()
  const end = async (signal?: NodeJS.Signals): Promise<void> => {
    if (signal === undefined) await child.stdin.end()
    else child.kill(signal)
    await child.exited
  }
  return { said: new TextDecoder().decode(value).trim(), pid: child.pid, end, [Symbol.asyncDispose]: () => end('SIGKILL') }
}

test('a second process on the same folder is refused and told who holds it, since when and where', async () => {
  await using folder = await temporaryFolder()
  await using first = await otherProcess(folder.path)
  expect(first.said).toBe('held')
  const refusal = ProcessLock.take(folder.path, systemClock)
  await expect(refusal).rejects.toHaveProperty('code', 'data_folder_in_use')
  await expect(refusal).rejects.toThrow(
    new RegExp(
      `${folder.path} is held by process ${first.pid}, which has been serving http://127.0.0.1:9 since \\d{4}-\\d\\d-\\d\\d [\\d:]{8} UTC`,
    ),
  )
  await using second = await otherProcess(folder.path)
  expect(second.said).toContain(`held by process ${first.pid}`)
})

test('a process that ends in order leaves nothing of itself', async () => {
  await using folder = await temporaryFolder()
  await using first = await otherProcess(folder.path)
  await first.end()
  expect(await readdir(folder.path)).toEqual(['process.lock'])
  await using lock = await ProcessLock.take(folder.path, systemClock)
  expect(lock.problem).toBeUndefined()
})

test('kill -9 leaves no lock behind', async () => {
  await using folder = await temporaryFolder()
  await using first = await otherProcess(folder.path)
  await first.end('SIGKILL')
  expect((await readProcess(folder.path))?.pid).toBe(first.pid)
  await using second = await otherProcess(folder.path)
  expect(second.said).toBe('held')
})

test('what local commands need is for the owner of the folder only, and differs each time', async () => {
  await using folder = await temporaryFolder()
  const tokens = new Set<string>()
  for (let n = 0; n < 2; n++) {
    await using lock = await ProcessLock.take(folder.path, systemClock)
    await lock.announce('http://127.0.0.1:8080')
    const record = await readProcess(folder.path)
    expect(record).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:8080', token: lock.token })
    expect((await stat(join(folder.path, 'process.json'))).mode & 0o777).toBe(0o600)
    tokens.add(lock.token)
  }
  expect(tokens.size).toBe(2)
  expect(await readProcess(folder.path)).toBeUndefined()
})

test('O1 without a folder that can be written the start goes on, and says why there is no lock', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'data')
  await writeFile(file, 'not a folder')
  await using lock = await ProcessLock.take(file, systemClock)
  expect(lock.problem).toBeString()
  await lock.announce('http://127.0.0.1:8080')
  expect(await readProcess(file)).toBeUndefined()
})

test('a broken process.json is as good as none', async () => {
  await using folder = await temporaryFolder()
  for (const text of ['', '{', '[]', '{"pid":"1"}', '{"pid":1,"startedAt":1,"url":"file:///etc/passwd","token":"t"}']) {
    await writeFile(join(folder.path, 'process.json'), text)
    expect(await readProcess(folder.path)).toBeUndefined()
  }
})

test('a folder that is removed under the process is locked anew, and a second start still refused', async () => {
  await using folder = await temporaryFolder()
  const clock = new ManualClock()
  await using lock = await ProcessLock.take(folder.path, clock)
  await lock.announce('http://127.0.0.1:9')
  await rm(folder.path, { recursive: true })
  for (let i = 0; i < 200 && (await readProcess(folder.path)) === undefined; i++) {
    await clock.pass(2_000)
    await sleep(systemClock, 10)
  }
  expect(await readProcess(folder.path)).toMatchObject({ pid: process.pid, url: 'http://127.0.0.1:9', token: lock.token })
  await using second = await otherProcess(folder.path)
  expect(second.said).not.toBe('held')
})
