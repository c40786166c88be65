/**
 * Owns: the config document: reading, judging and resolving it, the current snapshot, reloads, the last good version.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: changes of the document's file.
 */
export type { ConfigProblem } from './problem.ts'
export { loadDocument, type LoadInput, type LoadResult } from './load-document.ts'
export { nearestModels, routeFor } from './snapshot.ts'
