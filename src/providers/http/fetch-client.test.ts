import { systemClock } from '#base'
import { httpClientContract } from './client.contract.ts'
import { createFetchClient } from './fetch-client.ts'

httpClientContract({
  name: 'fetch client',
  create: (options) => createFetchClient({ clock: systemClock, ...options }),
  skip: {
    'malformed: a status line that is none': 'fetch waits for more',
    'malformed: both Content-Length and Transfer-Encoding': 'fetch lets chunked win',
    'truncated: a last chunk without the line that ends it': 'fetch takes it for the end',
    'truncated: gzip that ends in the middle': 'fetch cannot tell it from gzip that is broken',
    'timeout_connect: a handshake that is never answered': 'fetch does not tell connecting from waiting',
    'sends again, once, when a connection that was used before is closed without an answer': 'fetch does not tell used connections from new ones',
  },
})
