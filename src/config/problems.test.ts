import { describe, expect, test } from 'bun:test'
import { loadDocument } from './index.ts'
import type { ConfigProblem } from './problem.ts'

const ENV = { OPENAI_API_KEY: 'test-one', MISTRAL_API_KEY: 'test-two', BLANK: ' ', BROKEN: 'two words' }

/** A valid document in which one line can be replaced. */
const LINES = [
  'providers:',
  '  openai: { kind: openai, apiKey: "${OPENAI_API_KEY}" }',
  '  near: { kind: openai-compatible, baseUrl: "http://127.0.0.1:11434/v1" }',
  'models:',
  '  assistant:',
  '    upstreams:',
  '      - openai/gpt-5-mini',
  '      - { upstream: near/llama3.2, continuation: prefill }',
  '    breaker: { cooldown: 1s }',
  'limits: { wait: 5s }',
]

function problemsOf(lines: readonly string[]): readonly ConfigProblem[] {
  return loadDocument({ file: '/etc/holdfast/holdfast.yaml', content: new TextEncoder().encode(lines.join('\n')), environment: ENV, loadedAt: 0 }).problems
}

function withLine(line: number, text: string): string[] {
  return LINES.with(line - 1, text)
}

test('C1: the document that the table below breaks is valid', () => {
  expect(problemsOf(LINES)).toEqual([])
})

