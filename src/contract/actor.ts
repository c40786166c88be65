/** What a key may do: ask models, read metrics, or everything. */
export type Scope = 'call' | 'metrics' | 'owner'

/** Who asks. `owner` is the person at the machine itself (X2); its `id` is `owner`. */
export interface Actor {
  readonly kind: 'owner' | 'key'
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
}
