import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '#app'
import { createLogger, systemClock } from '#base'
import { type ChatResult, resultOf } from './chat-result.ts'
import { type Asking, WireCall } from './wire-client.ts'

type Settings = Parameters<typeof createApp>[0]

export interface WorldOptions {
  /** YAML text, or an object that is written as JSON, which is YAML. */
  readonly config: string | object
  readonly env?: Readonly<Record<string, string>>
  readonly settings?: Partial<Settings>
  readonly overrides?: Parameters<typeof createApp>[1]
  /** Prepares the data folder before the node starts. */
  readonly prepare?: (folder: string) => Promise<void>
}

export const QUESTION = { role: 'user', content: 'Tell me about kelp.' } as const

/** A folder with a config file and a data folder in it. */
export class Place implements AsyncDisposable {
  readonly folder: string
  readonly configFile: string
  readonly dataFolder: string

  private constructor(folder: string) {
    this.folder = folder
    this.configFile = join(folder, 'holdfast.yaml')
    this.dataFolder = join(folder, 'data')
  }

  static async make(config: string | object): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'holdfast-')))
    await place.writeConfig(config)
    return place
  }

  async writeConfig(config: string | object): Promise<void> {
    await writeFile(this.configFile, typeof config === 'string' ? config : JSON.stringify(config, null, 2))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A running node and ways to ask it. */
export class Node {
  readonly url: string
  readonly #calls = new Set<WireCall>()

  constructor(url: string) {
    this.url = url.replace(/\/$/, '')
  }

  /** Sends anything to any path. */
  send(path: string, asking: Asking = {}): WireCall {
    const call = new WireCall(`${this.url}${path}`, asking)
    this.#calls.add(call)
    void call.ended.then(() => this.#calls.delete(call))
    return call
  }

  /** Leaves every call that is still open, so that a node need not wait for them. */
  protected leaveAll(): void {
    for (const call of this.#calls) call.leave()
  }

  /** Asks for a page and waits for all of it. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ChatResult> {
    return this.#whole(this.send(path, { method: 'GET', headers }))
  }

  /** Begins a streamed call. */
  open(body: object = {}, headers: Readonly<Record<string, string>> = {}): WireCall {
    return this.send('/v1/chat/completions', { headers, body: { model: 'assistant', messages: [QUESTION], stream: true, ...body } })
  }

  /** A streamed call, read to its end. */
  async stream(body: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<ChatResult> {
    return this.#whole(this.open(body, headers))
  }

  /** A call that is not streamed. */
  async post(body: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<ChatResult> {
    return this.#whole(this.open({ stream: false, ...body }, headers))
  }

  /** Streamed or not. */
  async ask(stream: boolean, body: object = {}): Promise<ChatResult> {
    return stream ? this.stream(body) : this.post(body)
  }

  async #whole(call: WireCall): Promise<ChatResult> {
    await call.ended
    return resultOf(call)
  }
}

/** A node in this process. */
export class World extends Node implements AsyncDisposable {
  readonly place: Place
  readonly log: string[]
  readonly #app: AsyncDisposable
  #stopped = false

  constructor(url: string, place: Place, log: string[], app: AsyncDisposable) {
    super(url)
    this.place = place
    this.log = log
    this.#app = app
  }

  /** Ends the node; its folder stays. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.leaveAll()
    await this.#app[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.place[Symbol.asyncDispose]()
  }
}

/** Boots a real node: free port, own data folder, its log kept. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const place = await Place.make(options.config)
  await options.prepare?.(place.folder)
  const log: string[] = []
  const settings: Settings = {
    port: 0,
    hosts: ['127.0.0.1'],
    dataFolder: place.dataFolder,
    configFile: place.configFile,
    log: { level: 'debug', format: 'json' },
    trustedProxies: [],
    ...options.settings,
  }
  const logger = createLogger({ clock: systemClock, level: 'debug', format: 'json', write: (line) => log.push(line) })
  const failed = async (error: unknown): Promise<never> => {
    await place[Symbol.asyncDispose]()
    throw error
  }
  const app = await createApp(settings, { env: options.env ?? {}, logger, ...options.overrides }).catch(failed)
  try {
    const { urls } = await app.start()
    return new World(urls[0] ?? '', place, log, app)
  } catch (error) {
    await app[Symbol.asyncDispose]()
    return failed(error)
  }
}
