import { describe, expect, test } from 'bun:test'
import { AuthError } from './auth-error.ts'
import { type Caller, requireOwner } from './owner-mode.ts'

const LOCAL: Caller = { authorization: null, host: 'localhost:8080', origin: null, forwarded: false, remoteAddress: '127.0.0.1' }

function verdict(change: Partial<Caller>): string {
  try {
    requireOwner({ ...LOCAL, ...change })
    return 'owner'
  } catch (error) {
    return error instanceof AuthError ? `${error.status} ${error.code}` : String(error)
  }
}

describe('X2: without a key only this machine is the owner', () => {
  test.each([
    ['localhost', {}],
    ['another port', { host: 'localhost:1' }],
    ['no port', { host: 'localhost' }],
    ['capitals', { host: 'LOCALHOST:8080' }],
    ['127.0.0.1', { host: '127.0.0.1:8080' }],
    ['::1', { host: '[::1]:8080', remoteAddress: '::1' }],
    ['IPv4 within IPv6', { remoteAddress: '::ffff:127.0.0.1' }],
    ['HTTP/1.0 without Host', { host: null }],
    ['a page of ours', { origin: 'http://localhost:8080' }],
    ['a page of ours at the default port', { host: 'localhost', origin: 'http://localhost' }],
  ] as const)('%s is let in', (_, change) => {
    expect(verdict(change)).toBe('owner')
  })

  test.each([
    ['a forwarding header', { forwarded: true }, '401 invalid_api_key'],
    ['another machine', { remoteAddress: '192.168.1.5' }, '401 invalid_api_key'],
    ['an address that only begins like ours', { remoteAddress: '127.0.0.1.evil' }, '401 invalid_api_key'],
    ['no address', { remoteAddress: '' }, '401 invalid_api_key'],
    ['a name that was bound anew', { host: 'evil.example:8080' }, '403 host_not_local'],
    ['a name that begins like ours', { host: 'localhost.evil.example' }, '403 host_not_local'],
    ['a name that ends like ours', { host: 'evil-localhost' }, '403 host_not_local'],
    ['credentials in the host', { host: 'localhost@evil.example' }, '403 host_not_local'],
    ['two lines', { host: 'localhost\nevil.example' }, '403 host_not_local'],
    ['another loopback address', { host: '127.0.0.2:8080' }, '403 host_not_local'],
    ['an empty host', { host: '' }, '403 host_not_local'],
    ['a page from elsewhere', { origin: 'https://evil.example' }, '403 origin_not_local'],
    ['a page from another port', { origin: 'http://localhost:3000' }, '403 origin_not_local'],
    ['a page from another name of this machine', { origin: 'http://127.0.0.1:8080' }, '403 origin_not_local'],
    ['a page without an origin', { origin: 'null' }, '403 origin_not_local'],
    ['a page from a file', { origin: 'file://' }, '403 origin_not_local'],
    ['a page, and no host', { host: null, origin: 'http://localhost:8080' }, '403 origin_not_local'],
    ['an empty origin', { origin: '' }, '403 origin_not_local'],
  ] as const)('%s is refused', (_, change, expected) => {
    expect(verdict(change)).toBe(expected)
  })
})
