import { AppError } from '#base'

export interface AuthErrorOptions {
  readonly code: string
  readonly remedy?: string
  readonly status: 401 | 403 | 429 | 503
  readonly retryAfterMs?: number
}

/** Why a caller is not let in, with the HTTP status that says so. */
export class AuthError extends AppError {
  override readonly name = 'AuthError'
  readonly status: 401 | 403 | 429 | 503
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: AuthErrorOptions) {
    super(message, options)
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}
