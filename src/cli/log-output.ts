import type { Writable } from 'node:stream'

/** Bytes that may wait for a reader of the log that is slower than we are. */
const MOST_WAITING = 1_048_576

/** Writes lines to a stream that may block or vanish: then lines are dropped and counted, and nothing waits for it (O1). */
export function logOutput(stream: Writable): (line: string) => void {
  let waiting = 0
  let dropped = 0
  stream.on('error', () => undefined)
  stream.on('drain', () => {
    waiting = 0
  })
  const write = (text: string): void => {
    if (!stream.write(text)) waiting += text.length
  }
  return (line) => {
    if (waiting + line.length > MOST_WAITING) {
      dropped++
      return
    }
    if (dropped > 0)
      write(`${JSON.stringify({ level: 'warn', message: 'Nobody read the log fast enough: lines were dropped.', dropped })}\n`)
    dropped = 0
    write(line)
  }
}
