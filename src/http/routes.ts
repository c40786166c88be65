import { nearest } from '#base'
import { chatCompletions } from './chat-completions.ts'
import { HttpError } from './http-error.ts'
import type { Handler } from './http-parts.ts'
import { listModels, showModel } from './models.ts'
import { healthz, metrics, readyz, reload } from './operations.ts'

/** All routes, by path and method. HEAD is answered where GET is. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  '/': { GET: front },
  '/v1/chat/completions': { POST: chatCompletions },
  '/v1/models': { GET: listModels },
  '/healthz': { GET: healthz },
  '/readyz': { GET: readyz },
  '/metrics': { GET: metrics },
  '/control/reload': { POST: reload },
}

/** The paths that somebody who mistyped one may have meant. */
const OFFERED = Object.keys(ROUTES).filter((path) => path !== '/' && !path.startsWith('/control/'))

const MODEL: Readonly<Record<string, Handler>> = { GET: showModel }

/** The handler of a request. Throws 404 with the nearest paths, 405 with the methods that there are. */
export function findHandler(method: string, path: string): Handler {
  const methods = Object.hasOwn(ROUTES, path) ? ROUTES[path] : path.startsWith('/v1/models/') ? MODEL : undefined
  if (!methods) {
    const near = nearest(path, OFFERED)
    throw new HttpError(`There is nothing at ${path.slice(0, 200)}.`, {
      status: 404,
      code: 'not_found',
      ...(near.length === 0 ? {} : { remedy: `Did you mean ${near.join(' or ')}?` }),
    })
  }
  const handler = methods[method === 'HEAD' ? 'GET' : method]
  if (handler) return handler
  const allowed = Object.keys(methods).join(', ')
  throw new HttpError(`${path.slice(0, 200)} takes ${allowed}, not ${method}.`, {
    status: 405,
    code: 'method_not_allowed',
    headers: { allow: allowed },
  })
}

/** `GET /`: what one would like to know who opens the address in a browser. */
function front(): Response {
  const text = `Holdfast is running.

POST /v1/chat/completions   OpenAI's chat API: set a client's base URL to this address with /v1 behind it
GET  /v1/models             the models that can be asked for
GET  /readyz                whether calls can be served, and why not
GET  /healthz  /metrics     for machines
`
  return new Response(text, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
