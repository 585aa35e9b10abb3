import type { createMemoryStorage } from "@weft/sdk/node"

export type Memory = ReturnType<typeof createMemoryStorage>

/** The same data, of which no document can be read until `open` is called: a slow disk. */
export function gated(storage: Memory): { storage: Memory; open: () => void } {
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const shared = storage.share()
  return {
    storage: {
      ...shared,
      scan: async (range) => {
        if (range.from.startsWith("u/")) await gate
        return shared.scan(range)
      },
    },
    open,
  }
}
