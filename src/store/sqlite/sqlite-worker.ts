import type { WorkerReply, WorkerRequest } from './protocol.ts'
import { SqliteConnections } from './sqlite-connections.ts'
import { faultOf } from './sqlite-fault.ts'

declare const self: Worker

const connections = new SqliteConnections()

self.onmessage = (event: MessageEvent<WorkerRequest>): void => {
  const { id, task } = event.data
  self.postMessage(answer(id, () => connections.perform(task)))
}

function answer(id: number, work: () => ReturnType<SqliteConnections['perform']>): WorkerReply {
  try {
    return { id, result: work() }
  } catch (error) {
    return { id, fault: faultOf(error) }
  }
}
