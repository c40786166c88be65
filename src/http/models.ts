import { requireScope } from '#auth'
import { nearestModels, routeFor } from '#config'
import type { ConfigSnapshot, Route } from '#contract'
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
  const route = routeFor(snapshot, id)
  if (route) return Response.json(describe(route, snapshot))
  const near = nearestModels(snapshot, id)
  throw new HttpError(`There is no model "${id.slice(0, 200)}".`, {
    status: 404,
    code: 'model_not_found',
    param: 'model',
    ...(near.length === 0 ? {} : { remedy: `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` }),
  })
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
