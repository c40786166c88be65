import { describe, expect, test } from 'bun:test'
import type { Caller } from '#auth'
import { callerOf, isLocal, trustList } from './caller.ts'

const CLIENT = '203.0.113.9'

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
]

function caller(headers: Readonly<Record<string, string>>, remote: string, trusted: readonly string[] = []): Caller {
  return callerOf(new Request('http://holdfast.example/v1/models', { headers }), remote, trustList(trusted))
}

/** Who it is taken for, and whether as one of this machine. */
function who(headers: Readonly<Record<string, string>>, remote: string, trusted: readonly string[] = []): string {
  const { remoteAddress, forwarded } = caller(headers, remote, trusted)
  return `${remoteAddress}${forwarded ? ' forwarded' : ''}`
}

describe('callerOf', () => {
  test('reads what identifies a caller', () => {
    const headers = { authorization: 'Bearer x', 'x-api-key': 'y', origin: 'https://page.example' }
    expect(caller(headers, '127.0.0.1')).toMatchObject({
      authorization: 'Bearer x',
      apiKeyHeader: 'y',
      origin: 'https://page.example',
      forwarded: false,
      remoteAddress: '127.0.0.1',
    })
    expect(caller({}, '::1')).toMatchObject({ authorization: null, apiKeyHeader: null, origin: null })
  })

  test.each(FORWARDING)('X2 %s from anyone but a trusted proxy makes it forwarded, from its own address', (name) => {
    expect(who({ [name]: '127.0.0.1' }, '127.0.0.1')).toBe('127.0.0.1 forwarded')
    expect(who({ [name]: '127.0.0.1' }, CLIENT, ['loopback'])).toBe(`${CLIENT} forwarded`)
  })

  const table: readonly (readonly [string, string, string, readonly string[], string])[] = [
    ['one proxy', CLIENT, '127.0.0.1', ['loopback'], CLIENT],
    ['one proxy over IPv6', CLIENT, '::1', ['loopback'], CLIENT],
    ['one proxy that shows as a mapped address', CLIENT, '::ffff:127.0.0.1', ['loopback'], CLIENT],
    ['what the client itself claimed is not believed', `127.0.0.1, ${CLIENT}`, '127.0.0.1', ['loopback'], CLIENT],
    ['two trusted proxies in a row', `${CLIENT}, 10.1.2.3`, '127.0.0.1', ['loopback', '10.0.0.0/8'], CLIENT],
    ['two on one machine', `${CLIENT}, 127.0.0.1`, '127.0.0.1', ['loopback'], CLIENT],
    ['a second one that is not trusted is the sender', `${CLIENT}, 10.1.2.3`, '127.0.0.1', ['loopback'], '10.1.2.3'],
    ['a range', CLIENT, '10.200.3.4', ['10.0.0.0/8'], CLIENT],
    ['outside of a range', CLIENT, '11.0.0.1', ['10.0.0.0/8'], '11.0.0.1'],
    ['a range of IPv6', '2001:db8::9', 'fd00::1', ['fd00::/8'], '2001:db8::9'],
    ['a single address', CLIENT, '192.0.2.1', ['192.0.2.1'], CLIENT],
    ['its neighbour', CLIENT, '192.0.2.2', ['192.0.2.1'], '192.0.2.2'],
    ['a client on the proxy’s own machine', '127.0.0.1', '127.0.0.1', ['loopback'], '127.0.0.1'],
    ['a proxy that tells no address', 'unknown', '127.0.0.1', ['loopback'], '127.0.0.1'],
    ['one that tells an empty one', `${CLIENT},`, '127.0.0.1', ['loopback'], '127.0.0.1'],
    ['an address that is not known to us', CLIENT, '', ['loopback'], ''],
  ]
  test.each(table)('%s', (_, header, remote, trusted, expected) =>
    expect(who({ 'x-forwarded-for': header }, remote, trusted)).toBe(`${expected} forwarded`),
  )

  test.each(['via', 'x-real-ip', 'x-forwarded-proto', 'forwarded'])(
    'X2 a trusted proxy that only sends %s does not say who asks: that is not the proxy itself',
    (name) => expect(who({ [name]: CLIENT }, '127.0.0.1', ['loopback'])).toBe('127.0.0.1 forwarded'),
  )

  test('without any forwarding header a trusted proxy is a caller like any other', () => {
    expect(who({}, '127.0.0.1', ['loopback'])).toBe('127.0.0.1')
  })
})

describe('isLocal', () => {
  const table: readonly (readonly [string, boolean])[] = [
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['128.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['::11', false],
    ['', false],
  ]
  test.each(table)('%s', (remote, local) => expect(isLocal(caller({}, remote))).toBe(local))

  test('X2 never through a proxy, trusted or not: what it says can only make a caller less local', () => {
    for (const name of FORWARDING) {
      for (const trusted of [[], ['loopback'], ['0.0.0.0/0', '::/0']]) {
        expect(isLocal(caller({ [name]: '127.0.0.1' }, '127.0.0.1', trusted))).toBe(false)
        expect(isLocal(caller({ [name]: '::1' }, CLIENT, trusted))).toBe(false)
      }
    }
    expect(isLocal(caller({ 'x-forwarded-for': CLIENT }, '127.0.0.1', ['loopback']))).toBe(false)
  })
})
