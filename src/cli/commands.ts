import { readSettings, type Settings } from '#app'
import { systemClock } from '#base'
import { callsCommand } from './calls.ts'
import { check } from './check.ts'
import type { Command, CommandInput, Flag } from './command.ts'
import { type CommandContext, processContext } from './command-context.ts'
import { keyCommand } from './key.ts'
import { probeConfigured } from './probe-configured.ts'
import { reload } from './reload.ts'
import { serve } from './serve.ts'

const DATA: Flag = { value: 'FOLDER', help: 'where state is kept (HOLDFAST_DATA, ./data)' }
const CONFIG: Flag = { value: 'FILE', help: 'the config document (HOLDFAST_CONFIG, ./holdfast.yaml)' }
const JSON_FLAG: Flag = { help: 'for machines' }

/** Every command of the program. The first is what runs when none is named. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    summary: 'Answer calls. SIGTERM lets those under way end, SIGHUP reads the config again.',
    usage: ['[--port PORT] [--host ADDRESS] [--data FOLDER] [--config FILE]'],
    flags: {
      '--port': { value: 'PORT', help: 'where to listen; 0 for any free port (HOLDFAST_PORT, 8080)' },
      '--host': { value: 'ADDRESS', help: 'the address to listen at (HOLDFAST_HOST, localhost: 127.0.0.1 and ::1)' },
      '--data': DATA,
      '--config': CONFIG,
    },
    words: false,
    run: serve,
  },
  {
    name: 'check',
    summary: 'Judge a config document and say everything about it at once.',
    usage: ['[--config FILE] [--probe] [--json]'],
    flags: { '--config': CONFIG, '--probe': { help: 'ask every upstream once' }, '--json': JSON_FLAG },
    words: false,
    run: ({ flags, env }) =>
      check({
        file: settingsOf({ flags, env }).configFile,
        probe: flags.has('--probe'),
        json: flags.has('--json'),
        env,
        write: (text) => void process.stdout.write(text),
        probeUpstream: probeConfigured(env),
      }),
  },
  {
    name: 'reload',
    summary: 'Have the running server read its config document again.',
    usage: ['[--data FOLDER] [--json]'],
    flags: { '--data': DATA, '--json': JSON_FLAG },
    words: false,
    run: (input) => reload(settingsOf(input).dataFolder, input.flags.has('--json')),
  },
  {
    name: 'key',
    summary: 'Make, list and revoke keys.',
    usage: ['create NAME [--scope call|metrics|owner]... [--limit 60/m]', 'list', 'revoke ID|NAME'],
    flags: {
      '--scope': { value: 'SCOPE', help: 'what the key may do: call, metrics, owner; may be repeated' },
      '--limit': { value: 'LIMIT', help: 'calls in a time, such as 60/m' },
      '--data': DATA,
      '--json': JSON_FLAG,
    },
    words: true,
    run: (input) => withContext(input, (context) => keyCommand(input.args, context)),
  },
  {
    name: 'calls',
    summary: 'Show calls from the access log, newest last.',
    usage: ['[--failed] [--model MODEL] [--since 1h] [--limit 100] [--follow] [--json]'],
    flags: {
      '--failed': { help: 'only those that did not end well' },
      '--model': { value: 'MODEL', help: 'only those that asked for this model' },
      '--since': { value: 'TIME', help: 'only those not older, such as 1h' },
      '--limit': { value: 'NUMBER', help: 'at most so many (100)' },
      '--follow': { help: 'go on with what comes' },
      '--data': DATA,
      '--json': JSON_FLAG,
    },
    words: false,
    run: (input) => withContext(input, (context) => callsCommand(input.args, context)),
  },
]

/** The settings that a command needs, by the rules of `serve`. */
function settingsOf({ flags, env }: Pick<CommandInput, 'flags' | 'env'>): Settings {
  const { HOLDFAST_CONFIG, HOLDFAST_DATA } = env
  const [data, config] = [flags.get('--data'), flags.get('--config')]
  return readSettings({
    env: { HOLDFAST_CONFIG, HOLDFAST_DATA },
    flags: { ...(typeof data === 'string' ? { data } : {}), ...(typeof config === 'string' ? { config } : {}) },
    terminal: false,
  })
}

async function withContext(input: CommandInput, run: (context: CommandContext) => Promise<number>): Promise<number> {
  using context = processContext(systemClock, settingsOf(input).dataFolder)
  return await run(context)
}
