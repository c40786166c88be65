import { AppError } from '#base'

/** The error of every operation that the database cannot do now. */
export function unavailable(reason: string, cause?: unknown): AppError {
  return new AppError(`The database is not available: ${reason}`, { code: 'store_unavailable', cause })
}

/** Whether an operation failed because the database was not there, so that it may be tried again later. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'store_unavailable'
}
