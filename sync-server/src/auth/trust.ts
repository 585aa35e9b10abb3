import { concat, createQueue, hex, WeftError } from "@weft/sdk/protocol"
import type { Store } from "../store/store.js"

const SETTING = "trusted-keys"
/** As many as `welcome` can name. */
const MAX_KEYS = 256
const KEY_BYTES = 32

/** Keys of the servers whose certificates count here: this one's, the operator's list, and those of peers that were met. */
export interface Trust {
  keys(): readonly Uint8Array[]
  /** Takes a peer's key, for good. Where it can't be stored that is tried again when the peer is met again. */
  learn(key: Uint8Array): Promise<void>
}

/** `onGrowth`: called when a key was learnt. */
export async function loadTrust(
  store: Store,
  own: Uint8Array,
  configured: readonly Uint8Array[],
  onGrowth: (keys: readonly Uint8Array[]) => void,
): Promise<Trust> {
  const known = new Map<string, Uint8Array>()
  const put = (key: Uint8Array): void => {
    if (known.size < MAX_KEYS) known.set(hex(key), key)
  }
  put(own)
  configured.forEach(put)
  const given = new Set(known.keys())
  const stored = new Map<string, Uint8Array>()
  const bytes = (await store.getSetting(SETTING)) ?? new Uint8Array()
  for (let at = 0; at + KEY_BYTES <= bytes.length; at += KEY_BYTES) {
    const key = bytes.slice(at, at + KEY_BYTES)
    stored.set(hex(key), key)
    put(key)
  }
  const keys = (): readonly Uint8Array[] => Array.from(known.values())
  // One after another: each stores all that were stored before it.
  const inTurn = createQueue()
  return {
    keys,
    learn(key) {
      const name = hex(key)
      // At once: what the peer sends next may rest on it.
      put(key)
      return inTurn(async () => {
        if (given.has(name) || stored.has(name)) return
        try {
          await store.putSetting(SETTING, concat([...stored.values(), key]))
        } catch (error) {
          // The store says so itself, and the peer is heard all the same.
          if (error instanceof WeftError) return
          throw error
        }
        stored.set(name, key)
        onGrowth(keys())
      })
    },
  }
}
