import type { Caller } from '#auth'
import { BlockList, isIP, isIPv6 } from 'node:net'

const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'] as const

/** The proxies whose forwarding headers are believed. */
export function trustList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries.flatMap((text) => (text === 'loopback' ? ['127.0.0.0/8', '::1'] : [text]))) {
    const [address = '', prefix] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

/** Who sent a request, as far as it can be believed. */
export function callerOf(request: Request, remoteAddress: string, trusted: BlockList): Caller {
  const { headers } = request
  const forwarding = FORWARDING.some((name) => headers.has(name))
  const sender = forwarding && isTrusted(remoteAddress, trusted) ? senderOf(headers.get('x-forwarded-for'), trusted) : undefined
  return {
    authorization: headers.get('authorization'),
    apiKeyHeader: headers.get('x-api-key'),
    host: headers.get('host'),
    origin: headers.get('origin'),
    forwarded: forwarding && sender === undefined,
    remoteAddress: sender ?? remoteAddress,
  }
}

/**
 * The address that the outermost trusted proxy saw: what stands before it are the client's own claims. Undefined when the
 * proxies do not tell: then nobody knows who asks, and it must not pass for the proxy itself.
 */
function senderOf(header: string | null, trusted: BlockList): string | undefined {
  const addresses = header?.split(',').map((entry) => entry.trim()) ?? []
  const sender = addresses.findLast((address) => !isTrusted(address, trusted)) ?? addresses[0]
  return sender !== undefined && isIP(sender) !== 0 ? sender : undefined
}

function isTrusted(address: string, trusted: BlockList): boolean {
  return isIP(address) !== 0 && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** Whether an address is one of this machine itself. */
export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address)
}

/** Whether the request came straight from this machine. */
export function isLocal(caller: Caller): boolean {
  return !caller.forwarded && isLoopback(caller.remoteAddress)
}
