import { AppError } from '#base'

const PATIENCE_MS = 10_000

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } })
  const { port } = listener
  listener.stop(true)
  return port
}

/** Resolves when something listens on the port. */
export async function accepts(port: number): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  while (performance.now() < giveUpAt) {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data: () => undefined } }).catch(() => undefined)
    if (socket) return void socket.end()
    await Bun.sleep(5)
  }
  throw new AppError(`Nothing listens on port ${port} after ${PATIENCE_MS / 1_000} s.`, { code: 'bench_nobody_listens' })
}
