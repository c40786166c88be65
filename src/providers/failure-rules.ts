import type { FailureKind } from '#contract'

/** What a provider's answer says, and why, in words that are safe to log. */
export interface Verdict {
  readonly kind: FailureKind
  readonly words: string
}

const verdicts = {
  quota: { kind: 'quota', words: "The account's quota or balance is used up" },
  rateLimited: { kind: 'rate_limited', words: "The account's rate limit is reached" },
  overloaded: { kind: 'overloaded', words: 'The provider is overloaded' },
  auth: { kind: 'auth', words: 'The provider refuses our credential' },
  forbidden: { kind: 'auth', words: 'The account may not do this' },
  region: { kind: 'auth', words: 'The provider does not serve the country or region that we call from' },
  model: { kind: 'upstream_model_not_found', words: 'The provider has no such model, or not for this account' },
  path: { kind: 'upstream_model_not_found', words: "Nothing is served there: the base URL's path or the model's name may be wrong" },
  context: { kind: 'context_length', words: 'The request is longer than the model takes' },
  policy: { kind: 'content_policy', words: "The provider's content policy refuses the request" },
  invalid: { kind: 'invalid_request', words: 'The provider refuses the request as invalid' },
  failed: { kind: 'server_error', words: 'The provider failed' },
  timedOut: { kind: 'server_error', words: 'The provider timed out on its side' },
  conflict: { kind: 'server_error', words: 'The provider reports a conflict' },
  proxy: { kind: 'server_error', words: 'Something in front of the provider refused the request' },
} as const satisfies Readonly<Record<string, Verdict>>

export type VerdictName = keyof typeof verdicts

/** The verdicts by name. */
export const VERDICTS: Readonly<Record<VerdictName, Verdict>> = verdicts

/** Codes, types and status names that say it all, in lower case. Those that say little (`invalid_request_error`) are not here. */
const CODES: Readonly<Record<string, VerdictName>> = table({
  quota:
    'insufficient_quota billing_hard_limit_reached billing_not_active billing_error insufficient_balance insufficient_credits ' +
    'insufficient_user_quota exceeded_current_quota_error quota_exceeded payment_required credit_balance_too_low blocked_api_access arrearage',
  overloaded:
    'overloaded_error engine_overloaded engine_overloaded_error server_overloaded model_overloaded service_unavailable ' +
    'service_unavailable_error serviceunavailable unavailable unavailable_error model_capacity_exceeded no_capacity nocapacity ' +
    'service_tier_capacity_exceeded queue_exceeded slow_down insufficient_system_resource over_capacity',
  region: 'unsupported_country_region_territory unsupported_location country_not_supported',
  auth:
    'invalid_api_key incorrect_api_key incorrect_api_key_error authentication_error invalid_authentication_error unauthenticated ' +
    'unauthorized invalid_token expired_token api_key_invalid api_key_expired invalid_organization mismatched_organization ' +
    'mismatched_project organization_restricted account_deactivated account_deactivated_error no_authorization_header',
  forbidden:
    'permission_denied permission_error permission_denied_error access_denied ip_not_authorized insufficient_permissions missing_scope',
  model:
    'model_not_found model_not_found_error deploymentnotfound unknown_model invalid_model model_not_supported model_not_available ' +
    'model_decommissioned model_deprecated servicemodeldeprecating model_terms_required model_not_active resource_not_found_error model_unavailable',
  context:
    'context_length_exceeded context_window_exceeded model_context_window_exceeded exceed_context_size_error context_too_large ' +
    'input_too_long prompt_too_long max_context_length_exceeded request_too_large payload_too_large',
  policy:
    'content_filter contentfilter content_policy_violation responsibleaipolicyviolation moderation_blocked content_moderation ' +
    'content_blocked content_policy data_inspection_failed datainspectionfailed sensitive_words_detected invalid_prompt prompt_blocked ' +
    'cyber_policy_violation safety_violation image_content_policy_violation',
  rateLimited:
    'rate_limit_exceeded rate_limit_error rate_limit_reached_error rate_limited rate_limit ratelimitreached ratelimitexceeded too_many_requests ' +
    'toomanyrequests throttling throttling.ratequota requests tokens resource_exhausted',
  timedOut: 'request_timeout gateway_timeout timeout timeout_error deadline_exceeded',
})

