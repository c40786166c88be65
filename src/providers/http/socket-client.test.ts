import { systemClock } from '#base'
import { httpClientContract } from './client.contract.ts'
import { createSocketClient } from './socket-client.ts'

httpClientContract({
  name: 'socket client',
  create: (options) => createSocketClient({ clock: systemClock, ...options }),
  skip: {},
})