/** The line that is replaced, its new text, the code, the place (line:column), and the message. */
const TABLE: readonly (readonly [line: number, text: string, code: string, place: string, message: string])[] = [
  [7, '      - anthropc/claude', 'unknown_provider', '7:9', 'Refused: `models.assistant.upstreams[0]` names `anthropc`, which is not under `providers`. Add it there, or remove this upstream. (holdfast.yaml:7)'],
  [7, '      - opnai/gpt', 'unknown_provider', '7:9', 'Refused: `models.assistant.upstreams[0]` names `opnai`, which is not under `providers`. Did you mean `openai`? (holdfast.yaml:7)'],
  [8, '      - { upstream: nera/llama }', 'unknown_provider', '8:21', 'Refused: `models.assistant.upstreams[1].upstream` names `nera`, which is not under `providers`. Did you mean `near`? (holdfast.yaml:8)'],
  [8, '      - openai/gpt-5-mini', 'duplicate_upstream', '8:9', 'Refused: `models.assistant.upstreams[1]` names `openai/gpt-5-mini`, as `upstreams[0]` does. Remove one; `retries.perUpstream` says how often one is tried. (holdfast.yaml:8)'],
  [8, '      - gpt-5', 'bad_upstream', '8:9', 'Refused: `models.assistant.upstreams[1]` is `gpt-5`, expected `provider/model`. Write the name of a provider, a slash, and its name for the model. (holdfast.yaml:8)'],
  [8, '      - 5', 'wrong_type', '8:9', 'Refused: `models.assistant.upstreams[1]` is `5`, expected `provider/model`, or a map with `upstream`. Write `- provider/model`. (holdfast.yaml:8)'],
  [8, '      - { weight: 2 }', 'missing_key', '8:9', 'Refused: `models.assistant.upstreams[1].upstream` is missing, expected `provider/model`. Write the name of a provider, a slash, and its name for the model. (holdfast.yaml:8)'],
  [8, '      - { upstream: near/a, weight: 0 }', 'out_of_range', '8:37', 'Refused: `models.assistant.upstreams[1].weight` is `0`, expected a number from 0.001 to 1000000. Write a larger value. (holdfast.yaml:8)'],
  [8, '      - { upstream: near/a, weight: .nan }', 'bad_number', '8:37', 'Refused: `models.assistant.upstreams[1].weight` is `NaN`, expected a number from 0.001 to 1000000. Write it as digits, without quotes. (holdfast.yaml:8)'],
  [8, '      - { upstream: near/a, context: 1.5 }', 'bad_number', '8:38', 'Refused: `models.assistant.upstreams[1].context` is `1.5`, expected a whole number from 1 to 1000000000. Write it without quotes and without a fraction. (holdfast.yaml:8)'],
  [8, '      - { upstream: near/a, continuation: prefil }', 'bad_choice', '8:43', 'Refused: `models.assistant.upstreams[1].continuation` is `prefil`, expected one of `prefill`, `instruct`, `restart`. Did you mean `prefill`? (holdfast.yaml:8)'],
  [9, '    breaker: { cooldown: 10s }', 'contradiction', '9:26', 'Refused: `models.assistant.breaker.cooldown` makes `cooldown` (`10s`) longer than `maxCooldown` (5s, the default). Write a shorter `cooldown` or a longer `maxCooldown`. (holdfast.yaml:9)'],
  [9, '    breaker: { cooldown: 0s }', 'out_of_range', '9:26', 'Refused: `models.assistant.breaker.cooldown` is `0s`, expected a duration such as `250ms`, `2s`, `10m` or `1h`, from 1 ms to 60 min. Write a larger value. (holdfast.yaml:9)'],
  [9, '    breaker: { share: 120% }', 'bad_share', '9:23', 'Refused: `models.assistant.breaker.share` is `120%`, expected a share from 1% to 100%. Write it with a per cent sign, such as `20%`. (holdfast.yaml:9)'],
  [9, '    breaker: { failures: 0 }', 'out_of_range', '9:26', 'Refused: `models.assistant.breaker.failures` is `0`, expected a whole number from 1 to 1000000. Write a larger value. (holdfast.yaml:9)'],
  [9, '    breaker:', 'wrong_type', '9:5', 'Refused: `models.assistant.breaker` is empty, expected a map. Fill it in, or remove the key. (holdfast.yaml:9)'],
  [9, '    balanc: order', 'unknown_key', '9:5', 'Refused: `models.assistant.balanc` is not a known key. Did you mean `balance`? (holdfast.yaml:9)'],
  [9, '    wait: 5s', 'unknown_key', '9:5', 'Refused: `models.assistant.wait` is not a known key. It belongs under `limits`. (holdfast.yaml:9)'],
  [9, '    <<: *x', 'unknown_key', '9:5', 'Refused: `models.assistant["<<"]` is not a known key. Merge keys are not part of YAML 1.2; write the keys out. (holdfast.yaml:9)'],
  [9, '    deadlines: { total: 1s, stall: 2s }', 'contradiction', '9:36', 'Warning: `models.assistant.deadlines.stall` is longer than `total`, so it can never be reached. Write a shorter time, or a longer `total`. (holdfast.yaml:9)'],
  [9, '    deadlines: { headers: 15 }', 'bad_duration', '9:27', 'Refused: `models.assistant.deadlines.headers` is `15`, expected a duration such as `250ms`, `2s`, `10m` or `1h`. Write a number and its unit: `250ms`, `2s`, `10m` or `1h`. (holdfast.yaml:9)'],
  [9, '    deadlines: { headers: -1s }', 'bad_duration', '9:27', 'Refused: `models.assistant.deadlines.headers` is `-1s`, expected a duration such as `250ms`, `2s`, `10m` or `1h`. Write a number and its unit: `250ms`, `2s`, `10m` or `1h`. (holdfast.yaml:9)'],
  [9, '    slow: { over: 8s }', 'missing_key', '9:5', 'Refused: `models.assistant.slow.tokensPerSecond` is missing, expected a number from 0.01 to 1000000. Write it as digits, without quotes. (holdfast.yaml:9)'],
  [10, 'limits: { body: 0MiB }', 'out_of_range', '10:17', 'Refused: `limits.body` is `0MiB`, expected a size such as `512KiB`, `32MiB` or `1GiB`, from 1 KiB to 1 GiB. Write a larger value. (holdfast.yaml:10)'],
  [10, 'limits: { body: 32MB }', 'bad_size', '10:17', 'Refused: `limits.body` is `32MB`, expected a size such as `512KiB`, `32MiB` or `1GiB`. Write a number and its unit: `B`, `KiB`, `MiB` or `GiB`. (holdfast.yaml:10)'],
  [10, 'limits: { wait: 1s, wait: 2s }', 'duplicate_key', '10:21', 'Refused: `limits.wait` stands here a second time; the first is in line 10. Remove one of the two, or rename it. (holdfast.yaml:10)'],
  [10, 'version: 2', 'bad_version', '10:10', 'Refused: `version` is `2`, expected `1`. Write `version: 1`, or leave it out. A newer document needs a newer Holdfast. (holdfast.yaml:10)'],
  [10, 'balance: order', 'unknown_key', '10:1', 'Refused: `balance` is not a known key. It belongs under `models.NAME`. (holdfast.yaml:10)'],
  [10, '  empty: { upstreams: [] }', 'no_upstreams', '10:23', 'Refused: `models.empty.upstreams` is empty, so the model could not be served. Add an upstream, or remove the model. (holdfast.yaml:10)'],
  [10, '  empty: {}', 'missing_key', '10:3', 'Refused: `models.empty.upstreams` is missing, expected a list of `provider/model`. Write `- provider/model`, one on each line. (holdfast.yaml:10)'],
  [10, '  openai/x: { upstreams: [near/x] }', 'ambiguous_name', '10:3', 'Refused: `models["openai/x"]` could also mean the model `x` of the provider `openai`. Rename the model. (holdfast.yaml:10)'],
  [10, '  "a b": { upstreams: [near/x] }', 'bad_name', '10:3', 'Refused: `models["a b"]` has a name that is not allowed. Use letters, digits and `.`, `_`, `:`, `@`, `+`, `/`, `-`, at most 128 of them; begin with a letter or a digit. (holdfast.yaml:10)'],
  [10, '  constructor: { upstreams: [near/x] }', 'forbidden_key', '10:3', 'Refused: `models.constructor` is a name that is not allowed anywhere. Rename or remove it. (holdfast.yaml:10)'],
  [10, '# Bearer abcdefghijklmnop', 'literal_secret', '10:3', 'Refused: the document holds what looks like a credential, which is not shown here. Remove it from the file, comments included, and replace the credential if others could read it. (holdfast.yaml:10)'],
  [2, '  openai: { kind: opena, apiKey: "${OPENAI_API_KEY}" }', 'bad_choice', '2:19', 'Refused: `providers.openai.kind` is `opena`, expected one of `openai`, `openai-compatible`, `scripted`. Did you mean `openai`? (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, apiKey: "hunter2" }', 'literal_secret', '2:35', 'Refused: `providers.openai.apiKey` is not a reference; what was found is not shown. Put the credential into an environment variable and write `apiKey: "${NAME}"` with its name. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, apiKey: "Bearer ${OPENAI_API_KEY}" }', 'literal_secret', '2:35', 'Refused: `providers.openai.apiKey` is not a reference; what was found is not shown. Put the credential into an environment variable and write `apiKey: "${NAME}"` with its name. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, apiKey: "${ABSENT}" }', 'missing_environment', '2:35', 'Refused: `providers.openai.apiKey` needs the environment variable ABSENT for the provider `openai`, which is not set. Set ABSENT and start again, or remove the provider. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, apiKey: "${BLANK}" }', 'missing_environment', '2:35', 'Refused: `providers.openai.apiKey` needs the environment variable BLANK for the provider `openai`, which is empty. Set BLANK and start again, or remove the provider. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, apiKey: "${BROKEN}" }', 'bad_environment', '2:35', 'Refused: `providers.openai.apiKey` reads the environment variable BROKEN, which holds spaces, line ends or other characters that no header can carry. Set BROKEN to the credential alone. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai }', 'missing_key', '2:3', 'Refused: `providers.openai.apiKey` is missing, expected a reference such as `"${OPENAI_API_KEY}"`. Add the reference, and set the variable. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai-compatible }', 'missing_key', '2:3', 'Refused: `providers.openai.baseUrl` is missing, expected an address such as `https://api.example.com/v1`. Add the address of the service, with `/v1` where it has it. (holdfast.yaml:2)'],
  [2, '  openai: { kind: scripted, baseUrl: "http://127.0.0.1" }', 'not_for_kind', '2:29', 'Refused: `providers.openai.baseUrl` has no meaning for the kind `scripted`. Remove it. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, api_key: hunter2, apiKey: "${OPENAI_API_KEY}" }', 'unknown_key', '2:27', 'Refused: `providers.openai.api_key` is not a known key. Did you mean `apiKey`? (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, baseUrl: "http://8.8.8.8/v1", apiKey: "${OPENAI_API_KEY}" }', 'credential_in_the_clear', '2:36', 'Refused: `providers.openai.baseUrl` would send the credential unencrypted to a public address. Write `https://`. (holdfast.yaml:2)'],
  [2, '  openai: { kind: openai, baseUrl: "http://llm.example.com/v1", apiKey: "${OPENAI_API_KEY}" }', 'credential_in_the_clear', '2:36', 'Warning: `providers.openai.baseUrl` would send the credential unencrypted to what may be a public address. Write `https://`. (holdfast.yaml:2)'],
  [3, '  near: { kind: openai-compatible, baseUrl: "127.0.0.1:11434" }', 'bad_url', '3:45', 'Refused: `providers.near.baseUrl` is `127.0.0.1:11434`, expected an address such as `https://api.example.com/v1`. Write the whole address, beginning with `https://` or `http://`. (holdfast.yaml:3)'],
  [3, '  near: { kind: openai-compatible, baseUrl: "ftp://near/v1" }', 'bad_url', '3:45', 'Refused: `providers.near.baseUrl` is `ftp://near/v1`, expected an address such as `https://api.example.com/v1`. Write the whole address, beginning with `https://` or `http://`. (holdfast.yaml:3)'],
  [3, '  near: { kind: openai-compatible, baseUrl: "https://me:hunter2@near/v1" }', 'literal_secret', '3:45', 'Refused: `providers.near.baseUrl` has a user name or password in it, which is not shown here. Remove what stands before the `@`; give the credential as `apiKey: "${NAME}"`. (holdfast.yaml:3)'],
  [3, '  near: { kind: openai-compatible, baseUrl: "https://near/v1?key=hunter2" }', 'literal_secret', '3:45', 'Refused: `providers.near.baseUrl` has a query or a fragment, which is not shown here. Remove what stands behind the path; give a credential as `apiKey: "${NAME}"`. (holdfast.yaml:3)'],
  [3, '  near: { kind: openai-compatible, baseUrl: "http://127.0.0.1:1" }\n  spare: { kind: scripted }', 'unused_provider', '4:3', "Warning: `providers.spare` is in no model's `upstreams`; only calls that name `spare/…` reach it. Add it to a model, or remove it. (holdfast.yaml:4)"],
  [9, '\tbalance: order', 'bad_yaml', '9:1', 'Refused: the document is indented by a tab. Indent with spaces; YAML does not allow tabs. (holdfast.yaml:9)'],
  [9, '---', 'several_documents', '9:1', 'Refused: the document is followed by a second document. Remove the `---` and what follows it, or merge the two. (holdfast.yaml:9)'],
  [10, 'limits: !custom { wait: 5s }', 'bad_yaml', '10:9', 'Refused: the document has a tag (`!name`), which is not read here. Remove the tag. (holdfast.yaml:10)'],
  [10, 'limits: { wait: 5s', 'bad_yaml', '10:19', 'Refused: the document has a line that is indented wrongly, or a bracket before it that is not closed. Align it with the lines that it belongs to, or close the bracket. (holdfast.yaml:10)'],
  [10, 'limits: "wait', 'bad_yaml', '10:14', 'Refused: the document ends a bracket, a quote or a key too early. Close it, or write `key: value`. (holdfast.yaml:10)'],
  [10, 'limits: *shared', 'unknown_alias', '10:9', 'Refused: `limits` is an alias (`*name`) of an anchor that is not defined before it. Define the anchor first, or put the text in quotes. (holdfast.yaml:10)'],
]

