import type { WireServer } from './upstreams/index.ts'

/** Deadlines that a test can wait for. */
export const SHORT = { connect: '300ms', headers: '300ms', firstToken: '300ms', stall: '300ms', total: '10s' } as const

export interface RouteOptions {
  /** More fields of the model, such as `deadlines` or `retries`. */
  readonly model?: object
  readonly limits?: object
  /** More fields of each upstream, by place. */
  readonly upstreams?: readonly object[]
}

/** A config with one model, `assistant`, over `servers` in their order; the upstreams are `a/m`, `b/m`, `c/m` … */
export function routeOver(servers: readonly (WireServer | string)[], options: RouteOptions = {}): object {
  const names = servers.map((_, index) => String.fromCharCode(97 + index))
  return {
    providers: Object.fromEntries(
      servers.map((server, index) => [
        names[index],
        { kind: 'openai-compatible', baseUrl: typeof server === 'string' ? server : server.url, apiKey: '${UPSTREAM_KEY}' },
      ]),
    ),
    models: {
      assistant: {
        upstreams: names.map((name, index) => ({ upstream: `${name}/m`, ...options.upstreams?.[index] })),
        deadlines: SHORT,
        ...options.model,
      },
    },
    ...(options.limits ? { limits: options.limits } : {}),
  }
}

/** The credential of every upstream; a word that must never be seen again. */
export const UPSTREAM_KEY = 'sk-canary-upstream-7f3a9c'
export const ENV = { UPSTREAM_KEY } as const
