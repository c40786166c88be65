import { type ErrorSample, openai, sample } from './sample.ts'

/** Errors of the services most asked. */
export const LARGE_SERVICES: readonly ErrorSample[] = [
  // OpenAI
  sample(
    'OpenAI',
    429,
    'quota',
    openai('You exceeded your current quota, please check your plan and billing details.', 'insufficient_quota', 'insufficient_quota'),
  ),
  sample(
    'OpenAI',
    429,
    'rate_limited',
    openai(
      'Rate limit reached for gpt-x in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.',
      'requests',
      'rate_limit_exceeded',
    ),
  ),
  sample(
    'OpenAI, one request over the limit',
    429,
    'context_length',
    openai(
      'Request too large for gpt-x in organization org-1 on tokens per min (TPM): Limit 30000, Requested 51000. The input or output tokens must be reduced in order to run successfully.',
      'tokens',
      'rate_limit_exceeded',
    ),
  ),
  sample(
    'OpenAI, hard limit',
    400,
    'quota',
    openai('Billing hard limit has been reached', 'invalid_request_error', 'billing_hard_limit_reached'),
  ),
  sample(
    'OpenAI',
    401,
    'auth',
    openai(
      'Incorrect API key provided: sk-ab***yz. You can find your API key at https://platform.openai.com/account/api-keys.',
      'invalid_request_error',
      'invalid_api_key',
    ),
  ),
  sample('OpenAI, no key', 401, 'auth', openai("You didn't provide an API key.", 'invalid_request_error', null)),
  sample(
    'OpenAI',
    403,
    'auth',
    openai('Country, region, or territory not supported', 'request_forbidden', 'unsupported_country_region_territory'),
  ),
  sample(
    'OpenAI',
    404,
    'upstream_model_not_found',
    openai('The model `gpt-9` does not exist or you do not have access to it.', 'invalid_request_error', 'model_not_found'),
  ),
  sample(
    'OpenAI, project without access',
    403,
    'upstream_model_not_found',
    openai('Project `proj_1` does not have access to model `gpt-x`', 'invalid_request_error', 'model_not_found'),
  ),
  sample('OpenAI, bad name', 400, 'upstream_model_not_found', openai('invalid model ID', 'invalid_request_error', null)),
  sample(
    'OpenAI, wrong path',
    404,
    'upstream_model_not_found',
    openai('Invalid URL (POST /v1/v1/chat/completions)', 'invalid_request_error', null),
  ),
  sample(
    'OpenAI',
    400,
    'context_length',
    openai(
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
      'invalid_request_error',
      'context_length_exceeded',
      'messages',
    ),
  ),
  sample(
    'OpenAI',
    400,
    'content_policy',
    openai('Invalid prompt: your prompt was flagged as potentially violating our usage policy.', 'invalid_request_error', 'invalid_prompt'),
  ),
  sample(
    'OpenAI',
    400,
    'invalid_request',
    openai(
      "Unsupported value: 'temperature' does not support 7 with this model.",
      'invalid_request_error',
      'unsupported_value',
      'temperature',
    ),
  ),
  sample(
    'OpenAI',
    400,
    'invalid_request',
    openai(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'invalid_request_error',
      'unsupported_parameter',
      'max_tokens',
    ),
  ),
  sample(
    'OpenAI',
    400,
    'invalid_request',
    openai(
      "An assistant message with 'tool_calls' must be followed by tool messages. The following tool_call_ids did not have response messages: call_1",
      'invalid_request_error',
      null,
      'messages.[2].role',
    ),
  ),
  sample(
    'OpenAI',
    500,
    'server_error',
    openai('The server had an error while processing your request. Sorry about that!', 'server_error', null),
  ),
  sample('OpenAI', 503, 'overloaded', openai('The engine is currently overloaded, please try again later', 'server_error', null)),
  sample('OpenAI', 503, 'overloaded', openai('Slow down', 'server_error', 'slow_down')),
  // Azure
  sample('Azure', 401, 'auth', { statusCode: 401, message: 'Access denied due to invalid subscription key or wrong API endpoint.' }),
  sample('Azure', 401, 'auth', { error: { code: '401', message: 'Access denied due to Virtual Network/Firewall rules.' } }),
  sample('Azure', 404, 'upstream_model_not_found', {
    error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' },
  }),
  sample('Azure', 404, 'upstream_model_not_found', { error: { code: '404', message: 'Resource not found' } }),
  sample('Azure', 429, 'rate_limited', {
    error: {
      code: '429',
      message:
        'Requests to the ChatCompletions operation have exceeded token rate limit of your current S0 pricing tier. Please retry after 8 seconds.',
    },
  }),
  sample('Azure', 429, 'overloaded', { error: { code: 'NoCapacity', message: 'The system is currently experiencing high demand.' } }),
  sample('Azure', 400, 'content_policy', {
    error: {
      message: 'The response was filtered due to the prompt triggering the content management policy.',
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: {} },
    },
  }),
  sample('Azure', 408, 'server_error', { error: { code: 'Timeout', message: 'The operation was timeout.' } }),
  // Mistral
  sample('Mistral', 401, 'auth', { message: 'Unauthorized', request_id: 'r' }),
  sample('Mistral', 401, 'auth', { detail: 'Unauthorized' }),
  sample('Mistral', 400, 'upstream_model_not_found', {
    object: 'error',
    message: 'Invalid model: mistral-huge',
    type: 'invalid_model',
    param: null,
    code: '1500',
  }),
  sample('Mistral', 422, 'invalid_request', {
    object: 'error',
    message: {
      detail: [{ type: 'less_than_equal', loc: ['body', 'temperature'], msg: 'Input should be less than or equal to 1.5', input: 9 }],
    },
    type: 'invalid_request_error',
  }),
  sample('Mistral', 429, 'overloaded', {
    object: 'error',
    message: 'Service tier capacity exceeded for this model.',
    type: 'service_tier_capacity_exceeded',
    param: null,
    code: '3505',
  }),
  sample('Mistral', 429, 'rate_limited', { message: 'Requests rate limit exceeded' }),
  sample('Mistral', 400, 'context_length', {
    object: 'error',
    message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    type: 'invalid_request_prompt',
    code: '3051',
  }),
  // Groq
  sample(
    'Groq',
    413,
    'context_length',
    openai(
      'Request too large for model `llama` in organization `org_1` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.',
      'tokens',
      'rate_limit_exceeded',
    ),
  ),
  sample(
    'Groq',
    400,
    'upstream_model_not_found',
    openai('The model `mixtral` has been decommissioned and is no longer supported.', 'invalid_request_error', 'model_decommissioned'),
  ),
  sample('Groq', 498, 'overloaded', openai('Flex tier capacity exceeded', 'invalid_request_error', 'over_capacity')),
  sample(
    'Groq',
    400,
    'auth',
    openai('Organization has been restricted. Please reach out to support.', 'invalid_request_error', 'organization_restricted'),
  ),
  sample(
    'Groq',
    400,
    'invalid_request',
    openai(
      "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
      'invalid_request_error',
      'tool_use_failed',
    ),
  ),
  // Together
  sample('Together', 404, 'upstream_model_not_found', {
    id: 'o',
    error: {
      message: 'Unable to access model foo/bar. Please visit our site to view the list of supported models.',
      type: 'invalid_request_error',
      param: null,
      code: 'model_not_available',
    },
  }),
  sample('Together', 401, 'auth', {
    id: 'o',
    error: {
      message: 'Invalid API key provided. You can find your API key in the settings.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
  }),
  sample('Together', 422, 'context_length', {
    error: {
      message:
        'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens: the input is too long',
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  }),
  sample('Together', 503, 'overloaded', { error: { message: 'The server is overloaded or not ready yet.', type: 'service_unavailable' } }),
  // DeepSeek
  sample('DeepSeek', 402, 'quota', openai('Insufficient Balance', 'unknown_error', 'invalid_request_error')),
  sample(
    'DeepSeek',
    401,
    'auth',
    openai('Authentication Fails, Your api key: ****abcd is invalid', 'authentication_error', 'invalid_request_error'),
  ),
  sample('DeepSeek', 400, 'upstream_model_not_found', openai('Model Not Exist', 'invalid_request_error', 'invalid_request_error')),
  sample('DeepSeek', 400, 'content_policy', openai('Content Exists Risk', 'invalid_request_error', 'invalid_request_error')),
  sample(
    'DeepSeek',
    400,
    'invalid_request',
    openai('Invalid max_tokens value, the valid range of max_tokens is [1, 8192]', 'invalid_request_error', 'invalid_request_error'),
  ),
  sample(
    'DeepSeek',
    422,
    'invalid_request',
    'Failed to deserialize the JSON body into the target type: messages[0]: missing field `role` at line 1 column 60',
  ),
  // OpenRouter
  sample('OpenRouter', 402, 'quota', {
    error: { message: 'Insufficient credits. Add more using https://openrouter.ai/credits', code: 402 },
  }),
  sample('OpenRouter', 403, 'quota', { error: { message: 'Key limit exceeded (total limit).', code: 403 } }),
  sample('OpenRouter', 401, 'auth', { error: { message: 'No auth credentials found', code: 401 } }),
  sample('OpenRouter', 404, 'upstream_model_not_found', { error: { message: 'No endpoints found for foo/bar.', code: 404 } }),
  sample('OpenRouter', 400, 'upstream_model_not_found', { error: { message: 'foo/bar is not a valid model ID', code: 400 } }),
  sample('OpenRouter', 403, 'content_policy', {
    error: {
      message: 'openai/gpt-x requires moderation on OpenAI. Your input was flagged for "harassment". No credits were charged.',
      code: 403,
      metadata: { reasons: ['harassment'], flagged_input: 'the input' },
    },
  }),
  sample('OpenRouter', 429, 'rate_limited', {
    error: {
      message: 'Provider returned error',
      code: 429,
      metadata: { raw: 'foo/bar is temporarily rate-limited upstream. Please retry shortly.', provider_name: 'X' },
    },
  }),
  sample('OpenRouter', 400, 'context_length', {
    error: {
      message: 'Provider returned error',
      code: 400,
      metadata: { raw: '{"error":{"message":"too long","code":"context_length_exceeded"}}', provider_name: 'X' },
    },
  }),
  sample('OpenRouter', 502, 'server_error', { error: { message: 'Provider returned error', code: 502 } }),
  // xAI
  sample('xAI', 400, 'auth', {
    code: 'Client specified an invalid argument',
    error: 'Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai.',
  }),
  sample('xAI', 404, 'upstream_model_not_found', {
    code: 'Some requested entity was not found',
    error: 'The model grok-9 does not exist or your team 1 does not have access to it.',
  }),
  sample('xAI', 429, 'quota', {
    code: 'Some resource has been exhausted',
    error: 'Your team has either used all available credits or reached its monthly spending limit.',
  }),
  sample('xAI', 400, 'context_length', {
    code: 'Client specified an invalid argument',
    error: "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
  }),
]
