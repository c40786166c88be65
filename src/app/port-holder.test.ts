import { expect, test } from 'bun:test'
import { listeningInodes, portHolder } from './port-holder.ts'

test('names the process that listens on a port', async () => {
  using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  expect(await portHolder(server.port ?? 0)).toEndWith(`(process ${process.pid})`)
})

test('a port that nobody holds has no holder', async () => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const port = server.port ?? 0
  await server.stop(true)
  expect(await portHolder(port)).toBeUndefined()
})

test('only sockets that listen count, on exactly this port', () => {
  const row = (local: string, state: string, inode: string): string =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`
  const table = [
    '  sl  local_address rem_address   st tx_queue',
    row('0100007F:1F90', '0A', '11'),
    row('0100007F:1F90', '01', '12'),
    row('0100007F:1F91', '0A', '13'),
  ].join('\n')
  expect(listeningInodes(table, 8080)).toEqual(['11'])
  expect(listeningInodes('', 8080)).toEqual([])
})
