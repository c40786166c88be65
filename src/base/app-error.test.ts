import { describe, expect, test } from 'bun:test'
import { AppError, messageOf } from './app-error.ts'

describe('AppError', () => {
  test('its message ends with the remedy, which can also be had by itself', () => {
    const cause = new TypeError('deeper')
    const error = new AppError('Port 1 is taken.', { code: 'port_in_use', remedy: 'Choose another.', cause })
    expect(error.message).toBe('Port 1 is taken. Choose another.')
    expect([error.code, error.remedy, error.cause]).toEqual(['port_in_use', 'Choose another.', cause])
    expect(error).toBeInstanceOf(Error)
  })

  test('without a remedy the message is as it was given', () => {
    expect(new AppError('It broke.', { code: 'broken' }).message).toBe('It broke.')
  })

  test('messageOf reads whatever was thrown', () => {
    expect([new TypeError('a'), 'b', 7, undefined, null].map(messageOf)).toEqual(['a', 'b', '7', 'undefined', 'null'])
  })
})
