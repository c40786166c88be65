const REMOVED = '[removed]'

/**
 * Tokens that are keys by their look: known prefixes, and what follows "key", "token" or "Bearer". What is counted is
 * bounded, so that no text makes them slow.
 */
const KEY_LIKE = [
  /\b(?:sk|pk|rk|gsk|xai|nvapi|hf|fw|csk|pplx|tgp|r8|AIza|ghp|github_pat|ya29|eyJ)[-_.A-Za-z0-9]*[-_.A-Za-z0-9*…]{6,}/g,
  /(?<=\b(?:bearer|api[ _-]?key(?: provided)?|token|secret|credential)["']?\s{0,4}[:=]?\s{0,4}["'`]?)(?=[^\s"'`]{0,200}\d)[A-Za-z0-9_\-.…+/=]{8,}/gi,
] as const

const WORD = /[^\s"'`]+/g

/** A run of this many characters of the credential is enough to give it away. */
const TELLING = 6
const LONGEST = 300

/** A provider's words without anything that could be a credential, without control characters, at most 300 characters (X1). */
export function scrub(text: string, credential?: string): string {
  // Cut first, since the text is a stranger's and can be long; a key that this cuts is still found by its start.
  let clean = withoutCredential(text.slice(0, 4_096), credential)
  for (const pattern of KEY_LIKE) clean = clean.replace(pattern, REMOVED)
  clean = clean.replace(WORD, (word) => (word.includes('***') ? REMOVED : word))
  // oxlint-disable-next-line no-control-regex
  clean = clean.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ').trim()
  if (clean.length > LONGEST) clean = `${clean.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, '')}…`
  return clean.toWellFormed()
}

/** A code or a name of a field as the provider gave it; undefined when it does not look like one. */
export function identifier(value: unknown, longest = 64): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text.length <= longest && /^[\w.:/[\]$-]+$/.test(text) ? text : undefined
}

function withoutCredential(text: string, credential: string | undefined): string {
  if (!credential) return text
  const clean = text.replaceAll(credential, REMOVED)
  if (credential.length < 12) return clean
  const parts = new Set<string>()
  for (let i = 0; i + TELLING <= credential.length; i++) parts.add(credential.slice(i, i + TELLING))
  return clean.replace(WORD, (word) => (holdsPart(word, parts) ? REMOVED : word))
}

function holdsPart(word: string, parts: ReadonlySet<string>): boolean {
  if (word === REMOVED) return false
  for (let i = 0; i + TELLING <= word.length; i++) if (parts.has(word.slice(i, i + TELLING))) return true
  return false
}
