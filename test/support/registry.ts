import { systemEnv } from "@weft/sdk/protocol"
import { createVerifier } from "../../sync-server/src/auth/verifier.js"
import type { Change } from "../../sync-server/src/document/change.js"
import { DigestTable } from "../../sync-server/src/document/digest-table.js"
import { Registry } from "../../sync-server/src/document/registry.js"
import { UserIndex } from "../../sync-server/src/document/user-index.js"
import { defaultLimits, type Limits } from "../../sync-server/src/limits/limits.js"
import { Rates } from "../../sync-server/src/limits/rates.js"
import { Semaphore } from "../../sync-server/src/limits/semaphore.js"
import { createLog } from "../../sync-server/src/observe/log.js"
import { createMetrics } from "../../sync-server/src/observe/metrics.js"
import type { Store } from "../../sync-server/src/store/store.js"

/** The conversations of a server on this store, and what it relays; nothing is merged. */
export function openRegistry(store: Store, limits: Partial<Limits> = {}, now = () => systemEnv.now()) {
  const relayed: Change[] = []
  const all = { ...defaultLimits, ...limits }
  const index = new UserIndex(store)
  const registry = new Registry({
    store,
    verifier: createVerifier(),
    digests: new DigestTable(store),
    index,
    limits: all,
    written: new Rates({ perSecond: all.entriesPerSecond, burst: all.entryBurst }),
    relayed: new Rates({ perSecond: all.relayedPerSecond, burst: all.relayedBurst }),
    metrics: createMetrics({ process: false }),
    log: createLog("silent"),
    now,
    breathe: () => undefined,
    entering: new Semaphore(2),
    awaitsPeers: false,
    quarantined: new Set(),
    merge: () => undefined,
    relay: (change) => relayed.push(change),
    letOut: () => undefined,
    registered: new Rates({ perSecond: 20, burst: 100 }),
    relayRegisters: () => undefined,
    letIn: () => undefined,
  })
  return { registry, relayed, index }
}
