const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/
const BYTES_OF: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
const SHARE = /^(\d+(?:\.\d+)?)%$/

/** Milliseconds of `250ms`, `2s`, `10m`, `1h`, `30d`; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  const unit = DURATION_MS[match?.[2] ?? '']
  return unit === undefined ? undefined : Number(match?.[1]) * unit
}

/** Bytes of `512B`, `256KiB`, `32MiB`, `1GiB`; undefined when it is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = BYTES.exec(text)
  const unit = BYTES_OF[match?.[2] ?? '']
  return unit === undefined ? undefined : Math.floor(Number(match?.[1]) * unit)
}

/** A share in [0, 1] of `20%`; undefined when it is none or more than the whole. */
export function parseShare(text: string): number | undefined {
  const match = SHARE.exec(text)
  if (!match) return undefined
  const share = Number(match[1]) / 100
  return share <= 1 ? share : undefined
}

/** `90` ms as `90 ms`, `4200` as `4.2 s`, `180000` as `3 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  if (ms < 7_200_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return `${Number((ms / 3_600_000).toFixed(1))} h`
}
