import { AccessLog } from '#accesslog'
import { Keys } from '#auth'
import { type Clock, createLogger, firstOf, isLoopback, type Logger, systemClock } from '#base'
import { InProcessBus } from '#bus'
import { Config, type ReloadResult } from '#config'
import { Gateway } from '#gateway'
import { Health } from '#health'
import { HttpServer } from '#http'
import { databaseFile, openStore } from '#store'
import { mkdir } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { registerMetrics } from './register-metrics.ts'
import type { Settings } from './settings.ts'

/** What tests and the command line put in place of the usual parts. */
export interface Overrides {
  readonly clock?: Clock
  readonly logger?: Logger
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What providers are told of us in `user-agent`. */
  readonly version?: string
  /** The secret of local commands (see `process.json`). */
  readonly controlToken?: string
}

/** One running node. Disposing it drains: no new calls, those under way end, what is pending is written. */
export interface App extends AsyncDisposable {
  /** Listens. Throws `port_in_use` or `cannot_listen`. */
  start(): Promise<{ readonly port: number; readonly urls: readonly string[] }>
  /** Reads the config file again. */
  reload(cause: string): Promise<ReloadResult>
  /** Models that can be asked for, and where the config came from; for the banner. */
  summary(): {
    readonly models: readonly string[]
    readonly source: 'file' | 'last-good' | 'none'
    readonly ownerMode: boolean
    readonly keys: number
  }
}

/** How long calls under way may go on, and their answers be sent, when the process is to end, ms. */
const DRAIN_MS = 30_000

/** Builds every part, in order; what was built is torn down when a later one fails. Listens only when started. */
export async function createApp(settings: Settings, overrides: Overrides = {}): Promise<App> {
  await using stack = new AsyncDisposableStack()
  const clock = overrides.clock ?? systemClock
  const env = overrides.env ?? process.env
  const logger = overrides.logger ?? createLogger({ clock, ...settings.log, write: (line) => process.stderr.write(line) })
  const { dataFolder } = settings
  await mkdir(dataFolder, { recursive: true }).catch((error: unknown) => {
    logger.error(`The data folder ${dataFolder} cannot be made: nothing is kept, calls are answered all the same.`, {
      cause: String(error),
    })
  })
  const store = stack.use(openStore({ file: databaseFile(dataFolder), clock, logger }))
  const bus = new InProcessBus()
  const ownerAllowed = settings.publicUrl === undefined && settings.hosts.every((host) => host === 'localhost' || isLoopback(host))
  const config = stack.use(await Config.open({ file: settings.configFile, dataFolder, env, clock, logger }))
  const keys = stack.use(await Keys.open({ store, dataFolder, clock, logger, bus, ownerAllowed }))
  const accesslog = stack.use(new AccessLog({ store, clock, logger }))
  const health = new Health(clock)
  const registry = new Registry()
  const gateway = new Gateway({ clock, health, accesslog, registry, env, version: overrides.version })
  registerMetrics(registry, { accesslog, config, health, bus })
  const { trustedProxies } = settings
  const server = stack.use(
    new HttpServer({ clock, logger, keys, config, gateway, health, registry, trustedProxies, controlToken: overrides.controlToken }),
  )
  const owned = stack.move()
  return {
    start: async () => server.listen(settings.hosts, settings.port),
    reload: (cause) => config.reload(cause),
    summary: () => ({
      models: [...config.snapshot.models.keys()],
      source: config.state.source,
      ownerMode: keys.ownerMode,
      keys: keys.all.size,
    }),
    async [Symbol.asyncDispose]() {
      server.stopAccepting()
      // A call gives its place back before its last bytes are sent.
      await firstOf(
        clock,
        gateway.drain().then(() => server.sent()),
        DRAIN_MS,
      )
      await owned.disposeAsync()
    },
  }
}
