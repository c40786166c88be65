type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that the environment names for an address, by the convention of curl: `HTTPS_PROXY` and `HTTP_PROXY`, unless
 * `NO_PROXY` names the host. Never for this machine's own addresses, which mean another one to a proxy.
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const proxy = env[name.toLowerCase()] || env[name]
  if (!proxy || isLoopback(url.hostname) || isExempt(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined
  return proxy
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host) || host === '[::1]'
}

function isExempt(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false
      if (entry === '*') return true
      const [, host = '', only] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? ['', entry]
      const bare = host.replace(/^\*?\./, '')
      return (only === undefined || only === port) && (url.hostname === bare || url.hostname.endsWith(`.${bare}`))
    })
}
