import type { Connection } from './connection.ts'

/** Idle connections by origin, the one that was used last first: the others may grow old and be closed. */
export class ConnectionPool {
  readonly #idle = new Map<string, Connection[]>()

  take(origin: string): Connection | undefined {
    return this.#idle.get(origin)?.pop()
  }

  put(origin: string, connection: Connection): void {
    const idle = this.#idle.get(origin)
    if (idle) idle.push(connection)
    else this.#idle.set(origin, [connection])
  }

  remove(origin: string, connection: Connection): void {
    const idle = this.#idle.get(origin)
    const index = idle?.indexOf(connection) ?? -1
    if (index !== -1) idle?.splice(index, 1)
  }

  clear(): void {
    const all = [...this.#idle.values()].flat()
    this.#idle.clear()
    for (const connection of all) connection.destroy()
  }
}
