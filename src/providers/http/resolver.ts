import { type Clock, firstOf, TIMED_OUT } from '#base'

/** Resolves a name to addresses, the preferred first. */
export type Lookup = (host: string) => Promise<readonly string[]>

/** Milliseconds for which DNS is waited for when addresses are known from before. */
const PATIENCE_MS = 300

/**
 * Looks names up anew for each connection, one query at a time for each name. While DNS fails or is silent, the last
 * addresses that it gave are used: an outage of DNS alone stops no calls. A name that no longer exists is forgotten.
 */
export class Resolver {
  readonly #clock: Clock
  readonly #lookup: Lookup
  readonly #pending = new Map<string, Promise<readonly string[]>>()
  readonly #known = new Map<string, readonly string[]>()

  constructor(clock: Clock, lookup: Lookup = lookupAddresses) {
    this.#clock = clock
    this.#lookup = lookup
  }

  async resolve(host: string): Promise<readonly string[]> {
    const pending = this.#pending.get(host) ?? this.#query(host)
    const known = this.#known.get(host)
    if (!known) return pending
    try {
      const addresses = await firstOf(this.#clock, pending, PATIENCE_MS)
      return addresses === TIMED_OUT ? known : addresses
    } catch (error) {
      if (isNotFound(error)) throw error
      return known
    }
  }

  #query(host: string): Promise<readonly string[]> {
    const pending = this.#lookup(host)
    this.#pending.set(host, pending)
    const settle = (): void => void this.#pending.delete(host)
    pending.then(
      (addresses) => {
        settle()
        if (addresses.length > 0) this.#known.set(host, addresses)
      },
      (error: unknown) => {
        settle()
        if (isNotFound(error)) this.#known.delete(host)
      },
    )
    return pending
  }
}

/** Whether DNS answered that there is no such name. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /NOTFOUND|NONAME|NODATA/.test(error.code)
}

/**
 * c-ares first, which blocks no thread. The system's resolver also knows names that are not in DNS, and is asked only
 * about those: one that waits for a dead name server would hold one of Bun's few threads.
 */
async function lookupAddresses(host: string): Promise<readonly string[]> {
  const found = await Bun.dns.lookup(host).catch((error: unknown) => {
    if (isNotFound(error)) return Bun.dns.lookup(host, { backend: 'system' })
    throw error
  })
  return [...new Set(found.map((entry) => entry.address))]
}
