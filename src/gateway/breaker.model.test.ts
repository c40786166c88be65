import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { ManualClock } from '#base'
import type { Breaker, Failure, Retries, Route, RouteUpstream } from '#contract'
import { Availability, type Permit } from './availability.ts'

const POLICY: Breaker = { failures: 3, window: 10_000, share: 0.6, minimum: 6, cooldown: 1_000, maxCooldown: 4_000 }
const RETRIES: Retries = { perUpstream: 1, budget: 0.2 }
const UPSTREAM: RouteUpstream = { id: 'a/m', provider: 'a', model: 'm', weight: 1, continuation: 'instruct' }
const ROUTE: Route = {
  model: 'm',
  named: true,
  upstreams: [UPSTREAM],
  balance: 'order',
  deadlines: {},
  retries: RETRIES,
  breaker: POLICY,
  rescue: 'auto',
}
const FAILED: Failure = { kind: 'server_error', message: 'It broke.', status: 500 }

/** What must be true of any breaker: the times of its stages, and which attempts belong to the present one. */
interface Model {
  stage: number
  state: 'closed' | 'open' | 'half-open'
  openedAt: number
  cooldown: number
  inARow: number
  probes: number
}

interface Real {
  readonly clock: ManualClock
  readonly availability: Availability
  readonly flying: { readonly permit: Permit; readonly stage: number }[]
}

class Enter implements fc.Command<Model, Real> {
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    const now = real.clock.monotonic()
    const wait = real.availability.availableIn(UPSTREAM)
    const due = model.openedAt + model.cooldown
    if (model.state === 'closed') expect(wait).toBe(0)
    if (model.state === 'open') expect(wait).toBe(Math.max(0, due - now))
    if (model.state === 'half-open') expect(wait).toBe(model.probes === 0 ? 0 : Infinity)
    if (wait > 0) return
    if (model.state === 'open') {
      model.state = 'half-open'
      model.stage++
    }
    if (model.state === 'half-open') model.probes++
    expect(model.probes).toBeLessThanOrEqual(1)
    real.flying.push({ permit: real.availability.admit(UPSTREAM, ROUTE), stage: model.stage })
  }
  toString(): string {
    return 'enter'
  }
}

class End implements fc.Command<Model, Real> {
  readonly #pick: number
  readonly #how: 'ok' | 'neutral' | 'failed'

  constructor(pick: number, how: 'ok' | 'neutral' | 'failed') {
    this.#pick = pick
    this.#how = how
  }
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    const [flight] = real.flying.splice(this.#pick % Math.max(1, real.flying.length), 1)
    if (!flight) return
    flight.permit.done(this.#how === 'failed' ? FAILED : this.#how)
    const after = real.availability.states(UPSTREAM).upstream
    if (flight.stage !== model.stage) expect(after).toBe(model.state)
    else if (model.state === 'half-open') this.#endProbe(model, real)
    else if (this.#how !== 'neutral') this.#endUsual(model, real, after)
    expect(real.availability.states(UPSTREAM)).toEqual({ upstream: model.state, account: 'closed' })
  }
  #endProbe(model: Model, real: Real): void {
    model.probes = 0
    if (this.#how === 'neutral') return
    model.stage++
    model.inARow = 0
    model.state = this.#how === 'ok' ? 'closed' : 'open'
    model.openedAt = real.clock.monotonic()
    model.cooldown = Math.min(model.cooldown * 2, POLICY.maxCooldown)
  }
  #endUsual(model: Model, real: Real, after: string): void {
    model.inARow = this.#how === 'ok' ? 0 : model.inARow + 1
    if (model.inARow >= POLICY.failures) expect(after).toBe('open')
    // The share may have opened it before, but only at a failure.
    if (after !== 'open') return
    expect(this.#how).toBe('failed')
    Object.assign(model, { state: 'open', stage: model.stage + 1, openedAt: real.clock.monotonic(), cooldown: POLICY.cooldown, inARow: 0 })
  }
  toString(): string {
    return `end(${this.#pick}, ${this.#how})`
  }
}

class Wait implements fc.Command<Model, Real> {
  readonly #ms: number

  constructor(ms: number) {
    this.#ms = ms
  }
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    real.clock.advance(this.#ms)
    // Rows that the window may have begun to forget are not followed up to their end.
    if (model.state === 'closed') model.inARow = 0
  }
  toString(): string {
    return `wait(${this.#ms})`
  }
}

test('F4 whatever happens in whatever order: one probe at a time, none before its time, and nothing from before an opening counts', () => {
  const commands = fc.commands(
    [
      fc.constant(new Enter()),
      fc.constant(new Enter()),
      fc.tuple(fc.nat(9), fc.constantFrom('ok', 'neutral', 'failed', 'failed')).map(([pick, how]) => new End(pick, how)),
      fc.tuple(fc.nat(9), fc.constantFrom('ok', 'failed', 'failed')).map(([pick, how]) => new End(pick, how)),
      fc.constantFrom(1, 500, 1_000, 2_000, 4_000).map((ms) => new Wait(ms)),
    ],
    { maxCommands: 80, size: 'max' },
  )
  fc.assert(
    fc.property(commands, (all) => {
      const clock = new ManualClock()
      const setup = (): { model: Model; real: Real } => ({
        model: { stage: 0, state: 'closed', openedAt: 0, cooldown: POLICY.cooldown, inARow: 0, probes: 0 },
        real: { clock, availability: new Availability(clock), flying: [] },
      })
      fc.modelRun(setup, all)
    }),
    { numRuns: 1_000 },
  )
})
