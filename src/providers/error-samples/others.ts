import { type ErrorSample, html, sample } from './sample.ts'

/** Errors of further services, of local servers, and of what stands in front of any. */
export const OTHERS: readonly ErrorSample[] = [
  // Moonshot, Google's compatible endpoint, Alibaba
  sample('Moonshot', 429, 'quota', {
    error: { message: 'Your account is suspended, please check your plan and billing details', type: 'exceeded_current_quota_error' },
  }),
  sample('Moonshot', 429, 'overloaded', {
    error: { message: 'The engine is currently overloaded, please try again later', type: 'engine_overloaded_error' },
  }),
  sample('Moonshot', 404, 'upstream_model_not_found', {
    error: { message: 'Not found the model kimi-9 or Permission denied', type: 'resource_not_found_error' },
  }),
  sample('Moonshot', 400, 'context_length', {
    error: { message: 'Invalid request: Your request exceeded model token limit: 8192', type: 'invalid_request_error' },
  }),
  sample('Google', 400, 'auth', [
    { error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' } },
  ]),
  sample('Google', 429, 'rate_limited', [
    { error: { code: 429, message: 'Resource has been exhausted (e.g. check quota).', status: 'RESOURCE_EXHAUSTED' } },
  ]),
  sample('Google', 503, 'overloaded', [
    { error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' } },
  ]),
  sample('Alibaba', 400, 'content_policy', {
    error: {
      message: 'Input data may contain inappropriate content.',
      type: 'data_inspection_failed',
      code: 'data_inspection_failed',
      param: null,
    },
  }),
  // Local servers
  sample('vLLM', 404, 'upstream_model_not_found', {
    object: 'error',
    message: 'The model `x` does not exist.',
    type: 'NotFoundError',
    param: null,
    code: 404,
  }),
  sample('vLLM', 400, 'context_length', {
    object: 'error',
    message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
    type: 'BadRequestError',
    param: null,
    code: 400,
  }),
  sample('vLLM', 400, 'invalid_request', {
    object: 'error',
    message: "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]",
    type: 'BadRequestError',
    param: null,
    code: 400,
  }),
  sample('vLLM, no key', 401, 'auth', { error: 'Unauthorized' }),
  sample('llama.cpp', 400, 'context_length', {
    error: {
      code: 400,
      message: 'request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it',
      type: 'exceed_context_size_error',
      n_prompt_tokens: 9000,
      n_ctx: 4096,
    },
  }),
  sample('llama.cpp', 503, 'overloaded', { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }),
  sample('llama.cpp', 500, 'server_error', { error: { code: 500, message: 'Failed to parse input', type: 'server_error' } }),
  sample('Ollama', 404, 'upstream_model_not_found', { error: "model 'x' not found" }),
  sample('Ollama', 404, 'upstream_model_not_found', {
    error: { message: 'model "x" not found, try pulling it first', type: 'api_error', param: null, code: null },
  }),
  sample('Ollama', 500, 'server_error', { error: 'model requires more system memory (9.1 GiB) than is available (3.2 GiB)' }),
  sample('Ollama', 503, 'overloaded', { error: 'server busy, please try again.  maximum pending requests exceeded' }),
  sample('LM Studio', 404, 'upstream_model_not_found', {
    error: {
      message: 'No models loaded. Please load a model in the developer page.',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  }),
  sample('LM Studio', 400, 'context_length', {
    error:
      'Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.',
  }),
  // What stands in front of them
  sample('nginx', 502, 'server_error', html('502 Bad Gateway')),
  sample('nginx', 503, 'overloaded', html('503 Service Temporarily Unavailable')),
  sample('nginx', 504, 'server_error', html('504 Gateway Time-out')),
  sample('nginx', 413, 'context_length', html('413 Request Entity Too Large')),
  sample('nginx', 404, 'upstream_model_not_found', html('404 Not Found')),
  sample('nginx, plain HTTP to a TLS port', 400, 'server_error', html('400 The plain HTTP request was sent to HTTPS port')),
  sample('Cloudflare', 403, 'auth', html('Attention Required! | Cloudflare')),
  sample('Cloudflare', 520, 'server_error', html('Web server is returning an unknown error')),
  sample('Cloudflare', 524, 'server_error', html('A timeout occurred')),
  sample('Cloudflare', 429, 'rate_limited', 'error code: 1015'),
  sample('Cloudflare', 401, 'auth', { success: false, errors: [{ code: 10_000, message: 'Authentication error' }] }),
  sample('a proxy', 407, 'server_error', html('Proxy Authentication Required')),
  sample('a load balancer', 503, 'overloaded', 'no healthy upstream'),
  sample('a load balancer', 503, 'overloaded', 'upstream connect error or disconnect/reset before headers'),
  sample('a gateway', 404, 'upstream_model_not_found', { message: 'no Route matched with those values' }),
  sample('Anthropic, compatible', 529, 'overloaded', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
  sample('Anthropic, compatible', 400, 'quota', {
    error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the API. Please go to Plans & Billing.' },
  }),
  sample('Anthropic, compatible', 400, 'context_length', {
    error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
  }),
  // Nothing but a status
  sample('nobody', 429, 'rate_limited', ''),
  sample('nobody', 401, 'auth', ''),
  sample('nobody', 403, 'auth', ''),
  sample('nobody', 405, 'upstream_model_not_found', ''),
  sample('nobody', 409, 'server_error', ''),
  sample('nobody', 410, 'upstream_model_not_found', ''),
  sample('nobody', 422, 'invalid_request', ''),
  sample('nobody', 500, 'server_error', '{"error":{}}'),
  sample('nobody', 529, 'overloaded', ''),
  sample('nobody', 418, 'invalid_request', 'short and stout'),
]
