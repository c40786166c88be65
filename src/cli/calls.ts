import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createLogger, messageOf, parseDuration, sleep } from '#base'
import { type CallFilter, queryCalls, type StoredCall } from '#accesslog'
import { databaseFile, openStore, type Store } from '#store'
import { CallPrinter } from './call-printer.ts'
import type { CommandContext } from './command-context.ts'

const USAGE = `Usage:
  holdfast calls [--failed] [--model MODEL] [--since 1h] [--limit 100] [--follow] [--json]
`

const POLL_MS = 500
const FOLLOW_BATCH = 500

interface Options {
  readonly filter: CallFilter
  readonly follow: boolean
  readonly json: boolean
}

/** `holdfast calls …`, with what follows `calls`. Resolves to the exit code: 0 done, 1 not done, 2 not understood. */
export async function callsCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const options = parse(args, context.clock.now())
  if (options === undefined) {
    context.writeError(USAGE)
    return 2
  }
  const { clock } = context
  const file = databaseFile(context.dataFolder)
  if (!existsSync(file)) {
    context.writeError(`There is no database in ${context.dataFolder} yet. It is made when the server starts for the first time.\n`)
    return 1
  }
  const logger = createLogger({ clock, level: 'silent', format: 'pretty', write: context.writeError })
  await using store = openStore({ file, clock, logger, readOnly: true })
  const show = options.json ? showJson(context) : showTable(context)
  try {
    const calls = await queryCalls(store, options.filter, { signal: context.signal })
    if (calls.length === 0 && !options.follow && !options.json) context.writeError('No calls.\n')
    show(calls)
    if (options.follow) await follow(options, store, context, show, calls.at(-1)?.seq ?? 0)
    return 0
  } catch (error) {
    if (context.signal.aborted) return 0
    context.writeError(`${messageOf(error)}\n`)
    return 1
  }
}

type Show = (calls: readonly StoredCall[]) => void

async function follow(options: Options, store: Store, context: CommandContext, show: Show, from: number): Promise<void> {
  const { clock, signal } = context
  let afterSeq = from
  let problem = ''
  while (!signal.aborted) {
    let calls: StoredCall[] = []
    try {
      calls = await queryCalls(store, { ...options.filter, limit: FOLLOW_BATCH, afterSeq }, { signal })
      problem = ''
    } catch (error) {
      if (signal.aborted) return
      if (messageOf(error) !== problem) context.writeError(`${messageOf(error)}\n`)
      problem = messageOf(error)
    }
    show(calls)
    afterSeq = calls.at(-1)?.seq ?? afterSeq
    if (calls.length < FOLLOW_BATCH) await sleep(clock, POLL_MS, signal).catch(() => undefined)
  }
}

function showJson(context: CommandContext): Show {
  return (calls) => {
    for (const call of calls) context.write(`${JSON.stringify({ ...call, at: new Date(call.at).toISOString() })}\n`)
  }
}

function showTable(context: CommandContext): Show {
  const printer = new CallPrinter(context.colour)
  return (calls) => {
    if (calls.length > 0) context.write(printer.print(calls))
  }
}

function parse(args: readonly string[], now: number): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        failed: { type: 'boolean' },
        follow: { type: 'boolean' },
        json: { type: 'boolean' },
        model: { type: 'string' },
        since: { type: 'string' },
        limit: { type: 'string' },
      },
    })
    const { failed = false, follow: following = false, json = false, model, since, limit = '100' } = values
    const age = since === undefined ? 0 : parseDuration(since)
    if (age === undefined || !/^[1-9]\d{0,5}$/.test(limit)) return undefined
    const filter: CallFilter = {
      failed,
      limit: Number(limit),
      ...(model === undefined ? {} : { model }),
      ...(since === undefined ? {} : { since: now - age }),
    }
    return { filter, follow: following, json }
  } catch {
    return undefined
  }
}
