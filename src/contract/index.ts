/**
 * Owns: every shape that crosses a border: OpenAI's wire format, failures, the config document, call records.
 * Calls: base.
 * Emits: nothing.
 * Consumes: nothing.
 */
export type { Actor, Scope } from './actor.ts'
export type { AttemptRecord, CallRecord } from './call-record.ts'
export type { ChatChunk, ChatCompletion, ChatRequest, ChunkChoice, ToolCallDelta, Usage } from './chat.ts'
export type {
  Balance,
  Breaker,
  ConfigSnapshot,
  Continuation,
  Deadlines,
  Limits,
  ProviderConfig,
  ProviderKind,
  Retries,
  Route,
  RouteUpstream,
  Slow,
} from './config.ts'
export { type Failure, FAILURE_KINDS, type FailureKind, type FailureScope, UpstreamError } from './failure.ts'
