import type { Caller, Keys } from '#auth'
import type { Clock, Logger } from '#base'
import type { Config } from '#config'
import type { Gateway } from '#gateway'
import type { Health } from '#health'
import type { Registry } from 'prom-client'
import type { BodyBudget } from './body-budget.ts'

/** What the routes call. */
export interface HttpParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly keys: Keys
  readonly config: Config
  readonly gateway: Gateway
  readonly health: Health
  readonly registry: Registry
  /** Addresses and networks of proxies whose forwarding headers are believed; or `loopback`. */
  readonly trustedProxies: readonly string[]
  /** The secret of local commands, such as `holdfast reload`; undefined where it could not be kept. */
  readonly controlToken: string | undefined
}

/** One request on its way through the routes. */
export interface Exchange {
  readonly request: Request
  readonly callId: string
  readonly caller: Caller
  readonly path: string
  /** What all requests together may hold of their bodies. */
  readonly bodies: BodyBudget
  /** Says how long the connection may be silent, in seconds; 0 is for ever. */
  readonly allowSilence: (seconds: number) => void
}

export type Handler = (exchange: Exchange, parts: HttpParts) => Response | Promise<Response>
