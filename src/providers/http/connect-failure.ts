import { UpstreamError } from '#contract'
import type { Target } from './request-head.ts'
import { isNotFound } from './resolver.ts'

/** The failure of a name that did not resolve. */
export function dnsFailure(target: Target, cause: unknown): UpstreamError {
  const code = codeOf(cause)
  const message = isNotFound(cause)
    ? `The name ${target.host} does not exist in DNS.`
    : `The name ${target.host} could not be looked up in DNS${code === '' ? '' : ` (${code})`}.`
  return new UpstreamError({ kind: 'dns', message }, cause)
}

/** The failure of a connection that no address took. */
export function connectFailure(target: Target, cause: unknown, addresses: number): UpstreamError {
  const code = codeOf(cause)
  const tried = addresses > 1 ? ` ${addresses} addresses were tried.` : ''
  return new UpstreamError({ kind: 'connect', message: `${connectWords(target.peer, code)}${tried}` }, cause)
}

/** The failure of a TLS handshake: what is wrong with the certificate or with the other end. */
export function tlsFailure(target: Target, cause: unknown): UpstreamError {
  return new UpstreamError({ kind: 'tls', message: tlsWords(target, cause) }, cause)
}

function connectWords(peer: string, code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      // Bun says so of every connection that fails at once, one for which there is no route or descriptor included.
      return `${peer} refused the connection or cannot be reached from here.`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return `${peer} cannot be reached from here (${code}).`
    case 'ETIMEDOUT':
      return `${peer} did not answer the attempt to connect (${code}).`
    case 'EMFILE':
    case 'ENFILE':
      return `No connection to ${peer}: this process has no free file descriptors (${code}).`
    default:
      return `No connection to ${peer}${code === '' ? '' : ` (${code})`}.`
  }
}

function tlsWords(target: Target, cause: unknown): string {
  const code = codeOf(cause)
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `The TLS certificate of ${target.peer} has expired.`
    case 'CERT_NOT_YET_VALID':
      return `The TLS certificate of ${target.peer} is not valid yet.`
    case 'CERT_REVOKED':
      return `The TLS certificate of ${target.peer} was revoked.`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return `The TLS certificate of ${target.peer} is for another name than ${target.host}.`
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `The TLS certificate of ${target.peer} comes from an authority that is not trusted here. NODE_EXTRA_CA_CERTS can add one.`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return `The TLS certificate of ${target.peer} is signed by itself, by no authority that is trusted here. NODE_EXTRA_CA_CERTS can add one.`
    case 'ECONNRESET':
      return `${target.peer} closed the connection during the TLS handshake.`
    default:
  }
  const reason = cause instanceof Error ? cause.message : ''
  if (reason.includes('WRONG_VERSION_NUMBER'))
    return `${target.peer} does not speak TLS on this port. Is its address http: instead of https:?`
  const detail = /OPENSSL_internal:(\w+)/.exec(reason)?.[1] ?? code
  return `The TLS handshake with ${target.peer} failed${detail === '' ? '' : ` (${detail})`}.`
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
