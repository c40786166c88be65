/**
 * Owns: wake-ups between parts of the service. Hints only, never facts.
 * Calls: nothing.
 * Emits: nothing.
 * Consumes: nothing.
 */
export type { Bus, Hint } from './bus.ts'
export { InProcessBus } from './in-process-bus.ts'
