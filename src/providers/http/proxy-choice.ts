import { isLoopback } from '#base'

/** The variables that name a proxy. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, of which the lower-case spelling wins;
 * undefined when it is reached directly. Loopback addresses always are.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): string | undefined {
  const read = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name] || undefined
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? read('ALL_PROXY')
  if (proxy === undefined || isThisMachine(url.hostname)) return undefined
  return isExempt(url, read('NO_PROXY') ?? '') ? undefined : withScheme(proxy)
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopback(host.replace(/^\[|\]$/g, ''))
}

function isExempt(url: URL, list: string): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true
    const [, name = '', wantedPort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    const domain = name.replace(/^\*?\./, '')
    if (domain === '' || (wantedPort !== undefined && wantedPort !== port)) return false
    return url.hostname === domain || url.hostname.endsWith(`.${domain}`)
  })
}

function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`
}
