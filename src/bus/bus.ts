/** A reason to look again; the facts themselves are elsewhere. */
export interface Hint {
  readonly topic: string
  /** What it is about, such as an id; may be left out. */
  readonly key?: string
}

/** Wake-ups. A lost hint only delays: whoever follows one also looks by itself now and then. */
export interface Bus {
  /** Tells every subscriber of the topic. Never waits, never throws. */
  publish(hint: Hint): void
  /** The hints of a topic from now on, until `signal` aborts. A slow reader loses the oldest. */
  subscribe(topic: string, signal: AbortSignal): AsyncIterable<Hint>
  /** Hints that slow readers lost. */
  readonly dropped: number
}
