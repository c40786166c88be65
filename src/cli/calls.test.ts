import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, systemClock } from '#base'
import { AccessLog } from '#accesslog'
import type { CallRecord } from '#contract'
import { databaseFile, openStore } from '#store'
import { callsCommand } from './calls.ts'

let folder = ''
let count = 0

const SCRIPT = join(import.meta.dir, 'fixtures', 'run-command.ts')

async function calls(args: readonly string[], colour = false): Promise<{ code: number; out: string; error: string }> {
  let out = ''
  let error = ''
  const code = await callsCommand(args, {
    dataFolder: folder,
    clock: systemClock,
    write: (text) => void (out += text),
    writeError: (text) => void (error += text),
    colour,
    signal: new AbortController().signal,
  })
  return { code, out, error }
}

function call(change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: `call_${++count}`,
    at: systemClock.now(),
    actor: 'owner',
    model: 'assistant',
    stream: true,
    outcome: 'ok',
    status: 200,
    upstream: 'openai/gpt-5-mini',
    reason: '',
    durationMs: 812.5,
    firstTokenMs: 203,
    promptTokens: 12,
    completionTokens: 88,
    attempts: [attempt()],
    ...change,
  }
}

function attempt(change: Partial<CallRecord['attempts'][number]> = {}): CallRecord['attempts'][number] {
  return {
    upstream: 'openai/gpt-5-mini',
    outcome: 'ok',
    status: 200,
    startedMs: 0,
    durationMs: 810,
    firstTokenMs: 203,
    dnsMs: null,
    connectMs: null,
    tlsMs: null,
    headersMs: 180,
    rescue: null,
    detail: null,
    ...change,
  }
}

/** Writes calls as a running server does. */
async function record(...records: readonly CallRecord[]): Promise<void> {
  const logger = createLogger({ clock: systemClock, level: 'silent', format: 'json', write: () => undefined })
  await using store = openStore({ file: databaseFile(folder), clock: systemClock, logger })
  await using log = new AccessLog({ store, clock: systemClock, logger })
  for (const one of records) log.record(one)
}

const HANDED_OVER = {
  upstream: 'near/llama3.2',
  reason: 'openai: 503, 1 attempt; answered by near',
  attempts: [
    attempt({ outcome: 'overloaded', status: 503, durationMs: 34, detail: 'The server is overloaded.' }),
    attempt({ upstream: 'near/llama3.2', startedMs: 35, durationMs: 700, rescue: 'prefill' }),
  ],
} satisfies Partial<CallRecord>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-calls-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('holdfast calls', () => {
  test('where there is no database yet it says so and makes none', async () => {
    expect(await calls([])).toMatchObject({ code: 1, out: '', error: expect.stringContaining('There is no database') })
    expect(await Bun.file(databaseFile(folder)).exists()).toBe(false)
  })

  test('a call is a line; a call that was handed over or failed also shows its reason and attempts', async () => {
    await record(call({ id: 'call_plain' }), call({ id: 'call_handed', ...HANDED_OVER }))
    const { code, out } = await calls([])
    expect(code).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^TIME +MODEL +OUTCOME +UPSTREAM +TOOK +FIRST +TOKENS +CALL$/)
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  assistant  200 ok   openai\/gpt-5-mini  8(12|13) ms  203 ms  12\+88   call_plain$/,
    )
    expect(lines.slice(3)).toEqual([
      '    openai: 503, 1 attempt; answered by near',
      '    at 0 ms  openai/gpt-5-mini  overloaded (503) after 34 ms: The server is overloaded.',
      '    at 35 ms  near/llama3.2  ok (200) after 700 ms, rescue by prefill',
    ])
  })

  test('its filters choose, and --json gives one object a line', async () => {
    await record(
      call({ id: 'a', model: 'other' }),
      call({ id: 'b', outcome: 'timeout_stall', status: 504, upstream: null }),
      call({ id: 'c' }),
    )
    const ids = async (...args: string[]): Promise<string[]> => {
      const { out } = await calls(['--json', ...args])
      return out === ''
        ? []
        : out
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line).id)
    }
    expect(await ids()).toEqual(['a', 'b', 'c'])
    expect(await ids('--failed')).toEqual(['b'])
    expect(await ids('--model', 'other')).toEqual(['a'])
    expect(await ids('--limit', '1')).toEqual(['c'])
    expect(await ids('--since', '1h')).toEqual(['a', 'b', 'c'])
    expect(await ids('--since', '1ms')).toEqual([])
  })

  test('what a caller chose cannot steer the terminal', async () => {
    await record(call({ model: 'a\u001B[2Jb\nc\u202Ed', reason: 'x\u0007', outcome: 'malformed' }))
    const { out } = await calls([])
    // oxlint-disable-next-line no-control-regex
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect(out.split('\n')).toHaveLength(5)
    expect((await calls([], true)).out).toContain('\u001B[31m')
  })

  test.each([[['--what']], [['word']], [['--limit', '0']], [['--limit', 'x']], [['--since', 'yesterday']], [['--model']]])(
    '%j is refused with 2',
    async (args) => {
      await record(call())
      expect(await calls(args)).toMatchObject({ code: 2, out: '', error: expect.stringContaining('Usage:') })
    },
  )

  test('--follow shows what is written from now on, beside a running writer, and SIGINT ends it with 0', async () => {
    await record(call({ id: 'before' }))
    const child = Bun.spawn([process.execPath, SCRIPT, folder, 'calls', '--follow', '--json'], { stdout: 'pipe', stderr: 'inherit' })
    const output = child.stdout.getReader()
    const next = async (): Promise<string> => JSON.parse(new TextDecoder().decode((await output.read()).value)).id
    expect(await next()).toBe('before')
    await record(call({ id: 'after' }))
    expect(await next()).toBe('after')
    child.kill('SIGINT')
    expect(await child.exited).toBe(0)
  })

  test('--follow ends when nobody reads its output any more', async () => {
    await record(call())
    const command = `"${process.execPath}" "${SCRIPT}" "${folder}" calls --follow --json | head -n 1`
    const child = Bun.spawn(['sh', '-c', `${command}; echo done`], { stdout: 'pipe', stderr: 'inherit' })
    const output = child.stdout.getReader()
    await output.read()
    // The pipe is only seen to be closed by the next write.
    await record(call())
    expect(await child.exited).toBe(0)
  }, 10_000)
})
