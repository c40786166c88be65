import { constants, createGzip, type Gzip } from 'node:zlib'

/** One gzip stream that is flushed after every write, as web servers do it for event streams. */
export class GzipEncoder {
  readonly #gzip: Gzip = createGzip()
  #out: Buffer[] = []

  constructor() {
    this.#gzip.on('data', (chunk: Buffer) => this.#out.push(chunk))
  }

  /** The compressed bytes of `bytes`, flushed. */
  async encode(bytes: Uint8Array): Promise<Buffer> {
    this.#gzip.write(bytes)
    await new Promise<void>((resolve) => this.#gzip.flush(constants.Z_SYNC_FLUSH, () => resolve()))
    return this.#take()
  }

  /** The trailer. */
  async finish(): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      this.#gzip.once('end', () => resolve())
      this.#gzip.end()
    })
    return this.#take()
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#out)
    this.#out = []
    return bytes
  }
}
