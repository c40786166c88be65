/**
 * Owns: the way to AI services: requests out, frames and classified failures back, connections.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { createProviders } from './create-providers.ts'
export { probeUpstream } from './probe.ts'
export type { Frame, Phases, Provider, RateLimits, UpstreamResponse } from './provider.ts'
