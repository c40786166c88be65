/** A text as a header's value: visible ASCII only, everything else becomes a question mark. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1_000)
}
