import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createLogger, type LogFields, type Logger, type LoggerOptions, parseLogSetting } from './logger.ts'
import { ManualClock } from './manual-clock.ts'

const clock = new ManualClock({ now: Date.UTC(2026, 0, 2, 14, 2, 3, 45) })

function capture(options: Partial<LoggerOptions> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const logger = createLogger({ clock, level: 'info', format: 'json', write: (line) => void lines.push(line), ...options })
  return { logger, lines }
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('\n', '\r\n', '\u001b[2J', '\u009b31m', '\u0085', '\u2028', 'a b\u009b', '"', '\\n', ' level=error'),
  fc.string({ unit: 'binary' }).map((text) => `x\n{"level":"error"}\n${text}`),
)

describe('createLogger', () => {
  const cases: readonly (readonly [LoggerOptions['level'], readonly string[]])[] = [
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ]
  test.each(cases)('level %s', (level, expected) => {
    const { logger, lines } = capture({ level })
    for (const one of LEVELS) logger[one]('happened')
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual([...expected])
  })

  test('json', () => {
    const { logger, lines } = capture()
    logger.warn('An upstream is failing.', { upstream: 'a/b', since: 3, left: undefined })
    expect(lines).toEqual([
      '{"time":"2026-01-02T14:02:03.045Z","level":"warn","message":"An upstream is failing.","upstream":"a/b","since":3}\n',
    ])
  })

  test('pretty', () => {
    const { logger, lines } = capture({ format: 'pretty' })
    logger.info('Ready.', { port: 8080, path: '/a b', left: undefined, plain: 'x' })
    expect(lines).toEqual(['14:02:03.045 info  Ready. port=8080 path="/a b" plain=x\n'])
  })

  test.each(['json', 'pretty'] as const)('%s: nobody can forge a line, or reach the terminal', (format) => {
    const { logger, lines } = capture({ format })
    fc.assert(
      fc.property(nasty, nasty, (message, value) => {
        lines.length = 0
        logger.error(message, { value })
        expect(lines).toHaveLength(1)
        const line = lines[0] ?? ''
        expect(line.endsWith('\n')).toBe(true)
        expect(line.slice(0, -1)).not.toMatch(CONTROL)
      }),
      { numRuns: 2_000 },
    )
  })

  test('json: the text comes back as it was', () => {
    const { logger, lines } = capture()
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        lines.length = 0
        logger.info(text, { text })
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: text, text })
      }),
    )
  })

  test('json: fields cannot pass for the time, the level or the message', () => {
    const { logger, lines } = capture()
    const fields: LogFields = { time: 'never', level: 'info', message: 'all is well' }
    logger.error('The disk is full.', fields)
    expect(JSON.parse(lines[0] ?? '')).toEqual({ time: '2026-01-02T14:02:03.045Z', level: 'error', message: 'The disk is full.' })
  })

  test.each(['x', 'ä', '后', '🦊', '\u0001', '"'])('a line of %j is at most 8 KiB, and JSON stays JSON', (unit) => {
    for (const length of [1_000, 4_000, 8_100, 8_190, 50_000]) {
      for (const format of ['json', 'pretty'] as const) {
        const { logger, lines } = capture({ format })
        logger.info(unit.repeat(length), { a: unit.repeat(length), b: 1 })
        const line = lines[0] ?? ''
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(8_192)
        expect(line.endsWith('\n')).toBe(true)
        if (format === 'json') expect(JSON.parse(line)).toMatchObject({ level: 'info', b: 1 })
      }
    }
  })
})

describe('parseLogSetting', () => {
  test.each(['debug', 'info', 'warn', 'error', 'silent'] as const)('%s', (level) => {
    expect(parseLogSetting(level)).toEqual({ level })
    expect(parseLogSetting(`${level}:json`)).toEqual({ level, format: 'json' })
    expect(parseLogSetting(`${level}:pretty`)).toEqual({ level, format: 'pretty' })
  })

  test.each(['', 'INFO', 'info:', 'info:xml', ':json', 'verbose', 'toString', '__proto__', 'constructor:json'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseLogSetting(text)).toThrow(`HOLDFAST_LOG is "${text}". Expected debug, info, warn, error or silent`)
    },
  )
})
