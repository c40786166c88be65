/** Deeper nesting than this is not followed: the text counts as invalid. */
const MAX_DEPTH = 1_000

/** What may come next. `number` states are named for what was read last. */
type State =
  | 'value'
  | 'firstItem'
  | 'firstKey'
  | 'key'
  | 'colon'
  | 'afterValue'
  | 'string'
  | 'escape'
  | 'unicode'
  | 'literal'
  | 'minus'
  | 'zero'
  | 'digits'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponentSign'
  | 'exponentDigits'
  | 'done'
  | 'invalid'

const NUMBER_ENDS: ReadonlySet<State> = new Set(['zero', 'digits', 'fraction', 'exponentDigits'])
const LITERALS: Readonly<Record<string, string>> = { t: 'rue', f: 'alse', n: 'ull' }

/** Says, piece by piece, whether a text is a beginning of one JSON value (RFC 8259). */
export class JsonPrefix {
  #state: State = 'value'
  /** The closing brackets that are owed. */
  readonly #stack: ('}' | ']')[] = []
  #inKey = false
  /** The rest of a literal. */
  #rest = ''
  #hexDigits = 0

  /** Whether the text so far is one whole value. */
  get complete(): boolean {
    return this.#state === 'done' || (this.#stack.length === 0 && NUMBER_ENDS.has(this.#state))
  }

  /** Whether the text so far, `text` included, is a beginning of a value. Once false, it stays so. */
  push(text: string): boolean {
    for (let i = 0; i < text.length && this.#state !== 'invalid'; i++) this.#state = this.#next(text.charAt(i))
    return this.#state !== 'invalid'
  }

  #next(character: string): State {
    switch (this.#state) {
      case 'string':
        if (character === '"') return this.#stringEnd()
        if (character === '\\') return 'escape'
        return character < ' ' ? 'invalid' : 'string'
      case 'escape':
        this.#hexDigits = 0
        if (character === 'u') return 'unicode'
        return '"\\/bfnrt'.includes(character) ? 'string' : 'invalid'
      case 'unicode':
        if (!/[0-9a-fA-F]/.test(character)) return 'invalid'
        return ++this.#hexDigits === 4 ? 'string' : 'unicode'
      case 'literal':
        if (character !== this.#rest[0]) return 'invalid'
        this.#rest = this.#rest.slice(1)
        return this.#rest === '' ? this.#valueEnd() : 'literal'
      case 'invalid':
        return 'invalid'
      case 'minus':
      case 'zero':
      case 'digits':
      case 'point':
      case 'fraction':
      case 'exponent':
      case 'exponentSign':
      case 'exponentDigits':
        return this.#number(this.#state, character)
      default:
        return this.#structure(this.#state, character)
    }
  }

  #structure(state: 'value' | 'firstItem' | 'firstKey' | 'key' | 'colon' | 'afterValue' | 'done', character: string): State {
    if (character === ' ' || character === '\n' || character === '\r' || character === '\t') return state
    switch (state) {
      case 'firstItem':
        return character === ']' ? this.#close(character) : this.#value(character)
      case 'value':
        return this.#value(character)
      case 'firstKey':
        if (character === '}') return this.#close(character)
        return this.#key(character)
      case 'key':
        return this.#key(character)
      case 'colon':
        return character === ':' ? 'value' : 'invalid'
      case 'afterValue':
        if (character === ',') return this.#stack.at(-1) === '}' ? 'key' : 'value'
        return character === '}' || character === ']' ? this.#close(character) : 'invalid'
      case 'done':
        return 'invalid'
      default:
        return state satisfies never
    }
  }

  #value(character: string): State {
    if (character === '"') {
      this.#inKey = false
      return 'string'
    }
    if (character === '{' || character === '[') {
      if (this.#stack.length === MAX_DEPTH) return 'invalid'
      this.#stack.push(character === '{' ? '}' : ']')
      return character === '{' ? 'firstKey' : 'firstItem'
    }
    if (character === '-') return 'minus'
    if (character === '0') return 'zero'
    if (isDigit(character)) return 'digits'
    this.#rest = LITERALS[character] ?? ''
    return this.#rest === '' ? 'invalid' : 'literal'
  }

  #key(character: string): State {
    this.#inKey = true
    return character === '"' ? 'string' : 'invalid'
  }

  #stringEnd(): State {
    return this.#inKey ? 'colon' : this.#valueEnd()
  }

  #valueEnd(): State {
    return this.#stack.length === 0 ? 'done' : 'afterValue'
  }

  #close(bracket: '}' | ']'): State {
    return this.#stack.pop() === bracket ? this.#valueEnd() : 'invalid'
  }

  #number(
    state: 'minus' | 'zero' | 'digits' | 'point' | 'fraction' | 'exponent' | 'exponentSign' | 'exponentDigits',
    character: string,
  ): State {
    if (isDigit(character)) {
      if (state === 'minus') return character === '0' ? 'zero' : 'digits'
      if (state === 'zero') return 'invalid'
      if (state === 'digits') return 'digits'
      return state === 'point' || state === 'fraction' ? 'fraction' : 'exponentDigits'
    }
    if (character === '.') return state === 'zero' || state === 'digits' ? 'point' : 'invalid'
    if (character === 'e' || character === 'E')
      return state === 'zero' || state === 'digits' || state === 'fraction' ? 'exponent' : 'invalid'
    if (character === '+' || character === '-') return state === 'exponent' ? 'exponentSign' : 'invalid'
    if (!NUMBER_ENDS.has(state)) return 'invalid'
    return this.#structure(this.#valueEnd() === 'done' ? 'done' : 'afterValue', character)
  }
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}
