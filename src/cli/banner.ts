import type { App, Settings } from '#app'
import { VERSION } from './version.ts'

/** What a person wants to know when the server has started. */
export function banner(settings: Settings, urls: readonly string[], summary: ReturnType<App['summary']>): string {
  const url = mainUrl(settings, urls)
  const model = summary.models[0] ?? 'PROVIDER/MODEL'
  const key = summary.ownerMode ? '' : " -H 'authorization: Bearer KEY'"
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  return `Holdfast ${VERSION} serves ${url}${listening(settings, urls)}
  config  ${settings.configFile}: ${configWords(summary)}
  data    ${settings.dataFolder}
  log     stderr, ${settings.log.level}
  access  ${summary.ownerMode ? 'programs on this machine, without a key' : accessWords(summary)}
  try     curl ${url}/v1/chat/completions${key} -H 'content-type: application/json' -d '${body}'
`
}

function accessWords({ keys }: ReturnType<App['summary']>): string {
  return keys > 0 ? 'with a key' : 'with a key, and there is none yet: holdfast key create NAME'
}

/** The address to show: one that a person would type. */
function mainUrl(settings: Settings, urls: readonly string[]): string {
  const url = new URL(urls[0] ?? 'http://localhost')
  if (settings.publicUrl) return settings.publicUrl.href.replace(/\/$/, '')
  return isBothLoopbacks(settings, urls) ? url.origin.replace(url.hostname, 'localhost') : url.origin
}

function listening(settings: Settings, urls: readonly string[]): string {
  if (isBothLoopbacks(settings, urls) && !settings.publicUrl) return ` (${settings.hosts.join(' and ')})`
  return settings.publicUrl || urls.length > 1 ? ` (listens at ${urls.join(' and ')})` : ''
}

function isBothLoopbacks({ hosts }: Settings, urls: readonly string[]): boolean {
  return hosts.length === 2 && urls.length === 2
}

function configWords({ source, models }: ReturnType<App['summary']>): string {
  const serves =
    models.length === 0 ? 'no model named; ask for PROVIDER/MODEL' : `${models.slice(0, 8).join(', ')}${models.length > 8 ? ', …' : ''}`
  if (source === 'none') return 'nothing to serve yet; write it, it is read as soon as it is there'
  return source === 'file' ? serves : `it cannot be used ("holdfast check" says why), so the last good version runs: ${serves}`
}
