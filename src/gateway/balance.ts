import type { Balance, RouteUpstream } from '#contract'

/** What a balance looks at. */
export interface Load {
  readonly inFlight: number
  readonly firstTokenMs: number | undefined
  /** What is left of the account's rate limit, in [0, 1]; 1 when not known. */
  readonly remaining: number
}

/** Below this share of its rate limit an account is asked after the others. */
const NEARLY_SPENT = 0.02

/** The upstreams in the order in which they are tried. Pure: `chance` gives numbers in [0, 1). */
export function balanced(
  upstreams: readonly RouteUpstream[],
  balance: Balance,
  load: (upstream: RouteUpstream) => Load,
  chance: () => number,
): RouteUpstream[] {
  return ordered(upstreams, balance, load, chance).toSorted((a, b) => Number(spent(load(a))) - Number(spent(load(b))))
}

function ordered(
  upstreams: readonly RouteUpstream[],
  balance: Balance,
  load: (upstream: RouteUpstream) => Load,
  chance: () => number,
): RouteUpstream[] {
  switch (balance) {
    case 'order':
      return [...upstreams]
    case 'weighted':
      return shuffled(upstreams, chance)
    case 'least-loaded':
      return upstreams.toSorted((a, b) => load(a).inFlight / a.weight - load(b).inFlight / b.weight)
    case 'fastest':
      return upstreams.toSorted((a, b) => speed(load(a)) - speed(load(b)))
    default:
      return balance satisfies never
  }
}

/** One without a figure counts as the fastest, so that it gets one; one call is enough for that. */
function speed({ firstTokenMs, inFlight }: Load): number {
  return firstTokenMs ?? (inFlight === 0 ? 0 : Number.MAX_VALUE)
}

/** A random order in which a heavier upstream tends to come first (Efraimidis and Spirakis: key = u^(1/w)). */
function shuffled(upstreams: readonly RouteUpstream[], chance: () => number): RouteUpstream[] {
  return upstreams
    .map((upstream) => ({ upstream, key: Math.log(1 - chance()) / upstream.weight }))
    .toSorted((a, b) => b.key - a.key)
    .map((entry) => entry.upstream)
}

function spent(load: Load): boolean {
  return load.remaining < NEARLY_SPENT
}
