import type { Reading } from './leaf.ts'
import { findCredentials } from './secrets.ts'

const EXPECTED = 'an address such as `https://api.example.com/v1`'

/** Reads a provider's base URL: http or https, nothing behind the path; the result has no trailing slash. */
export function readBaseUrl(found: unknown): Reading<string> {
  if (typeof found !== 'string') return { code: 'bad_url', expected: EXPECTED, remedy: 'Write the whole address, in quotes.' }
  const secret = /[@?]/.test(found) || findCredentials(found).length > 0
  const hide = secret ? { secret } : {}
  if (found.length > 2_048 || !/^https?:\/\/[^/]/i.test(found) || /[\s\\$]/.test(found) || !URL.canParse(found)) {
    const remedy = found.includes('${')
      ? 'Write it out; references are read in `apiKey` only.'
      : 'Write the whole address, beginning with `https://` or `http://`.'
    return { code: 'bad_url', expected: EXPECTED, remedy, ...hide }
  }
  const url = new URL(found)
  if (url.username !== '' || url.password !== '' || found.includes('@')) {
    return {
      code: 'literal_secret',
      says: 'has a user name or password in it, which is not shown here',
      expected: EXPECTED,
      remedy: 'Remove what stands before the `@`; give the credential as `apiKey: "${NAME}"`.',
      secret: true,
    }
  }
  if (found.includes('?') || found.includes('#')) {
    return {
      code: secret ? 'literal_secret' : 'bad_url',
      says: 'has a query or a fragment, which is not shown here',
      expected: EXPECTED,
      remedy: 'Remove what stands behind the path; give a credential as `apiKey: "${NAME}"`.',
      secret: true,
    }
  }
  if (secret)
    return {
      code: 'literal_secret',
      says: 'holds what looks like a credential, which is not shown here',
      expected: EXPECTED,
      remedy: 'Remove it; give the credential as `apiKey: "${NAME}"`.',
      secret: true,
    }
  if (url.port === '0') return { code: 'bad_url', expected: EXPECTED, remedy: 'Write a port from 1 to 65535.' }
  return { value: url.href.replace(/\/+$/, '') }
}

/**
 * Who could read what is sent there in the clear: nobody outside (`private`), everybody on the way (`public`), or that is not
 * to be told from a name (`unknown`), since names resolve differently at home.
 */
export function exposure(baseUrl: string): 'private' | 'public' | 'unknown' {
  const host = new URL(baseUrl).hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (mapped) {
    const high = Number.parseInt(mapped[1] ?? '', 16)
    return isPrivateIpv4(high >> 8, high & 255) ? 'private' : 'public'
  }
  if (host.includes(':')) return host === '::1' || /^f[cd]|^fe[89ab]/.test(host) ? 'private' : 'public'
  const octets = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(host)
  if (octets) return isPrivateIpv4(Number(octets[1]), Number(octets[2])) ? 'private' : 'public'
  const known = !host.includes('.') || /\.(?:localhost|local|internal|lan|home\.arpa|svc|svc\.cluster\.local|test)$/.test(host)
  return known ? 'private' : 'unknown'
}

function isPrivateIpv4(first: number, second: number): boolean {
  if (first === 172) return second >= 16 && second <= 31
  if (first === 192) return second === 168
  if (first === 100) return second >= 64 && second <= 127
  if (first === 169) return second === 254
  return first === 127 || first === 10 || first === 0
}
