import { concat, hex } from "@weft/sdk/protocol"
import type { Store } from "../store/store.js"

const SETTING = "trusted-keys"
/** As many as `welcome` can name. */
const MAX_KEYS = 256
const KEY_BYTES = 32

/** Keys of the servers whose certificates count here: this one's, the operator's list, and those of peers that were met. */
export interface Trust {
  keys(): readonly Uint8Array[]
  /** Takes a peer's key, for good. */
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
  const learnt = new Map<string, Uint8Array>()
  const stored = (await store.getSetting(SETTING)) ?? new Uint8Array()
  for (let at = 0; at + KEY_BYTES <= stored.length; at += KEY_BYTES) {
    const key = stored.slice(at, at + KEY_BYTES)
    learnt.set(hex(key), key)
    put(key)
  }
  const keys = (): readonly Uint8Array[] => Array.from(known.values())
  return {
    keys,
    async learn(key) {
      if (known.has(hex(key))) return
      put(key)
      learnt.set(hex(key), key)
      await store.putSetting(SETTING, concat(Array.from(learnt.values())))
      onGrowth(keys())
    },
  }
}
