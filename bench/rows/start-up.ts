import type { Bench } from '../bench.ts'
import { Holdfast, type Start } from '../holdfast.ts'
import type { Row } from '../row.ts'

const WAYS: readonly { readonly start: Start; readonly name: string; readonly most: number }[] = [
  { start: 'bun', name: 'Start to first answer, the program itself', most: 500 },
  { start: 'npm', name: 'Start to first answer, npm start', most: 1_000 },
]

/** From the start of the process, on an empty data folder, to the first answer. */
export async function startUp(bench: Bench): Promise<Row[]> {
  const rows: Row[] = []
  for (const { start, name, most } of WAYS) {
    if (start === 'npm' && Bun.which('npm') === null) continue
    const { first } = await bench.rounds(`${name}, ms`, ['holdfast'], async () => {
      await using holdfast = await Holdfast.start(bench.folder, bench.routes, start)
      return { first: holdfast.firstAnswerMs }
    })
    rows.push({ name, unit: 'ms', figures: first, budget: { of: 'figure', most } })
  }
  return rows
}
