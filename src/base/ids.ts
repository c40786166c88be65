import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** An id that sorts by time: prefix, 9 characters of milliseconds, 8 of chance (Crockford's base 32). */
export function newId(clock: Clock, prefix: string): string {
  let time = clock.now()
  let head = ''
  for (let i = 0; i < 9; i++) {
    head = ALPHABET.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (let i = 0; i < 8; i++) tail += ALPHABET.charAt(Math.floor(clock.random() * 32))
  return `${prefix}_${head}${tail}`
}

/** `bytes` of cryptographic chance in base64url. */
export function randomSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}

/** SHA-256 of a text, in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
