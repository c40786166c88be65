import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { AppError, createLogger, messageOf } from '#base'
import { addKey, type ApiKey, formatCallLimit, isScope, KeyFile, loadKeys, makeKey, rememberKeys, restoreKeys, revokeKey } from '#auth'
import { databaseFile, openStore, type Store } from '#store'
import type { CommandContext } from './command-context.ts'
import { day, plain, table } from './text-table.ts'

const USAGE = `Usage:
  holdfast key create NAME [--scope call|metrics|owner]... [--limit 60/m] [--json]
  holdfast key list [--json]
  holdfast key revoke ID|NAME
`

interface Options {
  readonly words: readonly string[]
  readonly scopes: readonly string[]
  readonly limit: string | undefined
  readonly json: boolean
}

/** `holdfast key …`, with what follows `key`. Resolves to the exit code: 0 done, 1 not done, 2 not understood. */
export async function keyCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const options = parse(args)
  if (options === undefined) {
    context.writeError(USAGE)
    return 2
  }
  try {
    const made = options.words[0] === 'create' ? make(options, context) : undefined
    return await act(options, made, context)
  } catch (error) {
    context.writeError(`${messageOf(error)}\n`)
    return error instanceof AppError && error.code.startsWith('bad_') ? 2 : 1
  }
}

type MadeKey = ReturnType<typeof makeKey>

function make(options: Options, context: CommandContext): MadeKey {
  return makeKey(context.clock, {
    name: options.words[1] ?? '',
    scopes: options.scopes.filter(isScope),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  })
}

async function act(options: Options, made: MadeKey | undefined, context: CommandContext): Promise<number> {
  const { clock, dataFolder } = context
  const [verb, name = ''] = options.words
  const listing = verb === 'list'
  const database = databaseFile(dataFolder)
  if (listing && !existsSync(database)) return list(new Map(), options, context)
  const logger = createLogger({ clock, level: 'silent', format: 'pretty', write: context.writeError })
  await using store = openStore({ file: database, clock, logger, readOnly: listing, recover: false })
  if (listing) return list((await loadKeys(store)).keys, options, context)
  const file = new KeyFile(dataFolder)
  await restoreKeys(store, file, clock)
  if (made) {
    const { first } = await addKey(store, made.key)
    await remember(store, file, context)
    announce(made, first, options, context)
  } else {
    const key = await revokeKey(store, name, clock.now())
    await remember(store, file, context)
    context.write(
      options.json
        ? `${JSON.stringify(shown(key))}\n`
        : `Revoked "${key.name}" (${key.id}). A running server refuses it within a second.\n`,
    )
  }
  return 0
}

function list(keys: ReadonlyMap<string, ApiKey>, options: Options, context: CommandContext): number {
  const all = [...keys.values()]
  if (options.json) {
    context.write(`${JSON.stringify(all.map(shown), null, 2)}\n`)
  } else if (all.length === 0) {
    context.write('There are no keys. On this machine the server answers without one; make one with `holdfast key create NAME`.\n')
  } else {
    const rows = all.map((key) => {
      const limit = key.limit === null ? '–' : formatCallLimit(key.limit)
      return [
        key.id,
        plain(key.name),
        `${key.prefix}…`,
        key.scopes.join(' '),
        limit,
        day(key.createdAt),
        day(key.lastUsedAt),
        day(key.revokedAt),
      ]
    })
    context.write(table([['ID', 'NAME', 'KEY', 'SCOPES', 'LIMIT', 'CREATED', 'LAST USED', 'REVOKED'], ...rows]))
  }
  return 0
}

function announce({ secret, key }: MadeKey, first: boolean, options: Options, context: CommandContext): void {
  if (options.json) return context.write(`${JSON.stringify({ ...shown(key), key: secret, first })}\n`)
  context.write(`${secret}\n`)
  context.writeError(`This is the key "${key.name}" (${key.id}). It is not shown again: only its hash is kept.\n`)
  if (first) context.writeError('It is the first key: from now on every call needs one, also from this machine.\n')
}

/** The file beside the database is what a start without the database knows; without it the key still works. */
async function remember(store: Store, file: KeyFile, context: CommandContext): Promise<void> {
  try {
    await rememberKeys(store, file)
  } catch (error) {
    context.writeError(`${file.path} could not be written (${messageOf(error)}). A running server writes it when it can.\n`)
  }
}

function shown(key: ApiKey): Readonly<Record<string, unknown>> {
  const { id, name, prefix, scopes, createdAt, lastUsedAt, revokedAt } = key
  const limit = key.limit === null ? null : formatCallLimit(key.limit)
  return { id, name, prefix, scopes, limit, createdAt: iso(createdAt), lastUsedAt: iso(lastUsedAt), revokedAt: iso(revokedAt) }
}

function iso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString()
}

function parse(args: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { scope: { type: 'string', multiple: true }, limit: { type: 'string' }, json: { type: 'boolean' } },
    })
    const { scope = [], limit, json = false } = values
    const [verb] = positionals
    const wordCount = verb === 'list' ? 1 : verb === 'create' || verb === 'revoke' ? 2 : Number.NaN
    if (positionals.length !== wordCount || !scope.every((text) => isScope(text))) return undefined
    if (verb !== 'create' && (scope.length > 0 || limit !== undefined)) return undefined
    return { words: positionals, scopes: scope, limit, json }
  } catch {
    return undefined
  }
}
