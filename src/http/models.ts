import { requireScope } from '#auth'
import type { ConfigSnapshot, Route } from '#contract'
import { findRoute } from './find-route.ts'
import { HttpError } from './http-error.ts'
import type { Exchange, HttpParts } from './http-parts.ts'

const PREFIX = '/v1/models/'

/** `GET /v1/models`: the models that are named in the config. */
export function listModels(exchange: Exchange, parts: HttpParts): Response {
  requireScope(parts.keys.identify(exchange.caller), 'call')
  const { snapshot } = parts.config
  return Response.json({ object: 'list', data: [...snapshot.models.values()].map((route) => describe(route, snapshot)) })
}

/** `GET /v1/models/{id}`, where the id may be `provider/model`. */
export function showModel(exchange: Exchange, parts: HttpParts): Response {
  requireScope(parts.keys.identify(exchange.caller), 'call')
  const { snapshot } = parts.config
  const id = decode(exchange.path.slice(PREFIX.length))
  return Response.json(describe(findRoute(snapshot, id), snapshot))
}

function describe(route: Route, snapshot: ConfigSnapshot): object {
  return {
    id: route.model,
    object: 'model',
    created: Math.floor(snapshot.loadedAt / 1_000),
    owned_by: 'holdfast',
    upstreams: route.upstreams.map((upstream) => upstream.id),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new HttpError('The model in the path is not valid percent-encoding.', { status: 400, code: 'invalid_request' })
  }
}
