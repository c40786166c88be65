/**
 * Owns: what is known of each upstream from its last attempts: in flight, speed, how long it has been failing.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { Health, type UpstreamHealth } from './health.ts'
