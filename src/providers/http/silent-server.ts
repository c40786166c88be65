import { stdout } from 'node:process'

/** A server process of the tests whose listen queue fills up: after some connections it no longer answers a SYN. */
const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } })
stdout.write(`${server.port}\n`, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
