import { type App, createApp, portHolder, ProcessLock, readSettings, type SettingName, type Settings, unknownSettings } from '#app'
import { AppError, createLogger, type Logger, messageOf, systemClock } from '#base'
import { banner } from './banner.ts'
import type { CommandInput } from './command.ts'
import { logOutput } from './log-output.ts'
import { serveSignals } from './serve-signals.ts'
import { VERSION } from './version.ts'

const FLAGS: readonly SettingName[] = ['port', 'host', 'data', 'config']

/** `holdfast serve`: answers calls until a signal says to end. Resolves to the exit code. */
export async function serve({ flags, env }: CommandInput): Promise<number> {
  const clock = systemClock
  const given = FLAGS.map((name) => [name, flags.get(`--${name}`)] as const)
  const settings = readSettings({
    env,
    flags: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    terminal: process.stderr.isTTY,
  })
  const logger = createLogger({ clock, ...settings.log, write: logOutput(process.stderr) })
  for (const sentence of unknownSettings(env)) logger.warn(sentence)
  keepServing(logger)
  using signals = serveSignals(clock, () => process.exit(1))
  await using lock = await ProcessLock.take(settings.dataFolder, clock)
  if (lock.problem !== undefined) {
    logger.warn(`The data folder ${settings.dataFolder} could not be locked; a second start would not be noticed.`, { cause: lock.problem })
  }
  await using app = await createApp(settings, { clock, env, logger, version: VERSION, controlToken: lock.token })
  const { urls } = await listen(app, settings)
  await lock.announce(localUrl(urls[0] ?? ''))
  signals.onReload(() => void app.reload('SIGHUP'))
  process.stdout.on('error', () => undefined)
  process.stdout.write(banner(settings, urls, app.summary()))
  const signal = await signals.stop
  logger.info('Ending: no new calls, those under way may end. The same signal again ends at once.', { signal })
  return 0
}

async function listen(app: App, settings: Settings): ReturnType<App['start']> {
  try {
    return await app.start()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'port_in_use') throw error
    const holder = await portHolder(settings.port)
    throw new AppError(`Port ${settings.port} is held by ${holder ?? 'a program that the system does not name'}.`, {
      code: 'port_in_use',
      remedy: 'Stop it first, or choose another port with --port (HOLDFAST_PORT).',
      cause: error,
    })
  }
}

/** Where this machine reaches an address that stands for all of its own. */
function localUrl(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]')
}

/** A fault that nobody caught ends one thing, not the calls of everybody else. */
function keepServing(logger: Logger): void {
  const report = (error: unknown): void => {
    logger.error('A fault of our own was not caught; calls go on.', { fault: error instanceof Error ? error.stack : messageOf(error) })
  }
  process.on('uncaughtException', report).on('unhandledRejection', report)
}
