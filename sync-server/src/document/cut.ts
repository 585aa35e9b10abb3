import { cutRun, encodeUpdate, summarize, type CheckContext, type DocumentName, type LogRun } from "@weft/sdk/protocol"
import { asideFrom, asideName, asideRuns } from "../store/aside.js"
import type { Store } from "../store/store.js"
import type { ActiveDocument } from "./active-document.js"
import { readable } from "./damage.js"

/**
 * Takes what lies beyond the cuts of its logs out of a document, and sets it aside: a removal may fall yet. Returns the
 * number of runs that went. Nothing may be appended meanwhile.
 */
export async function cutDocument(
  document: ActiveDocument,
  store: Store,
  cutOf: CheckContext["cutOf"],
): Promise<number> {
  const { summary } = document
  const logs = Array.from(summary.logs.values())
  if (logs.every(({ log, firstSeen, count }) => cutOf(log, firstSeen) >= count)) return 0
  let cut = 0
  await document.replace(async (contents) => {
    const kept: LogRun[] = []
    const beyond: LogRun[] = []
    for (const run of contents.values()) {
      const held = summary.logs.get(run.client)
      const parts = cutRun(run, held === undefined ? Infinity : cutOf(run.log, held.firstSeen))
      if (parts.kept !== undefined) kept.push(parts.kept)
      if (parts.beyond !== undefined) beyond.push(parts.beyond)
    }
    // First the copy, then the cut: a crash between them leaves both, and the check skips what is held.
    await setAside(document.name, store, beyond)
    const shortened = summarize(document.name, new Map(kept.map((run) => [run.client, run])))
    // Records are kept even where their log was cut. [SPEC X2]
    for (const [id, record] of summary.records) shortened.records.set(id, record)
    cut = beyond.length
    return { runs: kept, summary: shortened }
  })
  return cut
}

/** What an earlier cut set aside from the same position on may be more: it stays then. */
async function setAside(document: DocumentName, store: Store, runs: readonly LogRun[]): Promise<void> {
  if (runs.length === 0) return
  const held = new Map((await store.asides(document)).map(({ name, update }) => [name, update]))
  for (const run of runs) {
    const name = asideName(run)
    const update = held.get(name)
    const before = update === undefined ? [] : await readable(document, async () => asideRuns(name, update))
    if (before.some(({ elements }) => elements.length > run.elements.length)) continue
    await store.putAside(document, name, encodeUpdate([run]))
  }
}

/** Offers what was set aside again, since authority changed; `offer` says whether all of it was taken. */
export async function retryAsides(
  document: DocumentName,
  store: Store,
  offer: (update: Uint8Array) => Promise<boolean>,
): Promise<void> {
  const asides = await store.asides(document)
  // Of one log the earlier part first.
  for (const { name, update } of asides.sort((a, b) => asideFrom(a.name) - asideFrom(b.name))) {
    if (await offer(update)) await store.putAside(document, name, undefined)
  }
}
