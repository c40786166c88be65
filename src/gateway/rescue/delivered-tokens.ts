/** The most bytes that a frame holds on average where upstreams send a token at a time. */
const TOKEN_BYTES = 12

/** An estimate of the tokens in a delivered text: its content frames where they look like one each, else a quarter of its bytes. */
export function deliveredTokens(delivered: string, contentFrames: number): number {
  const bytes = Buffer.byteLength(delivered)
  return contentFrames > 0 && bytes / contentFrames <= TOKEN_BYTES ? contentFrames : Math.ceil(bytes / 4)
}
