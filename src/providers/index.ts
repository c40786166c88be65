/**
 * Owns: the way to AI services: requests out, frames and classified failures back, connections.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { createProviders, type CreateProvidersOptions } from './create-providers.ts'
export { probeUpstream, type ProbeResult } from './probe.ts'
export type { Frame, Phases, Provider, RateLimits, UpstreamRequest, UpstreamResponse } from './provider.ts'
export { type Script, type ScriptStep, scriptedAnswer, type ScriptedScene } from './scripted/script.ts'
