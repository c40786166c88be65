/** The fields of an OpenAI chat request that we read. All others are passed on untouched. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly unknown[]
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_usage?: boolean | null } | null
  readonly n?: number | null
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
  readonly stop?: string | readonly string[] | null
  readonly logprobs?: boolean | null
  readonly response_format?: { readonly type?: string } | null
  readonly reasoning_effort?: string | null
  readonly tools?: readonly unknown[] | null
}

export interface Usage {
  readonly prompt_tokens?: number | null
  readonly completion_tokens?: number | null
  readonly total_tokens?: number | null
}

/** A piece of a tool call; pieces of one call share `index`. */
export interface ToolCallDelta {
  readonly index?: number
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null
}

export interface ChunkChoice {
  readonly index?: number
  readonly delta?: {
    readonly role?: string | null
    readonly content?: string | null
    readonly refusal?: string | null
    /** DeepSeek, xAI, vLLM; others call it `reasoning`. */
    readonly reasoning_content?: string | null
    readonly reasoning?: string | null
    readonly tool_calls?: readonly ToolCallDelta[] | null
    /** The older form of a tool call. */
    readonly function_call?: unknown
  } | null
  readonly finish_reason?: string | null
  readonly logprobs?: unknown
}

/** One chunk of a streamed answer (https://platform.openai.com/docs/api-reference/chat-streaming). */
export interface ChatChunk {
  readonly id?: string
  readonly object?: string
  readonly created?: number
  readonly model?: string
  readonly choices?: readonly ChunkChoice[] | null
  readonly usage?: Usage | null
}

/** A whole answer. */
export interface ChatCompletion {
  readonly id?: string
  readonly model?: string
  readonly choices: readonly { readonly finish_reason?: string | null; readonly message?: unknown }[]
  readonly usage?: Usage | null
}