/** What providers say where they give no code; matched in this order against lower-case text without its quotations. */
const PHRASES: readonly (readonly [RegExp, VerdictName])[] = [
  [
    /insufficient (?:quota|balance|credits?|funds)|exceeded your current quota|credit balance|(?:add|purchase|more|out of) credits|key limit exceeded|spend(?:ing)? (?:limit|cap)|billing|payment required/,
    'quota',
  ],
  [
    /maximum context|context[ _](?:length|window|size)|(?:prompt|input|message|conversation)s? (?:is|are) too (?:long|large)|available context|exceeds? the (?:maximum|max|available|limit).{0,40}tokens|maximum (?:prompt|model|input) length|model token limit|input token count|too many (?:input )?tokens|too large for model|reduce the length of/,
    'context',
  ],
  [
    /content[ _-](?:policy|filter|management|moderation)|moderation|usage polic(?:y|ies)|safety (?:system|polic|filter)|content exists risk|flagged (?:as|for|by)|inappropriate content|responsible ai/,
    'policy',
  ],
  [
    /(?:country|region|territory|location).{0,30}not (?:supported|available|allowed)|not (?:supported|available) in your (?:country|region|location)/,
    'region',
  ],
  [
    /\bmodels?\b(?:(?!param|field|option|tool|function|image|feature).){0,80}?(?:not found|not exist|doesn't exist|not available|not loaded|not served|decommissioned|deprecated|retired|no longer (?:available|supported|exists))|(?:unknown|invalid|no such|unsupported|not found the) model\b(?! (?:output|input|param))|no endpoints found|no allowed providers|not a valid model|no models? loaded|deployment.{0,60}does not exist/,
    'model',
  ],
  [
    /(?:invalid|incorrect|missing|expired|no|valid|wrong|bad) (?:\w+ )?(?:api[ -]?key|credentials?|auth(?:entication|orization)?|access token|bearer)\b|api[ -]?key (?:is |was )?(?:not valid|invalid|expired|missing|required)|unauthorized|unauthenticated|authentication (?:fail|required|error)|no auth credentials|user not found/,
    'auth',
  ],
  [
    /rate[ _-]?limit|too many requests|requests per|tokens per|throttl|quota exceeded|resource (?:has been )?exhausted|concurren\w{1,4} (?:limit|requests)/,
    'rateLimited',
  ],
  [
    /overloaded|over capacity|at capacity|capacity (?:exceeded|reached|limit)|no capacity|temporarily unavailable|server is busy|too busy|high (?:demand|load)|no available (?:server|worker|channel)|loading model|model is (?:currently )?loading|no healthy upstream/,
    'overloaded',
  ],
  [/timed? ?out|deadline exceeded/, 'timedOut'],
]

/** A limit of tokens a minute that this one request exceeds all by itself: waiting does not help, another account may. */
const TOO_LARGE = /request (?:is )?too large|reduce your message size|input or output tokens must be reduced|request entity too large/

const STATUSES: Readonly<Record<number, VerdictName>> = {
  400: 'invalid',
  401: 'auth',
  402: 'quota',
  403: 'forbidden',
  404: 'path',
  405: 'path',
  407: 'proxy',
  408: 'timedOut',
  409: 'conflict',
  410: 'model',
  413: 'context',
  429: 'rateLimited',
  503: 'overloaded',
  504: 'timedOut',
  522: 'timedOut',
  524: 'timedOut',
  529: 'overloaded',
}

/** The verdicts that a status leaves open to words; any, where it is not named. */
const LEAVES_OPEN: Readonly<Record<number, ReadonlySet<VerdictName>>> = {
  401: new Set(['quota', 'region']),
  402: new Set(),
  429: new Set(['quota', 'rateLimited', 'overloaded']),
}
const SERVER_LEAVES_OPEN: ReadonlySet<VerdictName> = new Set(['quota', 'context', 'policy', 'rateLimited', 'overloaded', 'timedOut'])

/** What the codes say, if any of them says it all. */
export function byCode(codes: readonly string[]): VerdictName | undefined {
  for (const code of codes) {
    const name = Object.hasOwn(CODES, code) ? CODES[code] : undefined
    if (name) return name
  }
  return codes.some((code) => code.startsWith('model_permission_blocked')) ? 'model' : undefined
}

/** What the words say, as far as the status leaves it open. Quotations are left out: they can be the caller's own words. */
export function byPhrase(message: string, status: number | undefined): VerdictName | undefined {
  const text = withoutQuotations(message)
  const open = status === undefined ? undefined : (LEAVES_OPEN[status] ?? (status >= 500 ? SERVER_LEAVES_OPEN : undefined))
  return PHRASES.find(([phrase, name]) => (open === undefined || open.has(name)) && phrase.test(text))?.[1]
}

/** Whether the words say that this one request is larger than a limit of the account. */
export function isTooLarge(message: string): boolean {
  return TOO_LARGE.test(withoutQuotations(message))
}

/** What a status says where nothing else was said. */
export function byStatus(status: number): VerdictName {
  return STATUSES[status] ?? (status >= 400 && status < 500 ? 'invalid' : 'failed')
}

/** The words in lower case, without what stands between quotation marks: it can be the caller's own. */
export function withoutQuotations(message: string): string {
  return message
    .toLowerCase()
    .replace(/`[^`\n]*`|"[^"\n]*"|(?<!\w)'[^'\n]*'(?!\w)/g, '…')
    .replaceAll('\n', ' ')
}

function table(rows: Partial<Record<VerdictName, string>>): Record<string, VerdictName> {
  const codes: Record<string, VerdictName> = {}
  for (const name of Object.keys(VERDICTS)) {
    if (isVerdict(name)) for (const code of (rows[name] ?? '').split(' ')) if (code) codes[code] = name
  }
  return codes
}

function isVerdict(name: string): name is VerdictName {
  return Object.hasOwn(VERDICTS, name)
}
