import { AppError } from '#base'
import type { HttpRequest } from './http-client.ts'

/** Where requests for one URL go. */
export interface Target {
  readonly href: string
  /** Connections to the same origin are interchangeable. */
  readonly origin: string
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** Host and port, for messages. */
  readonly peer: string
  readonly path: string
  readonly hostHeader: string
}

/** Takes a URL apart. */
export function targetOf(url: URL): Target {
  const isSecure = url.protocol === 'https:'
  if (!isSecure && url.protocol !== 'http:') {
    throw new AppError(`The address of an upstream begins with ${url.protocol}`, { code: 'bad_url', remedy: 'Expected http: or https:.' })
  }
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port)
  return {
    href: url.href,
    origin: url.origin,
    host: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
    port,
    isSecure,
    peer: `${url.hostname}:${port}`,
    path: url.pathname + url.search,
    hostHeader: url.host,
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e]*$/

/** The request's head, empty line included: ASCII only. Throws `bad_header`, without the value, for what cannot be sent. */
export function requestHead(request: HttpRequest, target: Target, bodyBytes: number): string {
  let head = `${request.method} ${target.path} HTTP/1.1\r\nhost: ${target.hostHeader}\r\naccept-encoding: identity\r\n`
  const headers = request.headers
  for (const name in headers) {
    const value = headers[name] ?? ''
    if (!VALUE.test(value) || !TOKEN.test(name)) {
      throw new AppError(`The request header "${name.replace(/[^\x20-\x7e]/g, '?')}" cannot be sent.`, {
        code: 'bad_header',
        remedy: 'Header values are printable ASCII without line breaks; check the credential for a stray one.',
      })
    }
    if (!isOurs(name)) head += `${name}: ${value}\r\n`
  }
  return request.body === undefined ? `${head}\r\n` : `${head}content-length: ${bodyBytes}\r\n\r\n`
}

/** Headers that this client decides itself. */
function isOurs(name: string): boolean {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'host'
    case 10:
      return name.toLowerCase() === 'connection'
    case 14:
      return name.toLowerCase() === 'content-length'
    case 15:
      return name.toLowerCase() === 'accept-encoding'
    case 17:
      return name.toLowerCase() === 'transfer-encoding'
    default:
      return false
  }
}
