/** Where something that must not be shown stands in a text. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** What credentials look like, wherever they stand: the well-known prefixes, bearer tokens, JWTs, private keys, passwords and keys in URLs. */
const CREDENTIAL = new RegExp(
  [
    '(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}',
    '(?<![A-Za-z0-9])(?:gsk_|hf_|r8_|xai-|pplx-|ghp_|nvapi-|fw_|csk-|AIza|AKIA)[A-Za-z0-9_-]{16,}',
    '\\bBearer\\s{1,4}[A-Za-z0-9._~+/=-]{8,}',
    '(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,200}\\.[A-Za-z0-9_-]{8,}',
    '-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----',
    '://[^\\s/?#"\'@:]{0,200}:[^\\s/?#"\'@$]{1,200}@',
    '[?&](?:api[-_]?key|key|token|access_token|sig|signature|secret)=[^&\\s"\'$]{6,}',
  ].join('|'),
  'gi',
)

/** The same, for text that is about to be shown: rather too careful than too late. */
const SUSPICIOUS =
  /(?<![A-Za-z0-9])(?:sk|pk|gsk|xai|ghp|hf|AIza|AKIA)[-_]?[A-Za-z0-9_-]{6,}|Bearer\s|PRIVATE KEY|[A-Fa-f0-9]{24,}|@.*:|:.*@/
const UNBROKEN = /[A-Za-z0-9+=_]{28,}/

const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}$/
const CREDENTIAL_LINE =
  /((?:key|secret|(?<!first)token|password|passwd|authorization|credentials?)["']?\s{0,10}:\s{0,10})(?!\d+\s*[,}]|["']?\$\{[A-Za-z0-9_]+\}["']?\s*(?:[,}#]|$))\S.*$/i

/** The variable that `${NAME}` names; undefined for every other text. */
export function referenceName(text: string): string | undefined {
  return REFERENCE.exec(text)?.[1]
}

/** Everything in a text that looks like a credential, comments included. */
export function findCredentials(text: string): TextRange[] {
  return [...text.matchAll(CREDENTIAL)].map((match) => ({ start: match.index, end: match.index + match[0].length }))
}

/** A value as messages show it: short, on one line, never what may be a credential. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return describeText(value)
  return `\`${String(value)}\``
}

/** A text as messages show it. */
export function describeText(text: string): string {
  if (text === '') return 'an empty text'
  const start = text.slice(0, 2_000)
  if (findCredentials(start).length > 0 || SUSPICIOUS.test(start) || UNBROKEN.test(start))
    return 'a text that is not shown, since it may be a credential'
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  // oxlint-disable-next-line no-control-regex
  return `\`${short.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => JSON.stringify(character).slice(1, -1)).replaceAll('`', "'")}\``
}

/** A line with everything masked that is in `hidden`, looks like a credential, or follows a key that is called like one. */
export function maskLine(line: string, hidden: readonly TextRange[]): string {
  let masked = line
  for (const range of [...hidden, ...findCredentials(line)].toSorted((a, b) => b.start - a.start)) {
    masked = masked.slice(0, Math.max(0, range.start)) + '•••' + masked.slice(Math.max(0, range.end))
  }
  return masked.replace(CREDENTIAL_LINE, '$1•••')
}

const SECTION = /(?:^|[\s{,])["']?(providers|models|limits)["']?\s{0,10}:/gm
const WORD = /\$\{\w{1,128}\}|([^\s{}[\],"':#]+(?::\/\/[^\s{}[\],"']+)?)(["']?\s{0,10}:(?!\/\/))?/g
const PUBLIC_KEYS: ReadonlySet<string> = new Set(['kind', 'baseUrl'])

/** Where a text names its sections, and which. */
export function findSections(text: string): { start: number; name: string }[] {
  return [...text.matchAll(SECTION)].map((match) => ({ start: match.index + match[0].indexOf(match[1] ?? ''), name: match[1] ?? '' }))
}

/** Whether a line is about providers: there, what is wrong may well be a credential out of place. */
export function isAboutProviders(sections: readonly { start: number; name: string }[], lineStart: number, lineEnd: number): boolean {
  let last = 'providers'
  for (const { start, name } of sections) {
    if (start >= lineEnd) break
    if (start >= lineStart && name === 'providers') return true
    last = name
  }
  return last === 'providers'
}

/** A line about providers with everything masked but keys, references, kinds and addresses. */
export function maskProviderLine(line: string): string {
  let key = ''
  const comment = line.search(/(?:^|\s)#/)
  const code = comment === -1 ? line : line.slice(0, comment + 1)
  const masked = code.replace(WORD, (all: string, word: string | undefined, colon: string | undefined) => {
    if (word === undefined || !/[A-Za-z0-9]/.test(word)) return all
    if (colon !== undefined) {
      key = word
      return all
    }
    const shown = PUBLIC_KEYS.has(key) && describeText(word).startsWith('`')
    key = ''
    return shown ? all : '•••'
  })
  return comment === -1 ? masked : `${masked}# …`
}
