/**
 * Owns: HTTP: routes, parsing of requests, the shape of errors, streamed bodies.
 * Calls: base, contract, auth, config, health, gateway.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { failingUpstreams } from './failing-upstreams.ts'
export { HttpServer, type Listening } from './http-server.ts'
export type { HttpParts } from './http-parts.ts'
