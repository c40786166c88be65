import { AppError, sleep, systemClock } from '#base'

/** Waits until `holds` is true, and fails with `what` after `ms`. For facts that are visible only by looking. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, ms = 2_000): Promise<void> {
  const end = systemClock.monotonic() + ms
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new AppError(`Not within ${ms} ms: ${what}.`, { code: 'not_eventually' })
    await sleep(systemClock, 5)
  }
}

/** Milliseconds that `work` took, and its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const start = systemClock.monotonic()
  const result = await work()
  return { ms: systemClock.monotonic() - start, result }
}

/** Waits really; for what must not happen within a time. */
export function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms)
}
