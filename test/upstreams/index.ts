/**
 * Owns: providers that fail as real ones do: HTTP on raw sockets, each request answered by a script.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { type Answer, completionOf, framesOf, piecesOf, type ToolCall, USAGE } from './answer.ts'
export { after, beginning, byMode, DONE, healthy, inTurn, partOfJson, resetAtOnce, silent, stepsOf } from './behaviours.ts'
export { EARLY_FAULTS, type Fault, LATE_FAULTS } from './faults.ts'
export { play, type Reply, reply, type Step, wholeReply, type Wire } from './play.ts'
export { CALLER_REFUSALS, CONTEXT_REFUSALS, INFRASTRUCTURE_REFUSALS, rateLimited, type Refusal } from './refusals.ts'
export type { WireRequest } from './wire-request.ts'
export { type Behaviour, closedPort, type Departure, type Exchange, WireServer } from './wire-server.ts'
export { type Asked, type Habit, understand, writer } from './writer.ts'
