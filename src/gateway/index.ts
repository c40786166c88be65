/**
 * Owns: how a call is answered: admission, order of upstreams, breakers, deadlines, failover, rescue.
 * Calls: base, contract, providers, accesslog, health.
 * Emits: one call record for each call, into the access log.
 * Consumes: the config snapshot that each call brings.
 */
export { type Answer, type Call, CallError, type Progress } from './call.ts'
export { failureWords } from './reason.ts'
export { Gateway } from './gateway.ts'
