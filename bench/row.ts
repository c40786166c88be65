/** What is compared: the upstream itself, nginx in front of it, Holdfast in front of it. */
export type SystemName = 'direct' | 'nginx' | 'holdfast'

export type Unit = 'µs' | 'ms' | 'MiB' | 'KiB' | '%'

/** What a row is held to: Holdfast's figure by itself, or its ratio to nginx's. */
export interface Budget {
  readonly of: 'figure' | 'ratio'
  readonly most?: number
  readonly least?: number
}

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly unit: Unit
  /** Undefined where nothing was measured, or there is nothing to measure. */
  readonly figures: Readonly<Partial<Record<SystemName, number>>>
  readonly budget?: Budget
  /** The figures are of different things, and their ratio would say nothing. */
  readonly apart?: boolean
}

/** Holdfast's figure over nginx's; undefined where either is missing, or nginx's is nothing to divide by. */
export function ratioOf({ figures: { nginx, holdfast }, apart }: Row): number | undefined {
  if (apart || nginx === undefined || holdfast === undefined) return undefined
  return nginx > 0 && !Number.isNaN(holdfast) ? holdfast / nginx : undefined
}

/** Whether a row keeps its budget; undefined where it has none or was not measured. */
export function verdictOf(row: Row): 'ok' | 'missed' | undefined {
  const { budget, figures } = row
  const value = budget?.of === 'ratio' ? ratioOf(row) : figures.holdfast
  if (budget === undefined || value === undefined || Number.isNaN(value)) return undefined
  return value <= (budget.most ?? Infinity) && value >= (budget.least ?? -Infinity) ? 'ok' : 'missed'
}
