import { type Budget, ratioOf, type Row, type Unit, verdictOf } from './row.ts'

const HEAD = ['', 'direct', 'nginx', 'Holdfast', 'to nginx', 'budget', ''] as const

/** The rows as a table for people: names to the left, figures to the right. */
export function tableOf(rows: readonly Row[], hasNginx: boolean): string {
  const lines = [HEAD, ...rows.map((row) => cellsOf(row, hasNginx))]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 || column === HEAD.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  return `${text.join('\n')}\n`
}

function cellsOf(row: Row, hasNginx: boolean): string[] {
  const { direct, nginx, holdfast } = row.figures
  const ratio = ratioOf(row)
  return [
    row.name,
    figure(direct, row.unit),
    hasNginx ? figure(nginx, row.unit) : 'not here',
    figure(holdfast, row.unit),
    ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
    row.budget ? limit(row.budget, row.unit) : '–',
    verdictOf(row) ?? '',
  ]
}

function figure(value: number | undefined, unit: Unit): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const digits = unit === '%' ? 2 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`
}

function limit({ of, most, least }: Budget, unit: Unit): string {
  const word = of === 'ratio' ? '×' : unit
  return most === undefined ? `≥ ${least} ${word}` : `≤ ${most} ${word}`
}
