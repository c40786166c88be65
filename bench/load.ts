// The clients of the bench, a process of their own on raw sockets. Takes one job after the other from the bench.
import type { Socket } from 'bun'
import { TOKENS_FIELD } from './answer.ts'
import type { CallsJob, Job, JobReport, Target } from './job.ts'
import { ResponseReader } from './response-reader.ts'
import { percentile } from './statistics.ts'

/** A call that takes longer counts as failed, ms: longer than any deadline that is measured. */
const PATIENCE_MS = 1_500
const OPENING_AT_ONCE = 100

const held: Socket<undefined>[] = []

process.on('message', (job: Job) => void run(job).then((report) => process.send?.(report)))
process.send?.('ready')

async function run(job: Job): Promise<Partial<JobReport>> {
  if (job.kind === 'calls') return callsOf(job)
  if (job.kind === 'hold') return hold(job.target, job.streams)
  for (const socket of held.splice(0)) socket.terminate()
  return {}
}

interface Tally {
  begun: number
  ended: number
  whole: number
  readonly latencies: number[]
  readonly firstTokens: number[]
}

async function callsOf(job: CallsJob): Promise<JobReport> {
  const tally: Tally = { begun: 0, ended: 0, whole: 0, latencies: [], firstTokens: [] }
  const startedAt = performance.now()
  const until = startedAt + (job.forMs ?? Infinity)
  const mayBegin = (): boolean => tally.begun < job.calls && performance.now() < until
  await Promise.all(Array.from({ length: job.connections }, () => client(job, tally, mayBegin)))
  const spread = (values: readonly number[]): JobReport['latency'] => ({ p50: percentile(values, 0.5), p99: percentile(values, 0.99) })
  const seconds = (performance.now() - startedAt) / 1_000
  return { calls: tally.ended, whole: tally.whole, seconds, latency: spread(tally.latencies), firstToken: spread(tally.firstTokens) }
}

/** One client: a call after the other on one connection, and on another one when that was closed. */
function client(job: CallsJob, tally: Tally, mayBegin: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const request = requestTo(job.target, job.stream, job.tokens)
  const reader = new ResponseReader(job.stream, job.check)
  let startedAt = 0
  let firstTokenAt = 0
  let socket: Socket<undefined> | undefined
  let isCalling = false
  const watch = setInterval(() => isCalling && performance.now() - startedAt > PATIENCE_MS && socket?.terminate(), 100)

  const call = (): void => {
    if (!mayBegin()) {
      clearInterval(watch)
      socket?.terminate()
      return resolve()
    }
    tally.begun++
    isCalling = true
    firstTokenAt = 0
    reader.reset()
    startedAt = performance.now()
    if (socket) socket.write(request)
    else void connect()
  }
  const ended = (isWhole: boolean): void => {
    isCalling = false
    tally.ended++
    if (isWhole) {
      const now = performance.now()
      tally.whole++
      tally.latencies.push(now - startedAt)
      tally.firstTokens.push((firstTokenAt || now) - startedAt)
    }
    call()
  }
  const connect = async (): Promise<void> => {
    await Bun.connect({
      hostname: '127.0.0.1',
      port: job.target.port,
      socket: {
        open(opened) {
          socket = opened
          opened.setNoDelay(true)
          opened.write(request)
        },
        data(_, bytes) {
          const isOver = reader.push(bytes)
          if (firstTokenAt === 0 && reader.hasToken) firstTokenAt = performance.now()
          if (isOver && isCalling) ended(reader.isWhole(job.tokens))
        },
        close() {
          socket = undefined
          if (isCalling) ended(false)
        },
        error: () => undefined,
      },
    }).catch(() => setTimeout(() => ended(false), 1))
  }
  call()
  return promise
}

/** Opens streams, some at a time, each up to its first token. */
async function hold(target: Target, streams: number): Promise<Partial<JobReport>> {
  const request = requestTo(target, true, 50)
  let begun = 0
  const opener = async (): Promise<void> => {
    while (begun++ < streams) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const reader = new ResponseReader(true, false)
      const socket = await Bun.connect({
        hostname: '127.0.0.1',
        port: target.port,
        socket: {
          open: (opened) => void opened.write(request),
          data: (_, bytes) => {
            reader.push(bytes)
            if (reader.hasToken) resolve()
          },
          close: () => resolve(),
          error: () => undefined,
        },
      })
      held.push(socket)
      await promise
    }
  }
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, opener))
  return { calls: streams, whole: held.filter((socket) => socket.readyState > 0).length }
}

function requestTo(target: Target, stream: boolean, tokens: number): Buffer {
  const messages = [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'Say what holds fast where the sea is rough, in a few words.' },
  ]
  const body = JSON.stringify({ model: target.model, stream, messages, temperature: 0.7, [TOKENS_FIELD]: tokens })
  const head = `POST ${target.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer bench\r\n`
  return Buffer.from(`${head}Accept: application/json\r\nUser-Agent: bench/1\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
}
