/** The field of a request that says how many tokens the answer has; gateways pass on what they do not know. */
export const TOKENS_FIELD = 'bench_tokens'

const ENVELOPE = '"id":"chatcmpl-CmVZ3rWpS6pXw0dQ2bYh1u8KfTnLo","object":"chat.completion.chunk","created":1770933892,"model":"bench-1"'

/** The text of an answer of so many tokens: each word is there once, so that gaps and repeats show. */
export function answerText(tokens: number): string {
  return Array.from({ length: tokens }, (_, i) => ` word${i}`).join('')
}

/** The events that stream a text: a role, one event for each word, a finish, `[DONE]`. */
export function answerEvents(text: string): string[] {
  const words = text.match(/ ?[^ ]+/g) ?? []
  return [
    event('{"role":"assistant","content":""}', 'null'),
    ...words.map((word) => event(`{"content":"${word}"}`, 'null')),
    event('{}', '"stop"'),
    'data: [DONE]\n\n',
  ]
}

/** The body of an answer that is not streamed. */
export function answerBody(tokens: number): string {
  const choices = [
    { index: 0, message: { role: 'assistant', content: answerText(tokens), refusal: null }, logprobs: null, finish_reason: 'stop' },
  ]
  const usage = { prompt_tokens: 14, completion_tokens: tokens, total_tokens: 14 + tokens }
  return JSON.stringify({
    id: 'chatcmpl-CmVZ3rWpS6pXw0dQ2bYh1u8KfTnLo',
    object: 'chat.completion',
    created: 1_770_933_892,
    model: 'bench-1',
    choices,
    usage,
  })
}

function event(delta: string, finish: string): string {
  const choice = `{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}`
  return `data: {${ENVELOPE},"service_tier":"default","system_fingerprint":null,"choices":[${choice}],"usage":null}\n\n`
}
