import type { FailureKind } from '#contract'
import type { Answer } from './answer.ts'
import { beginning, closeAtOnce, DONE, garbage, partOfJson, partOfReply, pingsForEver, resetAtOnce, silent, stepsOf } from './behaviours.ts'
import { framesOf } from './answer.ts'
import { play, reply, type Step, type Wire } from './play.ts'
import type { Behaviour } from './wire-server.ts'

/** A way to fail on the wire. */
export interface Fault {
  readonly name: string
  /** How the attempt's outcome may be named; the first is the best name. */
  readonly kinds: readonly FailureKind[]
  /** In which calls it can be seen. */
  readonly modes: readonly ('stream' | 'json')[]
  /** Builds the behaviour of an upstream that would have said `answer`. */
  readonly behave: (answer: Answer) => Behaviour
}

const BOTH = ['stream', 'json'] as const
const STREAM = ['stream'] as const
const JSON_ONLY = ['json'] as const

const PRETTY_ERROR = JSON.stringify({
  error: { message: 'The server had an error while processing your request.', type: 'server_error', code: null, param: null },
})
const ROLE =
  (answer: Answer): Behaviour =>
  (exchange) =>
    play([...stepsOf(framesOf(answer, exchange.asked).slice(0, 1)), 'silence'])(exchange)

