import { describe, expect, test } from 'bun:test'
import { isIP } from 'node:net'
import { isLoopback, LOOPBACK_HOSTS } from './loopback.ts'

describe('isLoopback', () => {
  test.each([...LOOPBACK_HOSTS, '127.0.0.0', '127.8.9.1', '127.255.255.255', '::ffff:127.0.0.1', '::FFFF:127.1.2.3', '::ffff:7f00:1'])(
    '%s is',
    (address) => {
      expect(isIP(address)).not.toBe(0)
      expect(isLoopback(address)).toBe(true)
    },
  )

  test.each([
    '127.evil.com',
    '127.0.0.1.evil',
    '127.0.0',
    '127.0.0.256',
    '127.0.0.01',
    '127.0.0.1\n',
    '\n127.0.0.1',
    'x127.0.0.1',
    '1127.0.0.1',
    '128.0.0.1',
    '10.0.0.1',
    '0.0.0.0',
    '::',
    '::11',
    '::1%lo',
    '[::1]',
    '::ffff:10.0.0.1',
    '::ffff:127.evil.com',
    '::ffff:8000:1',
    '::ffff:7f0:1',
    'localhost',
    '',
  ])('%j is not', (address) => {
    expect(isLoopback(address)).toBe(false)
  })
})
