import { describe } from 'bun:test'
import { AppError, systemClock } from '#base'
import type { Failure, ProviderKind } from '#contract'
import { createProviders } from './create-providers.ts'
import { type Act, describeProvider, type ProviderWorld } from './provider.contract.ts'
import type { UpstreamRequest } from './provider.ts'
import { RAW_STREAM_END, RAW_STREAM_HEAD, type RawBehaviour, RawUpstream, rawChunk, rawResponse } from './raw-upstream.ts'
import { type ScriptedScene, scriptedAnswer } from './scripted/script.ts'

const REFUSAL: Failure = { kind: 'rate_limited', message: "The account's rate limit is reached (429).", status: 429, retryAfterMs: 2_000 }

for (const kind of ['openai', 'openai-compatible'] as const) {
  describe(`provider of kind ${kind}`, () => describeProvider(() => createWireWorld(kind)))
}
describe('provider of kind scripted', () => describeProvider(createScriptedWorld))

async function createWireWorld(kind: ProviderKind): Promise<ProviderWorld> {
  const upstream = await RawUpstream.start((socket) => void socket.end())
  const provider = createProviders([{ id: 'p', kind, baseUrl: upstream.baseUrl, apiKey: 'k' }], { clock: systemClock, env: {} }).get('p')
  if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
  return {
    provider,
    play: (act) => upstream.behave(onWire(act)),
    async [Symbol.asyncDispose]() {
      provider.close()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

function onWire(act: Act): RawBehaviour {
  const chunk = (content: string, finish: string | null = null): Buffer =>
    rawChunk(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`)
  return (socket, request) => {
    switch (act.act) {
      case 'answer': {
        if (request.body.includes('"stream":true')) {
          socket.write(
            Buffer.concat([
              RAW_STREAM_HEAD,
              ...act.words.map((word) => chunk(word)),
              chunk('', 'stop'),
              rawChunk('data: [DONE]\n\n'),
              RAW_STREAM_END,
            ]),
          )
        } else {
          const message = { role: 'assistant', content: act.words.join('') }
          socket.write(
            rawResponse(
              200,
              { 'content-type': 'application/json' },
              JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }] }),
            ),
          )
        }
        return
      }
      case 'refuse':
        socket.write(rawResponse(429, { 'retry-after': '2' }, '{"error":{"message":"Rate limit reached"}}'))
        return
      case 'break':
        socket.write(Buffer.concat([RAW_STREAM_HEAD, ...act.after.map((word) => chunk(word))]))
        if (act.by === 'truncated') socket.end()
        else socket.write(rawChunk('data: {"error":{"type":"overloaded_error","message":"busy"}}\n\n'))
        return
      case 'silence':
        if (act.after) socket.write(Buffer.concat([RAW_STREAM_HEAD, ...act.after.map((word) => chunk(word))]))
        return
      default:
        act satisfies never
    }
  }
}

async function createScriptedWorld(): Promise<ProviderWorld> {
  let act: Act = { act: 'silence' }
  const scripts = new Map([['p', (request: UpstreamRequest) => onScript(act, request)]])
  const provider = createProviders([{ id: 'p', kind: 'scripted', baseUrl: 'scripted:' }], { clock: systemClock, env: {}, scripts }).get('p')
  if (!provider) throw new AppError('No provider was created.', { code: 'no_provider' })
  return {
    provider,
    play: (next) => {
      act = next
    },
    async [Symbol.asyncDispose]() {
      provider.close()
    },
  }
}

function onScript(act: Act, request: UpstreamRequest): ScriptedScene {
  const beginning = (words: readonly string[]): ScriptedScene['steps'] =>
    scriptedAnswer(request, words).steps.map((step) =>
      step.do === 'frames' ? { ...step, frames: step.frames.slice(0, words.length) } : step,
    )
  switch (act.act) {
    case 'answer':
      return scriptedAnswer(request, act.words)
    case 'refuse':
      return { beforeHead: [{ do: 'fail', failure: REFUSAL }], steps: [] }
    case 'break':
      return { steps: [...beginning(act.after), { do: 'fail', failure: { kind: act.by, message: 'It broke.' } }] }
    case 'silence':
      return act.after ? { steps: [...beginning(act.after), { do: 'silence' }] } : { beforeHead: [{ do: 'silence' }], steps: [] }
    default:
      return act satisfies never
  }
}
