/** Up to `most` of the candidates that look like `word`, nearest first (edit distance at most a third of its length, or a shared start). */
export function nearest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const wanted = word.slice(0, 128).toLowerCase()
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  const scored: { candidate: string; distance: number }[] = []
  for (const candidate of candidates) {
    const text = candidate.toLowerCase()
    const related = wanted.length >= 3 && (text.includes(wanted) || wanted.includes(text))
    const distance = related ? 1 : editDistance(wanted, text)
    if (distance <= limit) scored.push({ candidate, distance })
  }
  return scored
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map((entry) => entry.candidate)
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
