import { describe, expect, test } from 'bun:test'
import { AppError } from '#base'
import { readSettings, type SettingName, type Settings, unknownSettings } from './settings.ts'

type Environment = Readonly<Record<string, string>>

function read(env: Environment = {}, flags: Readonly<Partial<Record<SettingName, string>>> = {}, terminal = false): Settings {
  return readSettings({ env, flags, terminal })
}

function problemsOf(env: Environment, flags: Readonly<Partial<Record<SettingName, string>>> = {}): string[] {
  try {
    read(env, flags)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    expect(error).toHaveProperty('code', 'bad_setting')
    return String(error).replace('AppError: ', '').split('\n')
  }
}

describe('readSettings', () => {
  test('has defaults for everything', () => {
    expect(read()).toEqual({
      port: 8080,
      hosts: ['127.0.0.1', '::1'],
      dataFolder: './data',
      configFile: './holdfast.yaml',
      log: { level: 'info', format: 'json' },
      trustedProxies: [],
    })
    expect(read({}, {}, true).log).toEqual({ level: 'info', format: 'pretty' })
  })

  test('reads the environment, and flags beat it', () => {
    const env = { HOLDFAST_PORT: '0', HOLDFAST_HOST: '0.0.0.0', HOLDFAST_DATA: '/a', HOLDFAST_CONFIG: '/b', HOLDFAST_LOG: 'debug:json' }
    expect(read(env, {}, true)).toMatchObject({
      port: 0,
      hosts: ['0.0.0.0'],
      dataFolder: '/a',
      configFile: '/b',
      log: { level: 'debug', format: 'json' },
    })
    expect(read(env, { port: '9', host: '::1', data: 'c', config: 'd' })).toMatchObject({
      port: 9,
      hosts: ['::1'],
      dataFolder: 'c',
      configFile: 'd',
    })
  })

  test('an empty variable is one that is not set', () => {
    expect(read({ HOLDFAST_PORT: '', HOLDFAST_LOG: ' ', HOLDFAST_URL: '' })).toEqual(read())
  })

  test('reads the public address and the trusted proxies', () => {
    const settings = read({
      HOLDFAST_URL: 'https://ai.example.org/v',
      HOLDFAST_TRUST_PROXY: 'loopback, 10.0.0.0/8,2001:db8::/32,192.0.2.1',
    })
    expect(settings.publicUrl?.href).toBe('https://ai.example.org/v')
    expect(settings.trustedProxies).toEqual(['127.0.0.0/8', '::1/128', '10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])
  })

  test('names everything that is wrong at once, by where it was set', () => {
    const problems = problemsOf(
      {
        HOLDFAST_PORT: '70000',
        HOLDFAST_HOST: 'example.org',
        HOLDFAST_LOG: 'loud',
        HOLDFAST_URL: 'ftp://x',
        HOLDFAST_TRUST_PROXY: '10.0.0.0/33',
      },
      { port: '-1', data: '' },
    )
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      '--port',
      'HOLDFAST_HOST',
      '--data',
      'HOLDFAST_LOG',
      'HOLDFAST_URL',
      'HOLDFAST_TRUST_PROXY',
    ])
    for (const problem of problems) expect(problem).toContain('Expected')
  })

  for (const port of ['65536', '8o80', '1.5', ' 1 2', '0x50', '999999'])
    test(`refuses port ${port}`, () => expect(problemsOf({ HOLDFAST_PORT: port })).toHaveLength(1))
  for (const url of ['x', 'http://', 'https://user:secret@a.example', 'https://a.example/?q', 'https://a.example/#f', 'javascript:0']) {
    test(`refuses the public address ${url}`, () => expect(problemsOf({ HOLDFAST_URL: url })).toHaveLength(1))
  }
  for (const range of ['10.0.0.0/', '10.0.0/8', '::/129', '10.0.0.1/8/8', 'proxy.example']) {
    test(`refuses the proxy ${range}`, () => expect(problemsOf({ HOLDFAST_TRUST_PROXY: range })).toHaveLength(1))
  }
})

test('a variable that is no setting is named with the nearest one', () => {
  expect(unknownSettings({ HOLDFAST_PROT: '1', HOLDFAST_PORT: '1', PATH: '/' })).toEqual([
    'The environment sets HOLDFAST_PROT, which is no setting. Did you mean HOLDFAST_PORT?',
  ])
})
