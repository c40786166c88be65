/**
 * Owns: time, chance, ids, cancellation, typed errors, the log, loopback addresses, units, the SSE codec and sliding windows.
 * Calls: nothing.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { abortable, abortReason, linkSignals, sleep } from './abort.ts'
export { AppError, messageOf } from './app-error.ts'
export { BoundedMap } from './bounded-map.ts'
export { type Clock, type Timer, systemClock } from './clock.ts'
export { firstOf, TIMED_OUT } from './first-of.ts'
export { newId, randomSecret, sha256 } from './ids.ts'
export { createLogger, type LogFields, type LogLevel, type Logger, parseLogSetting } from './logger.ts'
export { endOfJsonString } from './json-string.ts'
export { isLoopback, LOOPBACK_HOSTS, LOOPBACK_RANGES } from './loopback.ts'
export { ManualClock, type ManualClockOptions } from './manual-clock.ts'
export { nearest } from './nearest.ts'
export { SlidingWindow } from './sliding-window.ts'
export { type SseEvent, SseParser } from './sse.ts'
export { formatDuration, parseBytes, parseDuration, parseShare } from './units.ts'
