import type { FailureKind } from '#contract'

/** An error as a provider's documentation or server shows it, and what it means. */
export interface ErrorSample {
  readonly from: string
  readonly status: number
  readonly body: unknown
  readonly kind: FailureKind
}

/** A page as proxies send it. */
export const html = (title: string): string =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body><center><h1>${title}</h1></center></body></html>`

/** One sample. */
export const sample = (from: string, status: number, kind: FailureKind, body: unknown): ErrorSample => ({ from, status, kind, body })

/** An error as OpenAI writes it. */
export const openai = (message: string, type: string, code: string | null, param: string | null = null): unknown => ({
  error: { message, type, param, code },
})
