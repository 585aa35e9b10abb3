import * as Y from "yjs"
import { KIND_BODY } from "../protocol/entry.js"
import { parseLogId, type DocumentName } from "../protocol/names.js"
import { encodeUpdate, type Element, type LogRun } from "../log/update.js"

/** Marks transactions of ours, so that observers of a document can tell them from a carrier's. */
export const WEFT_ORIGIN = "weft"

/** An open document: a Yjs document that collects what it forgets, without an undo manager. */
export function createYDoc(name: DocumentName): Y.Doc {
  return new Y.Doc({ guid: name, gc: true })
}

/** Applies runs that passed the check; nothing else is ever applied. */
export function applyRuns(doc: Y.Doc, runs: readonly LogRun[]): void {
  if (runs.length > 0) Y.applyUpdate(doc, encodeUpdate(runs), WEFT_ORIGIN)
}

/**
 * Appends a sealed run of our own. As an update: a byte array pushed through its Y type would be a `ContentBinary`, which
 * no log holds. False where Yjs did not put it at its place: the session ends then. [SPEC C4, W3]
 */
export function pushRun(doc: Y.Doc, run: LogRun): boolean {
  if (Y.getState(doc.store, run.client) !== run.from) return false
  applyRuns(doc, [run])
  return Y.getState(doc.store, run.client) === run.from + run.elements.length
}

/** Whether each log of an open document is in these runs, to its end. */
export function holdsNothingBeyond(doc: Y.Doc, runs: readonly LogRun[]): boolean {
  const ends = new Map(runs.map(({ client, from, elements }) => [client, from + elements.length]))
  for (const client of doc.store.clients.keys()) {
    if (Y.getState(doc.store, client) > (ends.get(client) ?? 0)) return false
  }
  return true
}

/**
 * The logs of a Yjs document, as its types hold them; a body that is gone leaves a hole. Roots that are no logs and
 * elements that are no bytes end a log early: the check decides what they are worth.
 */
export function readYDoc(doc: Y.Doc, clientOf: (log: LogRun["log"]) => number): LogRun[] {
  const runs: LogRun[] = []
  for (const root of doc.share.keys()) {
    const parsed = parseLogId(root)
    if (parsed === undefined) continue
    const elements: Element[] = []
    for (const element of doc.getArray(root).toArray()) {
      if (!(element instanceof Uint8Array)) break
      // A head is followed by its body: anything else behind it means that the body was erased.
      if (elements.at(-1)?.[0] === 1 && element[0] !== KIND_BODY) elements.push(null)
      elements.push(element)
    }
    runs.push({ log: parsed.log, client: clientOf(parsed.log), from: 0, elements })
  }
  return runs
}
