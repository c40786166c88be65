/** An error as data, as it crosses the border between the threads. */
export interface WorkerFault {
  readonly code: string
  readonly message: string
}

/** A fault of the database: SQLite's own code, or one of ours beginning with HOLDFAST_. */
export class SqliteFault extends Error {
  override readonly name = 'SqliteFault'
  readonly code: string

  constructor(fault: WorkerFault) {
    super(fault.message)
    this.code = fault.code
  }
}

/** Anything that was thrown, as data. */
export function faultOf(thrown: unknown): WorkerFault {
  if (!(thrown instanceof Error)) return { code: 'HOLDFAST_UNKNOWN', message: String(thrown) }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'HOLDFAST_UNKNOWN'
  return { code, message: thrown.message }
}
