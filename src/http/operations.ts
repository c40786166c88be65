import { AuthError, requireScope } from '#auth'
import { failureWords } from '#gateway'
import { timingSafeEqual } from 'node:crypto'
import { isLocal } from './caller.ts'
import { failingUpstreams } from './failing-upstreams.ts'
import type { Exchange, HttpParts } from './http-parts.ts'

/** `GET /healthz`: the process is alive. */
export function healthz(): Response {
  return Response.json({ status: 'alive' })
}

const NOTHING_CONFIGURED = 'No provider is configured: write a config file and name its path in HOLDFAST_CONFIG.'
const REFUSED = 'The config file was refused, and there is no version before it: `holdfast check` says why.'

/** `GET /readyz`: whether calls can be served, and why not. What is only for observation has no say in it (O2). */
export function readyz(exchange: Exchange, parts: HttpParts): Response {
  const { snapshot, state } = parts.config
  const reasons: string[] = []
  if (parts.gateway.draining) reasons.push('The process is shutting down.')
  if (snapshot.providers.size === 0) reasons.push(state.refusedAt === null ? NOTHING_CONFIGURED : REFUSED)
  if (parts.keys.problem !== undefined) reasons.push('The keys cannot be read, so nobody can be let in. The log says why.')
  const config = {
    version: state.version,
    source: state.source,
    loaded_at: new Date(state.loadedAt).toISOString(),
    ...(state.refusedAt === null
      ? {}
      : {
          refused_at: new Date(state.refusedAt).toISOString(),
          // The full sentences quote the document: they are for people on this machine.
          problems: state.problems.map(({ path, line, code, message }) => ({
            path,
            line,
            code,
            ...(isLocal(exchange.caller) ? { message } : {}),
          })),
        }),
  }
  const body = { status: reasons.length === 0 ? 'ready' : 'not_ready', reasons, config, failing: failing(parts) }
  return Response.json(body, { status: reasons.length === 0 ? 200 : 503 })
}

function failing({ config, health }: HttpParts): object[] {
  return [...failingUpstreams(config.snapshot, health)].flatMap(([upstream, { failingSince, lastFailure }]) =>
    failingSince === undefined || !lastFailure
      ? []
      : [{ upstream, since: new Date(failingSince).toISOString(), last: failureWords(lastFailure.kind, lastFailure.status) }],
  )
}

/** `GET /metrics`: Prometheus' text format. From elsewhere than this machine it takes a key. */
export async function metrics(exchange: Exchange, parts: HttpParts): Promise<Response> {
  if (!isLocal(exchange.caller)) requireScope(parts.keys.identify(exchange.caller), 'metrics')
  const { registry } = parts
  return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
}

/** `POST /control/reload`: reads the config file again; for `holdfast reload` on this machine. */
export async function reload(exchange: Exchange, parts: HttpParts): Promise<Response> {
  requireControl(exchange, parts)
  const result = await parts.config.reload('command')
  return Response.json(result, { status: result.outcome === 'refused' ? 422 : 200 })
}

function requireControl(exchange: Exchange, parts: HttpParts): void {
  const token = parts.controlToken
  const given = Buffer.from(exchange.caller.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  const fits = token !== undefined && given.length === wanted.length && timingSafeEqual(given, wanted)
  if (fits && isLocal(exchange.caller)) return
  throw new AuthError('This is for `holdfast reload` on the machine itself.', {
    status: 403,
    code: 'local_only',
    remedy: 'Run it there, with the same data folder.',
  })
}
