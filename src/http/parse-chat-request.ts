import { messageOf } from '#base'
import type { ChatRequest } from '#contract'
import { HttpError } from './http-error.ts'

/** Levels of nesting that are read; real requests stay below 40. */
const DEEPEST = 256

/** Characters of a model's name. */
const LONGEST_MODEL = 256

const HTTP_METHOD_HINT = 'Send one JSON object, with `content-type: application/json`.'

/** Checks of the fields that we read; everything else is for the upstream to judge. */
const FIELDS: Readonly<Record<string, { readonly expected: string; readonly fits: (value: unknown) => boolean }>> = {
  stream: { expected: 'true or false', fits: isBoolean },
  n: { expected: 'a whole number from 1 to 128', fits: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 128 },
  max_tokens: { expected: 'a whole number of at least 1', fits: isCount },
  max_completion_tokens: { expected: 'a whole number of at least 1', fits: isCount },
  logprobs: { expected: 'true or false', fits: isBoolean },
  stop: { expected: 'a string or a list of strings', fits: isStop },
  tools: { expected: 'a list', fits: Array.isArray },
  response_format: { expected: 'an object', fits: isObject },
  reasoning_effort: { expected: 'a string', fits: (value) => typeof value === 'string' },
  stream_options: { expected: 'an object', fits: isObject },
}

/** Reads a chat request. Throws 400 with the field, what was found and what was expected. */
export function parseChatRequest(body: string): ChatRequest {
  const parsed = parseJson(body)
  if (!isObject(parsed)) throw invalid(`The body is ${describe(parsed)}, expected an object.`, undefined, HTTP_METHOD_HINT)
  if (isTooDeep(parsed)) throw invalid(`The body is nested more than ${DEEPEST} levels deep.`)
  const { model, messages } = parsed
  if (typeof model !== 'string' || model === '') throw wrong('model', model, 'the name of a model')
  if (model.length > LONGEST_MODEL) throw invalid(`\`model\` has ${model.length} characters, expected at most ${LONGEST_MODEL}.`, 'model')
  if (!Array.isArray(messages) || messages.length === 0) throw wrong('messages', messages, 'a list with at least one message')
  const odd = messages.findIndex((message) => !isObject(message))
  if (odd !== -1) throw wrong(`messages[${odd}]`, messages[odd], 'an object')
  for (const name in FIELDS) {
    const value = parsed[name]
    const field = FIELDS[name]
    if (value !== undefined && value !== null && field && !field.fits(value)) throw wrong(name, value, field.expected)
  }
  return { ...parsed, model, messages }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    const what =
      body.trim() === '' ? 'The body is empty.' : `The body is not valid JSON (${messageOf(error).replace(/^JSON Parse error: /, '')}).`
    throw invalid(what, undefined, HTTP_METHOD_HINT)
  }
}

/** Walks without recursion, so that depth costs no stack. */
function isTooDeep(root: object): boolean {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return true
    const next: unknown[] = []
    for (const node of level) {
      for (const child of Array.isArray(node) ? node : Object.values(node as object)) {
        if (typeof child === 'object' && child !== null) next.push(child)
      }
    }
    level = next
  }
  return false
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1
}

function isStop(value: unknown): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.every((entry) => typeof entry === 'string'))
}

function wrong(param: string, found: unknown, expected: string): HttpError {
  return invalid(`\`${param}\` is ${describe(found)}, expected ${expected}.`, param)
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'string' ? (value === '' ? 'empty' : 'a string') : 'an object'
}

function invalid(message: string, param?: string, remedy?: string): HttpError {
  return new HttpError(message, {
    status: 400,
    code: 'invalid_request',
    ...(param === undefined ? {} : { param }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}
