import { isIP } from 'node:net'
import { AppError, LOOPBACK_HOSTS, LOOPBACK_RANGES, type LogLevel, messageOf, nearest, parseLogSetting } from '#base'

/** What a process needs to boot. */
export interface Settings {
  /** 0 for any free one. */
  readonly port: number
  /** Addresses to listen at. */
  readonly hosts: readonly string[]
  readonly dataFolder: string
  readonly configFile: string
  readonly log: { readonly level: LogLevel | 'silent'; readonly format: 'json' | 'pretty' }
  /** Where clients reach us, when it is not where we listen. */
  readonly publicUrl?: URL
  /** Addresses and ranges (CIDR) of proxies whose `X-Forwarded-*` is believed. */
  readonly trustedProxies: readonly string[]
}

export type SettingName = 'port' | 'host' | 'data' | 'config' | 'log' | 'url' | 'trustProxy'

/** Where each setting comes from. Those without a flag are set by the environment only. */
export const SETTINGS: Readonly<Record<SettingName, { readonly variable: string; readonly flag?: string }>> = {
  port: { variable: 'HOLDFAST_PORT', flag: '--port' },
  host: { variable: 'HOLDFAST_HOST', flag: '--host' },
  data: { variable: 'HOLDFAST_DATA', flag: '--data' },
  config: { variable: 'HOLDFAST_CONFIG', flag: '--config' },
  log: { variable: 'HOLDFAST_LOG' },
  url: { variable: 'HOLDFAST_URL' },
  trustProxy: { variable: 'HOLDFAST_TRUST_PROXY' },
}

export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Flags beat the environment. */
  readonly flags: Readonly<Partial<Record<SettingName, string>>>
  /** Whether the log goes to a terminal; it is pretty then, unless said otherwise. */
  readonly terminal: boolean
}

/** Reads the settings. Throws `bad_setting` that names everything that is wrong with them. */
export function readSettings({ env, flags, terminal }: SettingSources): Settings {
  const problems: string[] = []
  const read = <T>(name: SettingName, fallback: string, parse: (text: string) => T): T | undefined => {
    const { variable, flag } = SETTINGS[name]
    const fromFlag = flags[name]
    try {
      return parse((fromFlag ?? env[variable] ?? '').trim() || (fromFlag === undefined ? fallback : ''))
    } catch (error) {
      problems.push(`${fromFlag === undefined ? variable : flag}: ${messageOf(error)}`)
      return undefined
    }
  }
  const port = read('port', '8080', parsePort)
  const hosts = read('host', 'localhost', parseHosts)
  const dataFolder = read('data', './data', parsePath)
  const configFile = read('config', './holdfast.yaml', parsePath)
  const log = read('log', 'info', parseLogSetting)
  const publicUrl = read('url', '', parsePublicUrl)
  const trustedProxies = read('trustProxy', '', parseProxies)
  if (
    port === undefined ||
    !hosts ||
    dataFolder === undefined ||
    configFile === undefined ||
    !log ||
    !trustedProxies ||
    problems.length > 0
  ) {
    throw new AppError(problems.join('\n'), { code: 'bad_setting' })
  }
  return {
    port,
    hosts,
    dataFolder,
    configFile,
    log: { level: log.level, format: log.format ?? (terminal ? 'pretty' : 'json') },
    ...(publicUrl === undefined ? {} : { publicUrl }),
    trustedProxies,
  }
}

/** Sentences about variables that look like settings and are none. */
export function unknownSettings(env: SettingSources['env']): string[] {
  const known = Object.values(SETTINGS).map(({ variable }) => variable)
  const unknown = Object.keys(env).filter((name) => name.startsWith('HOLDFAST_') && !known.includes(name))
  return unknown.map((name) => {
    const [near] = nearest(name, known, 1)
    return `The environment sets ${name}, which is no setting.${near === undefined ? '' : ` Did you mean ${near}?`}`
  })
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw bad(`"${text}" is no port.`, 'Expected a number from 0 (any free one) to 65535.')
  return Number(text)
}

function parseHosts(text: string): readonly string[] {
  if (text === 'localhost') return LOOPBACK_HOSTS
  const address = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIP(address) !== 0) return [address]
  throw bad(
    `"${text}" is no address.`,
    'Expected localhost, an address of this machine such as 192.0.2.7, or 0.0.0.0 (:: with IPv6) for all of them.',
  )
}

function parsePath(text: string): string {
  if (text === '' || text.includes('\0')) throw bad(`"${text}" is no path.`, 'Expected the path of a file or folder.')
  return text
}

function parsePublicUrl(text: string): URL | undefined {
  if (text === '') return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === '')
    return url
  throw bad(
    `"${text}" is no public address.`,
    'Expected an http or https URL without user, query or fragment, such as https://ai.example.org.',
  )
}

function parseProxies(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries.filter((entry) => entry !== '').flatMap((entry) => (entry === 'loopback' ? LOOPBACK_RANGES : [parseRange(entry)]))
}

function parseRange(text: string): string {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  if (version !== 0 && isRange && rest.length === 0) return text
  throw bad(`"${text}" is no address or range.`, 'Expected addresses and ranges with commas between them, such as 10.0.0.0/8, or loopback.')
}

function bad(message: string, remedy: string): AppError {
  return new AppError(message, { code: 'bad_setting', remedy })
}
