/** What an error that people read must say. */
export interface AppErrorOptions {
  /** Stable, machine-readable, snake_case. */
  readonly code: string
  /** What the reader can do about it; part of the message. */
  readonly remedy?: string
  readonly cause?: unknown
}

/** The base of every error that is thrown on purpose: a stable code and a remedy in the message. */
export class AppError extends Error {
  override readonly name: string = 'AppError'
  readonly code: string
  readonly remedy: string | undefined

  constructor(message: string, options: AppErrorOptions) {
    super(options.remedy === undefined ? message : `${message} ${options.remedy}`, { cause: options.cause })
    this.code = options.code
    this.remedy = options.remedy
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
