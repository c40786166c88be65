import type { ChatRequest, Deadlines } from '#contract'

/** Deadlines of one attempt, ms, each counted as its name says; `total` is the whole call's. */
export interface StagedDeadlines {
  readonly connect: number
  readonly headers: number
  /** From the attempt's start. */
  readonly firstToken: number
  /** Between two tokens. */
  readonly stall: number
  readonly total: number
}

const COMMON = { connect: 2_000, total: 600_000 }
const STREAMED: StagedDeadlines = { ...COMMON, headers: 15_000, firstToken: 30_000, stall: 20_000 }
const WHOLE: StagedDeadlines = { ...COMMON, headers: 120_000, firstToken: 120_000, stall: 20_000 }
const REASONING: StagedDeadlines = { ...COMMON, headers: 120_000, firstToken: 120_000, stall: 60_000 }

/** Names of models that think before they speak, whoever serves them. */
const REASONS = /(^|[/:_.-])(o[1-9]\d*|gpt-5|r1|qwq|magistral|grok-[34]-mini|grok-4)([/:_.-]|$)|reason|think/i

/** The deadlines for one attempt of a call at a model: what the document says, else what fits this kind of call. */
export function deadlinesFor(written: Deadlines, model: string, request: ChatRequest): StagedDeadlines {
  const reasons = REASONS.test(model) || (typeof request.reasoning_effort === 'string' && request.reasoning_effort !== 'none')
  const defaults = request.stream !== true ? WHOLE : reasons ? REASONING : STREAMED
  const stall = reasons ? REASONING.stall : defaults.stall
  return { ...defaults, stall, ...written }
}
