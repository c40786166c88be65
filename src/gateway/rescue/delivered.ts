/** What the client of a streamed call has by now, whoever sent it. */
export interface Delivered {
  /** Whether anything was sent. */
  committed: boolean
  /** The stream's one id and `created` (S7). */
  id: string | undefined
  created: number | undefined
  /** The name of the model that spoke last. */
  model: string | undefined
  /** The answer's text so far, and in how many frames it came. */
  text: string
  frames: number
  /** A tool call or a refusal was sent: from then on nothing may be rescued silently (S6). */
  final: boolean
}

/** Nothing yet. */
export function nothingDelivered(): Delivered {
  return { committed: false, id: undefined, created: undefined, model: undefined, text: '', frames: 0, final: false }
}
