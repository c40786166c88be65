import { abortReason, type Clock, sleep } from '#base'
import { type ProviderConfig, UpstreamError } from '#contract'
import type { Frame, Provider, UpstreamRequest, UpstreamResponse } from '../provider.ts'
import { type Script, scriptedAnswer, type ScriptStep } from './script.ts'

const NO_PHASES = { dns: null, connect: null, tls: null, headers: null }

/** Answers every request with one friendly sentence. */
export const friendlyScript: Script = (request) => scriptedAnswer(request, ['This ', 'is ', 'a ', 'scripted ', 'answer.'])

/** A provider that follows a script in process, for tests and trials. It honours the signal as one on the network does. */
export function createScriptedProvider(config: ProviderConfig, script: Script, clock: Clock): Provider {
  let count = 0
  return {
    id: config.id,
    async open(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
      if (signal.aborted) throw abortReason(signal)
      const scene = script(request, ++count)
      for (const step of scene.beforeHead ?? []) await play(step, clock, signal)
      return {
        head: { status: 200, ...(scene.rateLimits && { rateLimits: scene.rateLimits }) },
        phases: NO_PHASES,
        frames: playAll(scene.steps, clock, signal),
      }
    },
    close(): void {},
  }
}

async function* playAll(steps: readonly ScriptStep[], clock: Clock, signal: AbortSignal): AsyncGenerator<readonly Frame[], undefined> {
  for (const step of steps) {
    if (step.do !== 'frames') await play(step, clock, signal)
    else if (signal.aborted) throw abortReason(signal)
    else yield step.frames
  }
}

async function play(step: ScriptStep, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw abortReason(signal)
  switch (step.do) {
    case 'wait':
      return sleep(clock, step.ms, signal)
    case 'fail':
      throw new UpstreamError(step.failure)
    case 'silence':
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(abortReason(signal)), { once: true }))
    case 'frames':
      return undefined
    default:
      return step satisfies never
  }
}
