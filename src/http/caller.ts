import type { Caller } from '#auth'
import { isLoopback, LOOPBACK_RANGES } from '#base'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** What proxies write when they hand on a request of somebody else's. */
const FORWARDING = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'via',
] as const

/** The proxies whose forwarding headers are believed. */
export function trustList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries.flatMap((text) => (text === 'loopback' ? LOOPBACK_RANGES : [text]))) {
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
  const forwarded = FORWARDING.some((name) => headers.has(name))
  const sender = forwarded && isTrusted(remoteAddress, trusted) ? senderOf(headers.get('x-forwarded-for'), trusted) : undefined
  return {
    authorization: headers.get('authorization'),
    apiKeyHeader: headers.get('x-api-key'),
    host: headers.get('host'),
    origin: headers.get('origin'),
    forwarded,
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

/** Whether the request came straight from this machine: what a proxy says, trusted or not, can only make it less local (X2). */
export function isLocal(caller: Caller): boolean {
  return !caller.forwarded && isLoopback(caller.remoteAddress)
}
