/**
 * Where a second upstream's reply joins the text that a first one delivered. Rules, the first that fits:
 *
 * | the reply                                                | ways              | what is sent            |
 * |----------------------------------------------------------|-------------------|-------------------------|
 * | begins with all of the delivered text                    | restart           | what follows it         |
 * | does not                                                 | restart           | nothing: broken         |
 * | begins with the anchor, or has it after an introduction  | instruct          | what follows it         |
 * | has the anchor after other text                          | instruct          | nothing: broken         |
 * | begins with an end of the delivered text (`judgeOverlap`) | prefill, instruct | what follows the longest |
 * | repeats much of the delivered text, then leaves it       | prefill, instruct | nothing: broken         |
 * | declines: "I am sorry, but I cannot"                     | prefill, instruct | nothing: broken         |
 * | cannot stand there (`canFollow`)                         | prefill, instruct | nothing: broken         |
 * | is empty, and the delivered text ends within a sentence  | all               | nothing: broken         |
 * | is anything else                                         | prefill, instruct | all of it               |
 *
 * All of the delivered text is its own longest end, so that starting over needs no rule of its own. White space that ends
 * the delivered text, and half a surrogate pair, were not shown to the upstream; where the reply brings them they are left
 * out once.
 */
import type { Continuation } from '#contract'
import { matchAnchor } from './anchor.ts'
import { divideDelivered, endsInHalf } from './delivered-core.ts'
import { isOtherTelling, judgeOverlap } from './overlap.ts'
import {
  announcedContinuation,
  closingMark,
  declines,
  hasOpenFence,
  isPreamble,
  mayAnnounce,
  mayBePreamble,
  opensLikeIntroduction,
} from './preamble.ts'
import { canFollow } from './plausible.ts'
import { RepeatTracker } from './repeat-tracker.ts'
import { isComplete, startsWithLetter } from './text-shape.ts'

/** Why no honest seam exists. */
export type BrokenSeam =
  | 'different_answer'
  | 'ended_before_seam'
  | 'anchor_after_other_text'
  | 'retold'
  | 'does_not_follow'
  | 'half_character'
  | 'ambiguous'
  | 'empty_reply'

export type SeamEnd = { readonly text: string } | { readonly broken: BrokenSeam }

/** Units of the reply that are awaited before anything is decided. */
const HEAD = 16
/** How far into the reply an anchor may begin. */
const PREAMBLE = 200
/** From this length on an anchor cannot stand in other text by chance. */
const TELLING = 16

/** An anchor shorter than this is looked for at the reply's beginning only. */
const SHORTEST_TO_SEEK = 10

/** Joins one reply to the delivered text. Pure: what goes out depends only on what came in. */
export class Seam {
  readonly #delivered: string
  readonly #core: string
  readonly #way: Continuation
  readonly #anchor: string | undefined
  #repeats: RepeatTracker
  /** Whether an introduction without an anchor was left out. */
  #announced = false
  #state: 'deciding' | 'joined' | 'broken' = 'deciding'
  #reason: BrokenSeam | undefined
  /** Whether the reply has said anything. */
  #spoke = false
  /** What of the reply is held back while undecided. */
  #held: string[] = []
  #heldLength = 0
  /** Delivered characters that the upstream was not shown and that the reply has not brought yet. */
  #residue: string
  /** The first half of a surrogate pair, until the second comes. */
  #half = ''

  constructor(delivered: string, way: Continuation, anchor?: string) {
    const { core, residue } = divideDelivered(delivered)
    this.#delivered = delivered
    this.#core = core
    this.#residue = residue
    this.#way = way
    this.#anchor = anchor
    this.#repeats = new RepeatTracker(core, HEAD)
    if (delivered === '' || (core === '' && way !== 'restart')) this.#state = 'joined'
  }

  get state(): 'deciding' | 'joined' | 'broken' {
    return this.#state
  }

  /** Why the seam is broken; undefined while it is not. */
  get reason(): BrokenSeam | undefined {
    return this.#reason
  }