/** Faults before any content was sent: another upstream's answer is whole and nobody notices. */
export const EARLY_FAULTS: readonly Fault[] = [
  { name: 'reset before the head', kinds: ['reset'], modes: BOTH, behave: () => resetAtOnce },
  { name: 'FIN before the head', kinds: ['reset', 'truncated'], modes: BOTH, behave: () => closeAtOnce },
  { name: 'accepted and silent', kinds: ['timeout_headers'], modes: BOTH, behave: () => silent },
  {
    name: 'half a head and silent',
    kinds: ['timeout_headers'],
    modes: BOTH,
    behave: () => partOfReply({ status: 200, body: '{}' }, 12, 'silence'),
  },
  {
    name: 'half a head and FIN',
    kinds: ['reset', 'truncated', 'malformed'],
    modes: BOTH,
    behave: () => partOfReply({ status: 200, body: '{}' }, 12, 'fin'),
  },
  { name: 'head and silent', kinds: ['timeout_first_token'], modes: STREAM, behave: () => play(['silence']) },
  {
    name: 'head and silent JSON',
    kinds: ['timeout_first_token', 'timeout_headers', 'timeout_stall'],
    modes: JSON_ONLY,
    behave: (answer) => partOfJson(answer, 0, 'silence'),
  },
  { name: 'role chunk and silent', kinds: ['timeout_first_token'], modes: STREAM, behave: ROLE },
  { name: 'comments for ever', kinds: ['timeout_first_token'], modes: STREAM, behave: () => pingsForEver(50) },
  {
    name: 'ping events for ever',
    kinds: ['timeout_first_token'],
    modes: STREAM,
    behave: () => pingsForEver(50, { event: 'ping', data: '{"type":"ping"}' }),
  },
  {
    name: 'empty deltas for ever',
    kinds: ['timeout_first_token'],
    modes: STREAM,
    behave: () =>
      pingsForEver(50, {
        data: '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}',
      }),
  },
  { name: 'stream that ends at once', kinds: ['truncated', 'malformed'], modes: STREAM, behave: () => play(['end']) },
  { name: 'DONE at once', kinds: ['truncated', 'malformed'], modes: STREAM, behave: () => play([DONE]) },
  { name: 'error in the first event', kinds: ['server_error'], modes: STREAM, behave: () => play([{ data: PRETTY_ERROR }, 'end']) },
  {
    name: 'error in the first event, then DONE',
    kinds: ['server_error'],
    modes: STREAM,
    behave: () => play([{ data: PRETTY_ERROR }, DONE]),
  },
  {
    name: 'event: error first',
    kinds: ['server_error', 'overloaded'],
    modes: STREAM,
    behave: () => play([{ event: 'error', data: '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' }, 'end']),
  },
  {
    name: 'event: error with plain text',
    kinds: ['server_error', 'malformed'],
    modes: STREAM,
    behave: () => play([{ event: 'error', data: 'upstream connect error' }, 'end']),
  },
  {
    name: 'role chunk, then an error',
    kinds: ['server_error'],
    modes: STREAM,
    behave: (answer) => beginning(answer, 1, [{ data: PRETTY_ERROR }, 'end']),
  },
  { name: 'garbage instead of HTTP', kinds: ['malformed'], modes: BOTH, behave: () => garbage() },
  {
    name: 'garbage in the stream',
    kinds: ['malformed'],
    modes: STREAM,
    behave: () => play([{ raw: '\u0000\u0001 not an event \u0007\n\n' }, { raw: 'data: \u0000\u0001\n\n' }, 'end']),
  },
  {
    name: 'broken chunk framing',
    kinds: ['malformed', 'truncated'],
    modes: BOTH,
    behave: () => garbage('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\nhello\r\n'),
  },
  {
    name: 'malformed JSON in the first frame',
    kinds: ['malformed'],
    modes: STREAM,
    behave: () => play([{ data: '{"choices":[{"delta":{"content":"x' }, 'end']),
  },
  {
    name: 'HTML with status 200',
    kinds: ['malformed', 'server_error'],
    modes: BOTH,
    behave: () => reply({ status: 200, contentType: 'text/html', body: '<html><body>Please sign in to the Wi-Fi</body></html>' }),
  },
  { name: 'error JSON with status 200', kinds: ['server_error'], modes: BOTH, behave: () => reply({ status: 200, body: PRETTY_ERROR }) },
  { name: 'empty body with status 200', kinds: ['malformed', 'truncated'], modes: BOTH, behave: () => reply({ status: 200, body: '' }) },
  {
    name: '204 without a body',
    kinds: ['malformed', 'server_error', 'truncated'],
    modes: BOTH,
    behave: () => garbage('HTTP/1.1 204 No Content\r\n\r\n'),
  },
  {
    name: 'JSON without choices',
    kinds: ['malformed'],
    modes: JSON_ONLY,
    behave: () => reply({ status: 200, body: '{"id":"x","object":"chat.completion","created":1,"model":"m"}' }),
  },
  {
    name: 'JSON with no choice',
    kinds: ['malformed'],
    modes: JSON_ONLY,
    behave: () => reply({ status: 200, body: '{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[]}' }),
  },
  { name: 'JSON null', kinds: ['malformed'], modes: JSON_ONLY, behave: () => reply({ status: 200, body: 'null' }) },
  { name: 'half a JSON body and FIN', kinds: ['truncated'], modes: JSON_ONLY, behave: (answer) => partOfJson(answer, 0.5, 'fin') },
  { name: 'half a JSON body and RST', kinds: ['truncated', 'reset'], modes: JSON_ONLY, behave: (answer) => partOfJson(answer, 0.5, 'rst') },
  {
    name: 'half a JSON body and silent',
    kinds: ['timeout_stall', 'timeout_headers', 'timeout_first_token'],
    modes: JSON_ONLY,
    behave: (answer) => partOfJson(answer, 0.5, 'silence'),
  },
  {
    name: 'white space for ever in place of JSON',
    kinds: ['timeout_stall', 'timeout_headers', 'timeout_first_token'],
    modes: JSON_ONLY,
    behave: () => pingsForEver(50, { raw: '\n' }, { headers: { 'content-type': 'application/json' } }),
  },
  {
    name: 'half a chunked JSON body and FIN',
    kinds: ['truncated'],
    modes: JSON_ONLY,
    behave: (answer) => partOfJson(answer, 0.5, 'fin', true),
  },
  {
    name: 'whole chunked JSON body without the last chunk',
    kinds: ['truncated'],
    modes: JSON_ONLY,
    behave: (answer) => partOfJson(answer, 1, 'fin', true),
  },
  {
    name: 'JSON that is cut but announced so',
    kinds: ['malformed', 'truncated'],
    modes: JSON_ONLY,
    behave: () => reply({ status: 200, body: '{"id":"x","choices":[{"index":0,"message":{"role":"assist' }),
  },
  {
    name: 'redirect 302',
    kinds: ['redirect'],
    modes: BOTH,
    behave: () => reply({ status: 302, headers: { location: 'http://127.0.0.1:9/v1/chat/completions' } }),
  },
  {
    name: 'redirect 307',
    kinds: ['redirect'],
    modes: BOTH,
    behave: () => reply({ status: 307, headers: { location: 'http://127.0.0.1:9/v1/chat/completions' } }),
  },
  {
    name: '1 MB of headers',
    kinds: ['malformed', 'too_large'],
    modes: BOTH,
    behave: () =>
      reply({
        status: 200,
        body: '{}',
        headers: Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`x-fill-${i}`, 'y'.repeat(1_000)])),
      }),
  },
  {
    name: '100 Continue, then silent',
    kinds: ['timeout_headers'],
    modes: BOTH,
    behave: () => async (exchange) => {
      await exchange.write('HTTP/1.1 100 Continue\r\n\r\n')
      await exchange.silence()
    },
  },
]

