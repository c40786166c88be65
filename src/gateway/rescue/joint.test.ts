import { describe, expect, test } from 'bun:test'
import { UpstreamError } from '#contract'
import { nothingDelivered } from './delivered.ts'
import { Joint, type JointOptions } from './joint.ts'
import { isSpent, planRescue, rescuable } from './rescue.ts'

function make(change: Partial<JointOptions>): Joint {
  return new Joint({ delivered: '', way: 'prefill', anchor: undefined, stop: undefined, json: false, ...change })
}

/** What a reply adds to what was delivered, or why it cannot. */
function join(joint: Joint, pieces: readonly string[], byItself = true): string {
  try {
    let text = ''
    for (const piece of pieces) {
      text += joint.push(piece)
      if (joint.stopped) return `${text}|stopped`
    }
    return text + joint.end(byItself)
  } catch (thrown) {
    return thrown instanceof UpstreamError ? thrown.failure.kind : String(thrown)
  }
}

describe('S2 Joint', () => {
  test('an exact continuation goes through', () => {
    expect(join(make({ delivered: 'Once upon a time there ' }), ['was a', ' miller who had three sons.'])).toBe(
      'was a miller who had three sons.',
    )
  })

  test('a restart that tells something else is not joinable', () => {
    const delivered = 'Once upon a time there was a miller'
    expect(join(make({ delivered, way: 'restart' }), [`${delivered} who had`, ' three sons.'])).toBe(' who had three sons.')
    expect(join(make({ delivered, way: 'restart' }), ['It was a dark and stormy night; the rain fell'])).toBe('not_joinable')
    expect(join(make({ delivered, way: 'restart' }), ['Once upon a time'])).toBe('not_joinable')
  })

  test('a stop sequence across the seam ends the answer before it', () => {
    expect(join(make({ delivered: 'one two EN', stop: ['END'] }), ['D three and then some more', ' and more'])).toBe('|stopped')
    expect(join(make({ delivered: 'one two three and ', stop: 'STOP' }), ['more than enough of it'])).toBe('more than enough of it')
  })

  test('JSON stays JSON, and is whole where it ended by itself', () => {
    const delivered = '{"items": ["first item", "second'
    const whole = ' item"], "count": 2}'
    expect(join(make({ delivered, json: true }), [whole])).toBe(whole)
    expect(join(make({ delivered, json: true }), [' item"]]'])).toBe('not_joinable')
    expect(join(make({ delivered, json: true }), [' item"]'])).toBe('not_joinable')
    expect(join(make({ delivered, json: true }), [' item"]'], false)).toBe(' item"]')
    expect(join(make({ delivered, json: true }), [' item"]} And that is it.'])).toBe('not_joinable')
  })
})

describe('S6 rescuable', () => {
  const request = { model: 'assistant', messages: [{ role: 'user', content: 'Tell me a tale.' }], stream: true }
  const delivered = { ...nothingDelivered(), committed: true, text: 'Once upon a time', frames: 4 }

  test('one streamed text that nothing was sent of that cannot be taken up', () => {
    expect(rescuable(request, delivered)).toBe(true)
    expect(rescuable({ ...request, n: 1, logprobs: false }, delivered)).toBe(true)
  })

  test('not several choices, log probabilities, whole answers, or behind a tool call', () => {
    expect(rescuable({ ...request, n: 2 }, delivered)).toBe(false)
    expect(rescuable({ ...request, logprobs: true }, delivered)).toBe(false)
    expect(rescuable({ ...request, stream: false }, delivered)).toBe(false)
    expect(rescuable(request, { ...delivered, final: true })).toBe(false)
  })

  test('the limit of tokens is what is left of it; used up, the answer ends there', () => {
    expect(isSpent({ ...request, max_tokens: 1_000 }, delivered)).toBe(false)
    expect(isSpent({ ...request, max_tokens: 1 }, { ...delivered, text: 'Once upon a time. '.repeat(50), frames: 200 })).toBe(true)
    const { body } = planRescue({ ...request, max_tokens: 1_000 }, delivered, 'prefill')
    expect(body['max_tokens']).toBeLessThan(1_000)
    expect(body['max_tokens']).toBeGreaterThan(900)
  })

  test('by prefill the upstream is given what was delivered as its own words; nothing of the request is lost', () => {
    const asked = { ...request, temperature: 0.2, x_unknown: [1] }
    const { body } = planRescue(asked, delivered, 'prefill')
    expect(body).toMatchObject({ temperature: 0.2, x_unknown: [1], stream: true })
    const messages = body['messages']
    expect(Array.isArray(messages) && messages.at(-1)).toMatchObject({ role: 'assistant', content: 'Once upon a time' })
    expect(request.messages).toHaveLength(1)
  })
})
