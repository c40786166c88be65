import type { AccessLog } from '#accesslog'
import type { Bus } from '#bus'
import type { Config } from '#config'
import type { Health } from '#health'
import { failingUpstreams } from '#http'
import { Gauge, type Registry } from 'prom-client'

interface Sources {
  readonly accesslog: AccessLog
  readonly config: Config
  readonly health: Health
  readonly bus: Bus
}

/** Registers the figures that the parts keep for themselves; they are read when somebody asks. */
export function registerMetrics(registry: Registry, sources: Sources): void {
  const { accesslog, config, health, bus } = sources
  const figures: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['holdfast_access_log_written', 'Calls written to the access log.', () => accesslog.written],
    ['holdfast_access_log_dropped', 'Calls that the access log could not hold.', () => accesslog.dropped],
    ['holdfast_access_log_pending', 'Calls waiting to be written to the access log.', () => accesslog.pending],
    ['holdfast_bus_dropped', 'Hints that slow readers lost.', () => bus.dropped],
    [
      'holdfast_config_refused',
      '1 while the config file is refused and an older version runs.',
      () => Number(config.state.refusedAt !== null),
    ],
    ['holdfast_config_loaded_seconds', 'Wall time at which the current config was loaded.', () => config.state.loadedAt / 1_000],
    ['holdfast_config_reloads_swapped', 'Reloads that brought another config.', () => config.state.reloads.swapped],
    ['holdfast_config_reloads_refused', 'Reloads that were refused.', () => config.state.reloads.refused],
    ['holdfast_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss()],
  ]
  for (const [name, help, read] of figures) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }
  new Gauge({
    name: 'holdfast_upstream_failing_seconds',
    help: 'Wall time since when every attempt at an upstream has failed; absent while it works.',
    labelNames: ['upstream'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [upstream, { failingSince }] of failingUpstreams(config.snapshot, health)) {
        if (failingSince !== undefined) this.set({ upstream }, failingSince / 1_000)
      }
    },
  })
}