describe('C1: each kind of problem says path, line, what was found, what was expected and the remedy', () => {
  test.each(TABLE)('line %i as %p: %s', (line, text, code, place, message) => {
    const problems = problemsOf(withLine(line, text))
    const problem = problems.find((candidate) => candidate.code === code)
    expect(problem?.message ?? problems.map((candidate) => `${candidate.code}: ${candidate.message}`).join('\n')).toBe(message)
    expect(`${problem?.line}:${problem?.column}`).toBe(place)
    for (const part of [problem?.found, problem?.expected, problem?.remedy]) expect(part?.length).toBeGreaterThan(0)
  })
})

test('C1: all problems come at once, in the order of the text', () => {
  const lines = LINES.with(1, '  openai: { kind: opena, apiKey: hunter2 }').with(6, '      - nowhere/x').with(9, 'limits: { wait: soon, colour: red }')
  const problems = problemsOf(lines)
  expect(problems.map((problem) => `${problem.line} ${problem.code}`)).toEqual([
    '2 unused_provider',
    '2 bad_choice',
    '2 literal_secret',
    '7 unknown_provider',
    '10 bad_duration',
    '10 unknown_key',
  ])
})

test('an alias gives several models the same breaker', () => {
  const lines = [...LINES.slice(0, 8), '    breaker: &shared { failures: 3 }', '  other: { upstreams: [near/x], breaker: *shared }']
  const loaded = loadDocument({ file: 'holdfast.yaml', content: new TextEncoder().encode(lines.join('\n')), environment: ENV, loadedAt: 0 })
  expect(loaded.ok && loaded.snapshot.models.get('other')?.breaker.failures).toBe(3)
})
