import { nearestModels, routeFor } from '#config'
import type { ConfigSnapshot, Route } from '#contract'
import { HttpError } from './http-error.ts'

/** The route of the model that a request names. Throws 404 with the nearest names; 503 where nothing is configured (law 4). */
export function findRoute(snapshot: ConfigSnapshot, model: string): Route {
  const route = routeFor(snapshot, model)
  if (route) return route
  if (snapshot.providers.size === 0) {
    throw new HttpError('Nothing is configured yet, so there is no model to ask.', {
      status: 503,
      code: 'not_configured',
      remedy: 'Write the config file that the server named at its start; it is read as soon as it is there.',
    })
  }
  const near = nearestModels(snapshot, model).map((name) => `"${name}"`)
  throw new HttpError(`There is no model "${model.slice(0, 200)}".`, {
    status: 404,
    code: 'model_not_found',
    param: 'model',
    remedy: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'GET /v1/models lists those that there are.',
  })
}
