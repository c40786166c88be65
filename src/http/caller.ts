import type { Caller } from '#auth'
import { BlockList, isIPv6 } from 'node:net'

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
  const viaTrusted = forwarding && trusted.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')
  return {
    authorization: headers.get('authorization'),
    apiKeyHeader: headers.get('x-api-key'),
    host: headers.get('host'),
    origin: headers.get('origin'),
    forwarded: forwarding && !viaTrusted,
    remoteAddress: viaTrusted ? (lastForwarded(headers.get('x-forwarded-for')) ?? remoteAddress) : remoteAddress,
  }
}

/** The address that the nearest proxy saw; those before it are the client's own claims. */
function lastForwarded(header: string | null): string | undefined {
  const last = header?.split(',').at(-1)?.trim()
  return last === '' ? undefined : last
}

/** Whether the request came straight from this machine. */
export function isLocal(caller: Caller): boolean {
  return !caller.forwarded && /^(?:::ffff:)?127\.|^::1$/.test(caller.remoteAddress)
}
