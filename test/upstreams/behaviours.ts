import { type Answer, completionOf, framesOf } from './answer.ts'
import { type Reply, type Step, type Wire, headOf, play, reply, wholeReply } from './play.ts'
import type { Behaviour } from './wire-server.ts'

export const DONE: Step = { data: '[DONE]' }

/** Answers well, as a stream or as JSON, whichever is asked for. */
export function healthy(answer: Answer, wire: Wire = {}): Behaviour {
  return (exchange) => {
    if (exchange.request.method === 'GET') return listModels(exchange)
    if (exchange.asked.stream === true) return play([...stepsOf(framesOf(answer, exchange.asked)), DONE], wire)(exchange)
    return reply({ status: 200, body: completionOf(answer, exchange.asked), ...(wire.headers ? { headers: wire.headers } : {}) })(exchange)
  }
}

/** The first frames of `answer`, or all up to its last content, then `steps`. */
export function beginning(answer: Answer, frames: number | 'content', steps: readonly Step[], wire: Wire = {}): Behaviour {
  return (exchange) => {
    const all = framesOf(answer, exchange.asked)
    const end = frames === 'content' ? all.findLastIndex((frame) => frame.includes('"content"')) + 1 : frames
    return play([...stepsOf(all.slice(0, end)), ...steps], wire)(exchange)
  }
}

/** A JSON answer of which `share` is sent before `ending`; its length is announced unless `chunked`. */
export function partOfJson(answer: Answer, share: number, ending: 'fin' | 'rst' | 'silence', chunked = false): Behaviour {
  return async (exchange) => {
    const body = Buffer.from(completionOf(answer, exchange.asked))
    const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }
    const part = body.subarray(0, Math.floor(body.length * share))
    await exchange.write(headOf(200, { 'content-type': 'application/json', ...framing }))
    await exchange.write(chunked ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]) : part)
    if (ending === 'fin') exchange.fin()
    else if (ending === 'rst') await exchange.reset()
    else await exchange.silence()
  }
}

/** One behaviour for streamed calls, one for the others. */
export function byMode(streamed: Behaviour, json: Behaviour): Behaviour {
  return (exchange) => (exchange.asked.stream === true ? streamed(exchange) : json(exchange))
}

/** Each request gets the next behaviour; the last one serves all that follow. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let turn = 0
  return (exchange) => {
    const behaviour = behaviours[Math.min(turn++, behaviours.length - 1)]
    return behaviour ? behaviour(exchange) : Promise.resolve()
  }
}

/** Waits before it does anything. */
export function after(ms: number, behaviour: Behaviour): Behaviour {
  return async (exchange) => {
    await exchange.pause(ms)
    if (!exchange.left.aborted) await behaviour(exchange)
  }
}

/** Accepts and says nothing. */
export const silent: Behaviour = (exchange) => exchange.silence()

/** RST before any byte. */
export const resetAtOnce: Behaviour = (exchange) => exchange.reset()

/** FIN before any byte. */
export const closeAtOnce: Behaviour = async (exchange) => exchange.fin()

/** A comment or a ping, at once and then every `everyMs`, for ever. */
export function pingsForEver(everyMs: number, ping: Step = { comment: 'ping' }, wire: Wire = {}): Behaviour {
  return (exchange) => play(pings(everyMs, ping), wire)(exchange)
}

/** Writes bytes that are no HTTP at all, and closes. */
export function garbage(bytes: string | Uint8Array = 'SSH-2.0-OpenSSH_9.9\r\n\u0000\u0001\u0002\u00ff'): Behaviour {
  return async (exchange) => {
    await exchange.write(bytes)
    exchange.fin()
  }
}

/** The first bytes of a reply, cut by `ending`. */
export function partOfReply(whole: Reply, bytes: number, ending: 'fin' | 'rst' | 'silence'): Behaviour {
  return async (exchange) => {
    await exchange.write(wholeReply(whole).subarray(0, bytes))
    if (ending === 'fin') exchange.fin()
    else if (ending === 'rst') await exchange.reset()
    else await exchange.silence()
  }
}

/** Each text as the data of one event. */
export function stepsOf(frames: readonly string[]): Step[] {
  return frames.map((data) => ({ data }))
}

function* pings(everyMs: number, ping: Step): Generator<Step> {
  for (;;) {
    yield ping
    yield { wait: everyMs }
  }
}

const listModels: Behaviour = reply({
  status: 200,
  body: JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model', created: 1, owned_by: 'sim' }] }),
})
