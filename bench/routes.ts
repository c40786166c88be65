import { type Behaviour, REFUSING_PORT, type UpstreamPorts } from './job.ts'

/** Rounds of every measurement. */
export const ROUNDS = 3

/** How the first upstream fails, in the rows that measure what comes of it. */
export const FAILURES = ['refusing', 'unavailable', 'silent', 'cutting'] as const

/** How long a silent upstream is waited for, ms, by those who can be told. */
export const SILENT_MS = 300

/** One way through a gateway: the upstreams in order. */
export interface BenchRoute {
  readonly name: string
  readonly ports: readonly number[]
  /** Every call begins at the first upstream, however often that has failed. */
  readonly insists: boolean
}

/** Every route that the rows use. Rounds of failing upstreams have one each, so that all begin without knowing of the failure. */
export function benchRoutes(ports: UpstreamPorts): BenchRoute[] {
  const { good } = ports
  const portOf = (behaviour: Behaviour | 'refusing'): number => (behaviour === 'refusing' ? REFUSING_PORT : ports[behaviour])
  const rounds = Array.from({ length: ROUNDS }, (_, round) => round)
  return [
    { name: 'good', ports: [good], insists: false },
    { name: 'idle', ports: [ports.idle], insists: false },
    { name: 'after-refusing', ports: [REFUSING_PORT, good], insists: true },
    { name: 'after-resetting', ports: [ports.resetting, good], insists: true },
    ...FAILURES.flatMap((failure) =>
      rounds.map((round) => ({ name: `${failure}-${round}`, ports: [portOf(failure), good], insists: failure === 'cutting' })),
    ),
  ]
}
