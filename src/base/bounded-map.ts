/** A map of at most `most` entries: a new one drives out the oldest. For keys that callers can make up. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number

  constructor(most: number) {
    super()
    this.#most = most
  }

  /** The entry of `key`, made by `create` when there is none. */
  entry(key: Key, create: () => Value): Value {
    const known = this.get(key)
    if (known !== undefined) return known
    if (this.size >= this.#most) {
      const oldest = this.keys().next()
      if (oldest.done !== true) this.delete(oldest.value)
    }
    const made = create()
    this.set(key, made)
    return made
  }
}
