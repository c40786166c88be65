import { stdout } from 'node:process'

/**
 * A server process of the tests: it begins a stream for each request and leaves it open, and answers `/one` at once. A
 * process of its own, since both ends of thousands of sockets would need twice the descriptors. Writes its port.
 */
const START = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: 1\r\n'
const ONE = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none'

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    data: (socket, bytes) => void socket.write(bytes.includes('/one ') ? ONE : START),
    error: () => undefined,
  },
})
stdout.write(`${server.port}\n`)
