/** Places that are followed at once; more would be a text of one repeated piece. */
const MOST = 64

/** Where the reply matched the delivered text for a while, and then did not. */
export interface Abandoned {
  readonly start: number
  readonly depth: number
}

/** Follows, piece by piece, how much of the delivered text's end a reply begins with. Linear in both. */
export class RepeatTracker {
  readonly #core: string
  readonly #headLength: number
  #head = ''
  #started = false
  #followed: number[] = []
  #seen = 0
  #length = 0
  readonly #abandoned: Abandoned[] = []

  constructor(core: string, headLength: number) {
    this.#core = core
    this.#headLength = headLength
  }

  /** Whether more of the reply could make the overlap longer. */
  get pending(): boolean {
    if (!this.#started) return true
    const longest = this.#core.length - this.#length
    return this.#followed.some((start) => start < longest)
  }

  /** Units of the longest overlap so far. */
  get length(): number {
    return this.#length
  }

  /** Matches that ended before the delivered text did. */
  get abandoned(): readonly Abandoned[] {
    return this.#abandoned
  }

  /** Takes the next piece of the reply. */
  push(text: string): void {
    if (this.#started) return this.#follow(text)
    this.#head += text
    if (this.#head.length >= this.#headLength) this.#start(this.#head.slice(0, this.#headLength), this.#head.slice(this.#headLength))
  }

  /** The reply is over. */
  end(): void {
    if (!this.#started && this.#head !== '') this.#start(this.#head, '')
    for (const start of this.#followed) this.#abandoned.push({ start, depth: this.#seen })
    this.#followed = []
    this.#head = ''
  }

  #start(head: string, rest: string): void {
    this.#started = true
    const core = this.#core
    for (let length = Math.min(head.length, core.length); length > 0 && this.#length === 0; length--) {
      if (core.endsWith(head.slice(0, length))) this.#length = length
    }
    this.#seen = head.length
    for (let start = core.lastIndexOf(head, core.length - head.length - 1); start >= 0;) {
      this.#followed.push(start)
      if (start === 0) break
      if (this.#followed.length === MOST - 1) {
        if (core.startsWith(head)) this.#followed.push(0)
        break
      }
      start = core.lastIndexOf(head, start - 1)
    }
    if (core.length <= head.length) this.#followed = []
    if (rest !== '') this.#follow(rest)
  }

  #follow(text: string): void {
    const kept: number[] = []
    for (const start of this.#followed) {
      const from = start + this.#seen
      const left = this.#core.length - from
      if (!this.#core.startsWith(text.slice(0, left), from))
        this.#abandoned.push({ start, depth: this.#seen + common(this.#core, from, text) })
      else if (text.length < left) kept.push(start)
      else this.#length = Math.max(this.#length, this.#core.length - start)
    }
    this.#followed = kept
    this.#seen += text.length
  }
}

function common(core: string, from: number, text: string): number {
  let length = 0
  while (length < text.length && core.charCodeAt(from + length) === text.charCodeAt(length)) length++
  return length
}