  /** Takes a piece of the reply; returns what may be sent now. */
  push(text: string): string {
    if (text === '' || this.#state === 'broken') return ''
    this.#spoke = true
    if (this.#state === 'joined') return this.#send(text)
    this.#held.push(text)
    this.#heldLength += text.length
    if (this.#way === 'restart') return this.#matchRestart(false)
    this.#repeats.push(text)
    return this.#decide(false)
  }

  /** The reply is over: the last text, or why there is no honest seam. */
  end(): SeamEnd {
    let text = ''
    if (this.#state === 'deciding') {
      if (this.#way === 'restart') text = this.#matchRestart(true)
      else {
        this.#repeats.end()
        text = this.#decide(true)
      }
    }
    if (!this.#reason && !this.#spoke && !(isComplete(this.#delivered) && !hasOpenFence(this.#delivered))) this.#break('empty_reply')
    if (this.#reason) return { broken: this.#reason }
    text += this.#half
    this.#half = ''
    return { text }
  }

  #matchRestart(ended: boolean): string {
    const expected = this.#delivered
    if (this.#held.length > 1 && this.#heldLength < expected.length && !ended) return this.#matchRestartPiece()
    const reply = this.#takeHeld()
    const skip = /^\s/.test(expected) ? 0 : reply.length - reply.trimStart().length
    const body = skip === 0 ? reply : reply.slice(skip)
    if (body.length >= expected.length) {
      if (!body.startsWith(expected)) return this.#break('different_answer')
      this.#residue = ''
      return this.#join(body.slice(expected.length))
    }
    if (!expected.startsWith(body)) return this.#break('different_answer')
    if (ended) return this.#break('ended_before_seam')
    this.#held = body === '' ? [] : [body]
    this.#heldLength = body.length
    return ''
  }

  /** Compares only the newest piece; those before it have been compared. */
  #matchRestartPiece(): string {
    const piece = this.#held.at(-1) ?? ''
    return this.#delivered.startsWith(piece, this.#heldLength - piece.length) ? '' : this.#break('different_answer')
  }

  #decide(ended: boolean): string {
    if (!ended && this.#repeats.pending) return ''
    const core = this.#core
    const length = this.#repeats.length
    const anchorLength = this.#anchor?.length ?? 0
    const reply = this.#held.length === 1 ? (this.#held[0] ?? '') : this.#held.join('')
    this.#held = [reply]
    const after = reply.slice(length)
    if (length > 0 && after.length < 2 && !ended) return ''
    const verdict = length === 0 ? 'chance' : judgeOverlap({ core, residue: this.#residue, length, after, way: this.#way, anchorLength })
    if (verdict === 'repeat' && (length >= anchorLength || !opensLikeIntroduction(reply))) return this.#join(after)
    const anchored = this.#anchor === undefined || this.#announced ? undefined : this.#findAnchor(reply, this.#anchor, ended)
    if (anchored !== undefined) return anchored
    if (verdict === 'repeat') return this.#join(after)
    if (verdict === 'unknown') return this.#break('ambiguous')
    for (const { start, depth } of this.#repeats.abandoned) {
      if (isOtherTelling(core, this.#residue, start, depth, this.#way)) return this.#break('retold')
    }
    if (declines(reply, core)) return this.#break('different_answer')
    if (this.#way !== 'instruct')
      return canFollow(core, this.#residue, reply, this.#way) ? this.#join(reply) : this.#break('does_not_follow')
    if (!this.#announced) {
      if (!ended && reply.length <= PREAMBLE && mayAnnounce(reply)) return ''
      const announced = announcedContinuation(reply)
      if (announced > 0) return this.#beginAgain(reply.slice(announced), ended)
    }
    return this.#follows(reply) ? this.#join(reply) : this.#break('does_not_follow')
  }

  /** Judges what follows an introduction as if it were the reply. */
  #beginAgain(reply: string, ended: boolean): string {
    this.#announced = true
    this.#held = reply === '' ? [] : [reply]
    this.#repeats = new RepeatTracker(this.#core, HEAD)
    this.#repeats.push(reply)
    if (ended) this.#repeats.end()
    return this.#decide(ended)
  }

  /** Settles a reply that has the anchor, or may yet; undefined when it has none. */
  #findAnchor(reply: string, anchor: string, ended: boolean): string | undefined {
    const first = reply.length - reply.trimStart().length
    const introduced = anchor.length >= SHORTEST_TO_SEEK && mayBePreamble(reply)
    const last = Math.min(introduced ? PREAMBLE : first, reply.length - 1)
    for (let from = Math.min(first, PREAMBLE); from <= last; from++) {
      const { matched, end } = matchAnchor(reply, from, anchor)
      if (matched === anchor.length) {
        const preamble = reply.slice(0, from)
        if (!isPreamble(preamble, this.#core)) {
          if (anchor.length < TELLING) continue
          return this.#break('anchor_after_other_text')
        }
        const mark = closingMark(preamble)
        const rest = reply.slice(end)
        if (mark === undefined) return this.#join(rest)
        // What stands in marks must be all of the anchor and nothing else: of a reply in marks nobody knows where they belong.
        if (rest.length < mark.length && !ended) return ''
        return rest.startsWith(mark) ? this.#join(rest.slice(mark.length)) : this.#break('anchor_after_other_text')
      }
      if (end === reply.length && !ended) return ''
      if (from === 0 && matched >= 12 && matched >= anchor.length / 2) return this.#break('retold')
    }
    return ended || reply.length > PREAMBLE || !introduced ? undefined : ''
  }

  /** Whether the reply can stand directly behind a letter, where there is one. */
  #follows(reply: string): boolean {
    if (this.#announced && this.#residue === '' && startsWithLetter(reply) && startsWithLetter(this.#core.slice(-1))) return false
    return canFollow(this.#core, this.#residue, reply, this.#way)
  }

  #takeHeld(): string {
    const reply = this.#held.join('')
    this.#held = []
    this.#heldLength = 0
    return reply
  }

  #join(rest: string): string {
    this.#state = 'joined'
    this.#held = []
    this.#repeats.end()
    return this.#send(rest)
  }

  #break(reason: BrokenSeam): string {
    this.#state = 'broken'
    this.#reason = reason
    this.#held = []
    return ''
  }

  /** Leaves out what the client has already, and keeps surrogate pairs together. */
  #send(text: string): string {
    let at = 0
    while (this.#residue !== '' && at < text.length) {
      if (text[at] === this.#residue[0]) {
        this.#residue = this.#residue.slice(1)
        at++
      } else if (endsInHalf(this.#residue)) return this.#break('half_character')
      else this.#residue = ''
    }
    const out = this.#half + (at === 0 ? text : text.slice(at))
    if (!endsInHalf(out)) {
      this.#half = ''
      return out
    }
    this.#half = out.slice(-1)
    return out.slice(0, -1)
  }
}
