import {
  advanceSummary,
  check,
  decodeUpdate,
  emptySummary,
  encodeSummary,
  encodeUpdate,
  readRun,
  type DocumentName,
  type DocumentSummary,
  type LogId,
  type LogRun,
} from "@weft/sdk/protocol"
import type { Verifier } from "../auth/verifier.js"
import type { Log } from "../observe/log.js"
import { asideRuns } from "../store/aside.js"
import type { Store, StoredName } from "../store/store.js"
import { stateVectorOf } from "../store/values.js"
import { ActiveDocument } from "./active-document.js"
import { isDamage } from "./damage.js"
import { digestOf } from "./digest.js"

type Elements = LogRun["elements"]

export interface RepairPorts {
  readonly store: Store
  readonly verifier: Verifier
  readonly log: Log
  breathe(): Promise<void> | undefined
  /** Keeps the bytes of a damaged document elsewhere, before they are replaced. */
  keep(document: StoredName, updates: readonly Uint8Array[]): Promise<void>
}

/**
 * Reads every document, and of those that can't be read keeps what passes the check: the rest is missing then, and comes
 * back from whoever holds it. Before anything else uses the store. [SPEC R7]
 */
export async function repairDocuments(ports: RepairPorts): Promise<number> {
  const { store, log } = ports
  let repaired = 0
  for (const document of await store.documents()) {
    await ports.breathe()
    try {
      if (await dropAsides(document, ports)) repaired++
      const contents = await (await ActiveDocument.load(document, store)).contents()
      for (const run of contents.values()) readRun(run)
    } catch (error) {
      if (!isDamage(error)) throw error
      const cutDown = async (): Promise<void> => {
        const updates = await store.updates(document)
        await ports.keep(document, updates)
        const { summary, runs } = await salvage(document, updates, ports)
        const digest = digestOf(summary)
        await store.mend(
          document,
          runs.length === 0
            ? undefined
            : { update: encodeUpdate(runs), summary: encodeSummary(summary), digest, stateVector: stateVectorOf(runs) },
        )
        log.warn({ err: error, document, logs: runs.length }, "a damaged document was cut down to what can be read")
      }
      if (await unlessUnreadable(document, log, cutDown)) repaired++
    }
  }
  return repaired
}

/** Whether a repair was done. What the database itself can't read is left alone, and keeps no server from its start. */
export async function unlessUnreadable(document: StoredName, log: Log, repair: () => Promise<void>): Promise<boolean> {
  try {
    await repair()
    return true
  } catch (error) {
    if (!isDamage(error)) throw error
    log.error({ err: error, document }, "a damaged document can't be repaired; it is left alone")
    return false
  }
}

/** Takes out what was set aside and can't be read; others have it. Whether there was any. */
async function dropAsides(document: DocumentName, ports: RepairPorts): Promise<boolean> {
  const { store, log } = ports
  let found = false
  for (const { name, update } of await store.asides(document)) {
    try {
      asideRuns(name, update)
    } catch (error) {
      if (!isDamage(error)) throw error
      await ports.keep(document, [update])
      await store.putAside(document, name, undefined)
      log.warn({ err: error, document }, "what was set aside of a document, and can't be read, was taken out")
      found = true
    }
  }
  return found
}

/** The beginnings of logs that are whole and sealed. */
async function salvage(
  document: DocumentName,
  updates: readonly Uint8Array[],
  ports: RepairPorts,
): Promise<{ summary: DocumentSummary; runs: LogRun[] }> {
  const summary = emptySummary(document)
  const runs: LogRun[] = []
  for (const run of beginnings(updates)) {
    const verdicts = await check(encodeUpdate([run]), {
      summary,
      // What was accepted here once was judged then; what this server forgot of it, others know.
      knowsControl: () => true,
      admit: () => undefined,
      cutOf: () => Infinity,
      isErased: () => true,
      admitRecord: () => undefined,
      held: async () => undefined,
      refusesKey: (key) => ports.verifier.refusesKey(key),
      verify: (...proof) => ports.verifier.verify(...proof),
      breathe: () => ports.breathe(),
    })
    advanceSummary(summary, verdicts ?? [])
    for (const verdict of verdicts ?? []) if (verdict.run !== undefined) runs.push(verdict.run)
  }
  return { summary, runs }
}

/** Of each log the elements from its beginning to the first that is missing. */
function beginnings(updates: readonly Uint8Array[]): LogRun[] {
  const parts = new Map<number, { from: number; elements: Elements; root: string | undefined }[]>()
  for (const update of updates) {
    for (const { client, from, elements, root, refusal } of decodeUpdate(update) ?? []) {
      if (refusal === undefined) parts.set(client, [...(parts.get(client) ?? []), { from, elements, root }])
    }
  }
  const runs: LogRun[] = []
  for (const [client, list] of parts) {
    list.sort((a, b) => a.from - b.from)
    const root = list[0]?.root
    const whole: Elements[number][] = []
    for (const { from, elements } of list) {
      if (from > whole.length) break
      elements.forEach((element, index) => {
        if (from + index === whole.length) whole.push(element)
        else if (element === null) whole[from + index] = null
      })
    }
    if (root !== undefined && whole.length > 0) runs.push({ log: root as LogId, client, from: 0, elements: whole })
  }
  return runs
}
