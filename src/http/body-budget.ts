import { HttpError } from './http-error.ts'

/** Bounds the bytes of all request bodies that are held at once, from their arrival to the end of their calls. */
export class BodyBudget {
  readonly #most: number
  #held = 0

  constructor(most: number) {
    this.#most = most
  }

  /** What one request holds of it. */
  share(): BodyShare {
    let own = 0
    return {
      take: (bytes) => {
        // A body alone is bounded by `limits.body` only, which may be more than this.
        const others = this.#held - own
        if (others > 0 && this.#held + bytes > this.#most) throw tooMuch()
        own += bytes
        this.#held += bytes
      },
      release: () => {
        this.#held -= own
        own = 0
      },
    }
  }
}

/** What one request holds of a budget. */
export interface BodyShare {
  /** Counts bytes that are to be held; throws 503 when others hold too many. */
  readonly take: (bytes: number) => void
  /** Gives all of them back. */
  readonly release: () => void
}

function tooMuch(): HttpError {
  return new HttpError('Holdfast holds as many bytes of requests as it can at the moment.', {
    status: 503,
    code: 'overloaded_here',
    retryAfterMs: 1_000,
    remedy: 'Try again shortly.',
    headers: { connection: 'close' },
  })
}
