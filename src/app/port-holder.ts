import { readdir, readFile, readlink } from 'node:fs/promises'

/** Who listens on a port of this machine, as `name (process 123)`; undefined where the system does not tell. */
export async function portHolder(port: number): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? await holderFromProc(port) : await holderFromLsof(port)
  } catch {
    return undefined
  }
}

async function holderFromProc(port: number): Promise<string | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')))
  const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`))
  if (sockets.size === 0) return undefined
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || !(await hasOpen(pid, sockets))) continue
    return `${plain(await commandOf(pid))} (process ${pid})`
  }
  return undefined
}

/** The inodes of sockets that listen (state 0A) on a port, in a table of the kernel's. */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.flatMap(([, local, , state, , , , , , inode]) => (local?.endsWith(suffix) && state === '0A' && inode ? [inode] : []))
}

async function hasOpen(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder).catch(() => [])
  for (const name of names) if (sockets.has(await readlink(`${folder}/${name}`).catch(() => ''))) return true
  return false
}

async function commandOf(pid: string): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter((word) => word !== '')
  return words.some((word) => word.endsWith('/src/main.ts')) ? 'another Holdfast' : (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()
}

async function holderFromLsof(port: number): Promise<string | undefined> {
  const child = Bun.spawn(['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' })
  const fields = new Map((await child.stdout.text()).split('\n').map((line) => [line.charAt(0), line.slice(1)]))
  const [pid, command] = [fields.get('p'), fields.get('c')]
  return pid === undefined ? undefined : `${plain(command ?? 'a program')} (process ${pid})`
}

/** A name that another program chose, without anything that could steer a terminal. */
function plain(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?')
}
