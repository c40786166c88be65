/** What was delivered, divided where the request to the next upstream ends. */
export interface DeliveredCore {
  /** What the next upstream is shown: without trailing white space, which some refuse, and without half a character. */
  readonly core: string
  /** The rest that the client already has; the reply may bring it again, once. */
  readonly residue: string
}

/** Divides the delivered text into what the next upstream is shown and what follows it. */
export function divideDelivered(delivered: string): DeliveredCore {
  const whole = endsInHalf(delivered) ? delivered.slice(0, -1) : delivered
  const core = whole.trimEnd()
  return { core, residue: delivered.slice(core.length) }
}

/** Whether the text ends in the first half of a surrogate pair. */
export function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
