import { formatDuration } from '#base'
import type { StoredCall } from '#accesslog'
import { day, pad, plain } from './text-table.ts'

type Attempt = StoredCall['attempts'][number]

const STYLES = { quiet: '\u001B[2m', good: '\u001B[32m', handed: '\u001B[33m', bad: '\u001B[31m' } as const
const RESET = '\u001B[0m'

const HEADINGS = ['TIME', 'MODEL', 'OUTCOME', 'UPSTREAM', 'TOOK', 'FIRST', 'TOKENS', 'CALL']

/** Calls as lines: one for each, then its reason and attempts where they say more. Columns only ever grow. */
export class CallPrinter {
  readonly #colour: boolean
  readonly #widths: number[] = HEADINGS.map((heading) => heading.length)
  #begun = false

  constructor(colour: boolean) {
    this.#colour = colour
  }

  /** The lines of further calls; the first time with headings above them. */
  print(calls: readonly StoredCall[]): string {
    const rows = calls.map((call) => cells(call))
    for (const row of rows) for (const [i, cell] of row.entries()) this.#widths[i] = Math.max(this.#widths[i] ?? 0, Bun.stringWidth(cell))
    let text = this.#begun ? '' : this.#style('quiet', this.#line(HEADINGS))
    this.#begun = true
    for (const [i, call] of calls.entries()) text += this.#call(call, rows[i] ?? [])
    return text
  }

  #call(call: StoredCall, row: readonly string[]): string {
    const handedOver = call.attempts.length > 1
    let text = this.#style(call.outcome !== 'ok' ? 'bad' : handedOver ? 'handed' : 'good', this.#line(row))
    if (call.outcome === 'ok' && !handedOver) return text
    if (call.reason !== '') text += `    ${plain(call.reason)}\n`
    for (const attempt of call.attempts) text += this.#style('quiet', `    ${attemptLine(attempt)}\n`)
    return text
  }

  #line(row: readonly string[]): string {
    return `${row
      .map((cell, i) => pad(cell, this.#widths[i] ?? 0))
      .join('  ')
      .trimEnd()}\n`
  }

  #style(style: keyof typeof STYLES, line: string): string {
    return this.#colour ? `${STYLES[style]}${line.slice(0, -1)}${RESET}\n` : line
  }
}

function cells(call: StoredCall): readonly string[] {
  const tokens =
    call.promptTokens === null && call.completionTokens === null ? '–' : `${call.promptTokens ?? '?'}+${call.completionTokens ?? '?'}`
  return [
    day(call.at),
    plain(call.model),
    `${call.status} ${call.outcome}`,
    call.upstream === null ? '–' : plain(call.upstream),
    formatDuration(call.durationMs),
    call.firstTokenMs === null ? '–' : formatDuration(call.firstTokenMs),
    tokens,
    plain(call.id),
  ]
}

function attemptLine(attempt: Attempt): string {
  const status = attempt.status === null ? '' : ` (${attempt.status})`
  const rescue = attempt.rescue === null ? '' : `, rescue by ${attempt.rescue}`
  const detail = attempt.detail === null || attempt.detail === '' ? '' : `: ${plain(attempt.detail)}`
  return `at ${formatDuration(attempt.startedMs)}  ${plain(attempt.upstream)}  ${attempt.outcome}${status} after ${formatDuration(attempt.durationMs)}${rescue}${detail}`
}
