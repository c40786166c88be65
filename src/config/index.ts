/**
 * Owns: the config document: reading, judging and resolving it, the current snapshot, reloads, the last good version.
 * Calls: base, contract.
 * Emits: nothing.
 * Consumes: changes of the document's file.
 */
export { Config, type ConfigOptions, type ReloadResult } from './config.ts'
export type { Environment } from './cross-check.ts'
export { readDocumentFile } from './document-file.ts'
export { fileProblem } from './file-problem.ts'
export { loadDocument, type LoadResult } from './load-document.ts'
export type { ConfigProblem } from './problem.ts'
export { nearestModels, routeFor } from './snapshot.ts'
