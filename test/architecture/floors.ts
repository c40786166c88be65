/** What each folder of src may import, lowest floor first: a row names doors above it in this table only. */
export const FLOORS: ReadonlyMap<string, readonly string[] | 'everything above'> = new Map<string, readonly string[] | 'everything above'>([
  ['base', []],
  ['contract', ['base']],
  ['store', ['base', 'contract']],
  ['bus', ['base']],
  ['knowledge', ['base', 'contract', 'store']],
  ['providers', ['base', 'contract', 'knowledge']],
  ['notify', ['base', 'contract', 'store']],
  ['streams', ['base', 'contract', 'store', 'bus']],
  ['auth', ['base', 'contract', 'store', 'bus', 'streams']],
  ['config', ['base', 'contract', 'store', 'streams']],
  ['accesslog', ['base', 'contract', 'store']],
  ['health', ['base', 'contract', 'store', 'streams', 'providers', 'config']],
  ['gateway', ['base', 'contract', 'bus', 'providers', 'config', 'accesslog', 'health']],
  ['rollout', ['base', 'contract', 'store', 'bus', 'streams', 'config', 'accesslog', 'health', 'gateway']],
  ['runs', ['base', 'contract', 'store', 'bus', 'streams', 'gateway']],
  ['chat', ['base', 'contract', 'store', 'streams', 'notify', 'runs']],
  ['incidents', ['base', 'contract', 'store', 'streams', 'notify', 'config', 'accesslog', 'health', 'rollout']],
  ['support', ['base', 'contract', 'store', 'streams', 'notify', 'knowledge', 'runs', 'chat']],
  ['status', ['base', 'contract', 'store', 'streams', 'notify', 'config', 'accesslog', 'health', 'incidents']],
  ['drills', ['base', 'contract', 'store', 'streams', 'config', 'health', 'incidents']],
  ['http', 'everything above'],
  ['app', 'everything above'],
  ['cli', 'everything above'],
])

/** What src/main.ts may import. */
export const MAIN_CALLS: readonly string[] = ['cli']

/** The doors that a folder may import; undefined for a folder that the table does not name. */
export function allowedDoors(folder: string): readonly string[] | undefined {
  const row = FLOORS.get(folder)
  if (row !== 'everything above') return row
  const names = [...FLOORS.keys()]
  return names.slice(0, names.indexOf(folder))
}
