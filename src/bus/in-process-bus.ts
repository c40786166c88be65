import type { Bus, Hint } from './bus.ts'

interface Subscriber {
  readonly topic: string
  readonly hints: Hint[]
  wake: () => void
}

/** A bus within one process. */
export class InProcessBus implements Bus {
  readonly #capacity: number
  readonly #subscribers = new Set<Subscriber>()
  #dropped = 0

  constructor(capacity = 100) {
    this.#capacity = capacity
  }

  get dropped(): number {
    return this.#dropped
  }

  publish(hint: Hint): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.topic !== hint.topic) continue
      subscriber.hints.push(hint)
      if (subscriber.hints.length > this.#capacity) {
        subscriber.hints.shift()
        this.#dropped++
      }
      subscriber.wake()
    }
  }

  subscribe(topic: string, signal: AbortSignal): AsyncIterable<Hint> {
    const subscriber: Subscriber = { topic, hints: [], wake: () => undefined }
    if (!signal.aborted) this.#subscribers.add(subscriber)
    const onAbort = (): void => {
      this.#subscribers.delete(subscriber)
      subscriber.wake()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const leave = (): void => {
      signal.removeEventListener('abort', onAbort)
      onAbort()
    }
    return read(subscriber, signal, leave)
  }
}

async function* read(subscriber: Subscriber, signal: AbortSignal, leave: () => void): AsyncGenerator<Hint> {
  try {
    while (!signal.aborted) {
      const hint = subscriber.hints.shift()
      if (hint) yield hint
      else await new Promise<void>((resolve) => (subscriber.wake = resolve))
    }
  } finally {
    leave()
  }
}
