import { isObject } from './chunk-shape.ts'

/** The ids in the answer to `GET /models`; undefined when it is not such a list. */
export function readModelList(text: string): ReadonlySet<string> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const entries = Array.isArray(value) ? value : isObject(value) ? value['data'] : undefined
  if (!Array.isArray(entries)) return undefined
  const ids = new Set<string>()
  for (const entry of entries) {
    if (!isObject(entry)) continue
    for (const id of [entry['id'], entry['name']]) if (typeof id === 'string') ids.add(id)
    if (Array.isArray(entry['aliases'])) for (const alias of entry['aliases']) if (typeof alias === 'string') ids.add(alias)
  }
  return ids
}