/** Frames of the answer, a moment for them to arrive, then the fault. */
function late(answer: Answer, frames: number | 'content', steps: readonly Step[], wire: Wire = {}): Behaviour {
  return beginning(answer, frames, [{ wait: 20 }, ...steps], wire)
}

/** Faults after some of the text was sent. `frames` counts the role chunk. */
export const LATE_FAULTS: readonly Fault[] = [
  { name: 'RST in the middle', kinds: ['reset', 'truncated'], modes: STREAM, behave: (answer) => late(answer, 4, ['rst']) },
  { name: 'FIN without the last chunk', kinds: ['truncated', 'reset'], modes: STREAM, behave: (answer) => late(answer, 4, ['fin']) },
  {
    name: 'FIN of an unframed body',
    kinds: ['truncated'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, ['fin'], { framing: 'close' }),
  },
  { name: 'clean end without a finish', kinds: ['truncated'], modes: STREAM, behave: (answer) => late(answer, 4, ['end']) },
  { name: 'DONE without a finish', kinds: ['truncated'], modes: STREAM, behave: (answer) => late(answer, 4, [DONE, 'end']) },
  { name: 'whole text, DONE, no finish', kinds: ['truncated'], modes: STREAM, behave: (answer) => late(answer, 'content', [DONE, 'end']) },
  { name: 'stall', kinds: ['timeout_stall'], modes: STREAM, behave: (answer) => late(answer, 4, ['silence']) },
  {
    name: 'stall with comments',
    kinds: ['timeout_stall'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, Array.from({ length: 100 }, () => [{ comment: 'ping' } as const, { wait: 40 } as const]).flat()),
  },
  {
    name: 'malformed JSON in the middle',
    kinds: ['malformed'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ data: '{"choices":[{"delta":{"content":' }, ...stepsOf(['{"choices":[]}']), 'end']),
  },
  {
    name: 'truncated JSON frame at the end',
    kinds: ['malformed', 'truncated'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ raw: 'data: {"id":"chatcmpl-sim","choices":[{"index":0,"del' }, 'end']),
  },
  {
    name: 'invalid UTF-8',
    kinds: ['malformed'],
    modes: STREAM,
    behave: (answer) =>
      late(answer, 4, [
        {
          raw: Buffer.concat([
            Buffer.from(
              'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"',
            ),
            Buffer.from([0xff, 0xfe, 0xc3]),
            Buffer.from('"},"finish_reason":null}]}\n\n'),
          ]),
        },
        'end',
      ]),
  },
  {
    name: 'frame that is no chunk',
    kinds: ['malformed'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ data: '"hello"' }, 'end']),
  },
  {
    name: 'HTML in the middle',
    kinds: ['malformed'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ raw: 'data: <html>502 Bad Gateway</html>\n\n' }, 'end']),
  },
  {
    name: 'error object in a later event',
    kinds: ['server_error'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ data: PRETTY_ERROR }, 'end']),
  },
  {
    name: 'error object in a later event, then DONE',
    kinds: ['server_error'],
    modes: STREAM,
    behave: (answer) => late(answer, 4, [{ data: PRETTY_ERROR }, DONE, 'end']),
  },
  {
    name: 'event: error later',
    kinds: ['overloaded', 'server_error'],
    modes: STREAM,
    behave: (answer) =>
      late(answer, 4, [{ event: 'error', data: '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' }, 'end']),
  },
  {
    name: 'finish_reason error',
    kinds: ['server_error'],
    modes: STREAM,
    behave: (answer) =>
      late(answer, 4, [
        {
          data: '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}',
        },
        DONE,
      ]),
  },
]
