import { expect, test } from 'bun:test'
import { proxyFor } from './proxy-choice.ts'

const PROXY = 'http://proxy.example:3128'

test.each([
  ['https://api.example/v1', { HTTPS_PROXY: PROXY }, PROXY],
  ['http://api.example/v1', { HTTPS_PROXY: PROXY }, undefined],
  ['http://api.example/v1', { HTTP_PROXY: PROXY }, PROXY],
  ['http://api.example/v1', { ALL_PROXY: PROXY }, PROXY],
  ['https://api.example/v1', { HTTPS_PROXY: 'http://other:1', https_proxy: PROXY }, PROXY],
  ['https://api.example/v1', { HTTPS_PROXY: 'proxy.example:3128' }, PROXY],
  ['https://api.example/v1', { HTTPS_PROXY: '' }, undefined],
  ['https://api.example/v1', {}, undefined],
  ['https://api.example/v1', { HTTPS_PROXY: PROXY, NO_PROXY: '*' }, undefined],
  ['https://api.example/v1', { HTTPS_PROXY: PROXY, NO_PROXY: 'other.example, api.example' }, undefined],
  ['https://api.example/v1', { HTTPS_PROXY: PROXY, no_proxy: '.example' }, undefined],
  ['https://a.api.example/v1', { HTTPS_PROXY: PROXY, NO_PROXY: '*.api.example' }, undefined],
  ['https://notapi.example/v1', { HTTPS_PROXY: PROXY, NO_PROXY: 'api.example' }, PROXY],
  ['https://api.example:8443/v1', { HTTPS_PROXY: PROXY, NO_PROXY: 'api.example:443' }, PROXY],
  ['https://api.example/v1', { HTTPS_PROXY: PROXY, NO_PROXY: 'api.example:443' }, undefined],
  ['http://127.0.0.1:11434/v1', { HTTP_PROXY: PROXY }, undefined],
  ['http://[::1]:11434/v1', { HTTP_PROXY: PROXY }, undefined],
  ['http://[::ffff:127.0.0.1]:11434/v1', { HTTP_PROXY: PROXY }, undefined],
  ['http://localhost:11434/v1', { HTTP_PROXY: PROXY }, undefined],
  ['http://127.evil.example/v1', { HTTP_PROXY: PROXY }, PROXY],
])('%s with %j goes through %s', (url, environment, proxy) => {
  expect(proxyFor(new URL(url), environment)).toBe(proxy)
})
