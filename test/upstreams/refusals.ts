import type { FailureKind } from '#contract'
import type { Reply } from './play.ts'

/** A way in which providers refuse a call by status and body, and what it means. */
export interface Refusal {
  readonly name: string
  readonly reply: Reply
  readonly kind: FailureKind
}

function openai(
  status: number,
  message: string,
  type: string,
  code: string | null,
  headers: Readonly<Record<string, string>> = {},
  param: string | null = null,
): Reply {
  return { status, headers, body: JSON.stringify({ error: { message, type, param, code } }) }
}

/** Faults of the provider, the account or our configuration: the call goes on elsewhere. */
export const INFRASTRUCTURE_REFUSALS: readonly Refusal[] = [
  {
    name: '401 openai',
    kind: 'auth',
    reply: openai(401, 'Incorrect API key provided: sk-abc***xyz.', 'invalid_request_error', 'invalid_api_key'),
  },
  { name: '401 plain text', kind: 'auth', reply: { status: 401, body: 'Unauthorized', contentType: 'text/plain' } },
  { name: '401 mistral', kind: 'auth', reply: { status: 401, body: JSON.stringify({ message: 'Unauthorized', request_id: 'r1' }) } },
  {
    name: '403 region',
    kind: 'auth',
    reply: openai(403, 'Country, region, or territory not supported', 'request_forbidden', 'unsupported_country_region_territory'),
  },
  { name: '403 html', kind: 'auth', reply: { status: 403, body: '<html><title>403 Forbidden</title></html>', contentType: 'text/html' } },
  {
    name: '404 model_not_found',
    kind: 'upstream_model_not_found',
    reply: openai(404, 'The model `m` does not exist or you do not have access to it.', 'invalid_request_error', 'model_not_found'),
  },
  {
    name: '404 vllm',
    kind: 'upstream_model_not_found',
    reply: {
      status: 404,
      body: JSON.stringify({ object: 'error', message: 'The model `m` does not exist.', type: 'NotFoundError', param: null, code: 404 }),
    },
  },
  {
    name: '404 ollama',
    kind: 'upstream_model_not_found',
    reply: openai(404, 'model "m" not found, try pulling it first', 'api_error', null),
  },
  {
    name: '400 mistral invalid model',
    kind: 'upstream_model_not_found',
    reply: {
      status: 400,
      body: JSON.stringify({ object: 'error', message: 'Invalid model: m', type: 'invalid_model', param: null, code: '1500' }),
    },
  },
  {
    name: '400 gemini bad key',
    kind: 'auth',
    reply: openai(400, 'API key not valid. Please pass a valid API key.', 'INVALID_ARGUMENT', null),
  },
  {
    name: '429 openai',
    kind: 'rate_limited',
    reply: openai(429, 'Rate limit reached for m on requests per min (RPM): Limit 3, Used 3.', 'requests', 'rate_limit_exceeded'),
  },
  { name: '429 mistral', kind: 'rate_limited', reply: { status: 429, body: JSON.stringify({ message: 'Requests rate limit exceeded' }) } },
  { name: '429 plain text', kind: 'rate_limited', reply: { status: 429, body: 'slow down', contentType: 'text/plain' } },
  {
    name: '429 insufficient_quota',
    kind: 'quota',
    reply: openai(
      429,
      'You exceeded your current quota, please check your plan and billing details.',
      'insufficient_quota',
      'insufficient_quota',
    ),
  },
  {
    name: '402 no credit',
    kind: 'quota',
    reply: {
      status: 402,
      body: JSON.stringify({ error: { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' } }),
    },
  },
  {
    name: '500 openai',
    kind: 'server_error',
    reply: openai(500, 'The server had an error while processing your request.', 'server_error', null),
  },
  {
    name: '502 html',
    kind: 'server_error',
    reply: { status: 502, body: '<html><head><title>502 Bad Gateway</title></head></html>', contentType: 'text/html' },
  },
  {
    name: '503 openai',
    kind: 'overloaded',
    reply: openai(503, 'The engine is currently overloaded, please try again later.', 'service_unavailable', null),
  },
  { name: '503 empty', kind: 'overloaded', reply: { status: 503, body: '', contentType: 'text/plain' } },
  {
    name: '529 overloaded',
    kind: 'overloaded',
    reply: { status: 529, body: JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }) },
  },
  {
    name: '500 vllm',
    kind: 'server_error',
    reply: {
      status: 500,
      body: JSON.stringify({ object: 'error', message: 'CUDA error: out of memory', type: 'InternalServerError', param: null, code: 500 }),
    },
  },
  { name: '504 gateway', kind: 'server_error', reply: { status: 504, body: 'upstream request timeout', contentType: 'text/plain' } },
  { name: '408', kind: 'server_error', reply: { status: 408, body: '', contentType: 'text/plain' } },
  { name: '418 unknown', kind: 'server_error', reply: { status: 599, body: 'strange', contentType: 'text/plain' } },
]

/** The caller's own faults: they go back at once, with the provider's reason. */
export const CALLER_REFUSALS: readonly Refusal[] = [
  {
    name: '400 invalid param',
    kind: 'invalid_request',
    reply: openai(
      400,
      "Invalid 'temperature': decimal above maximum value.",
      'invalid_request_error',
      'decimal_above_max_value',
      {},
      'temperature',
    ),
  },
  {
    name: '400 mistral',
    kind: 'invalid_request',
    reply: {
      status: 400,
      body: JSON.stringify({
        object: 'error',
        message: 'Expected last role User or Tool',
        type: 'invalid_request_error',
        param: null,
        code: '3230',
      }),
    },
  },
  {
    name: '422 mistral',
    kind: 'invalid_request',
    reply: { status: 422, body: JSON.stringify({ detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required' }] }) },
  },
  {
    name: '400 content policy',
    kind: 'content_policy',
    reply: openai(400, 'Your request was rejected as a result of our safety system.', 'invalid_request_error', 'content_policy_violation'),
  },
  {
    name: '400 azure content filter',
    kind: 'content_policy',
    reply: openai(
      400,
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      'invalid_request_error',
      'content_filter',
      {},
      'prompt',
    ),
  },
]

/** Too long for this upstream, in four dialects. */
export const CONTEXT_REFUSALS: readonly Refusal[] = [
  {
    name: '400 openai context',
    kind: 'context_length',
    reply: openai(
      400,
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
      'invalid_request_error',
      'context_length_exceeded',
      {},
      'messages',
    ),
  },
  {
    name: '400 vllm context',
    kind: 'context_length',
    reply: {
      status: 400,
      body: JSON.stringify({
        object: 'error',
        message: "This model's maximum context length is 2048 tokens. However, you requested 4096 tokens.",
        type: 'BadRequestError',
        param: null,
        code: 400,
      }),
    },
  },
  {
    name: '400 mistral context',
    kind: 'context_length',
    reply: {
      status: 400,
      body: JSON.stringify({
        object: 'error',
        message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
        type: 'invalid_request_error',
        param: null,
        code: '3051',
      }),
    },
  },
  { name: '413 too large', kind: 'context_length', reply: { status: 413, body: 'Request Entity Too Large', contentType: 'text/plain' } },
]

/** A 429 that says when to come back. */
export function rateLimited(headers: Readonly<Record<string, string>>): Reply {
  return openai(429, 'Rate limit reached for requests.', 'requests', 'rate_limit_exceeded', headers)
}
