import type { Entry } from "../log/check.js"
import type { Contents } from "../log/contents.js"
import { orderDrafts, type Draft } from "../log/draft.js"
import { cutRun, readRun } from "../log/rebuild.js"
import type { LogRun } from "../log/update.js"
import type { Signer } from "../log/writer.js"
import type { RefusalCode } from "../protocol/codes.js"
import { deviceIdOf, deviceOf, documentParts, type DocumentName, type LogId } from "../protocol/names.js"
import type { Rewritten } from "./document-drafts.js"
import { draftOf } from "./refused.js"
import { renamed, type Instead, type Superseded } from "./superseded.js"

/** What a server said of an own log; without a code all of it is to be written again. */
export interface TakenBack {
  readonly log: LogId
  readonly from: number
  readonly code: RefusalCode | undefined
}

export interface Again {
  /** Whole logs, as they remain. */
  readonly kept: readonly LogRun[]
  readonly lost: readonly Entry[]
  /** Of what was lost. */
  readonly refused: readonly Draft[]
  /** All that waits for a seal, in order. */
  readonly drafts: readonly Rewritten[]
  /** Control entries that nobody takes, beside those that were known. */
  readonly superseded: readonly Instead[]
}

/**
 * What becomes of a document's own entries when a server refused some of them, or when they rest on what nobody takes:
 * what is taken back, and with it whatever rests on it, becomes drafts on ground that holds. [SPEC R1, R6]
 */
export async function writeAgain(
  document: DocumentName,
  { contents, pending }: { readonly contents: Contents; readonly pending: readonly Draft[] },
  { signer, superseded }: { readonly signer: Signer; readonly superseded: Superseded },
  taken?: TakenBack,
): Promise<Again> {
  const device = deviceIdOf(signer.publicKey)
  const kept = new Map(contents)
  const lost: Entry[] = []
  const cut = (run: LogRun, limit: number): void => {
    const parts = cutRun(run, limit)
    if (parts.kept === undefined) kept.delete(run.client)
    else kept.set(run.client, parts.kept)
    const end = parts.kept?.elements.length ?? 0
    lost.push(...readRun(run).filter(({ position }) => position >= end))
  }
  for (const run of contents.values()) if (run.log === taken?.log) cut(run, taken.from)
  const refused = taken?.code === undefined ? [] : refusedOf(document, lost, taken.from)
  for (;;) {
    const names = superseded.copy()
    const fresh: Instead[] = refused.flatMap(({ control, seen }) => (control === undefined ? [] : [[control, seen]]))
    names.add(fresh)
    const again = lost.flatMap((entry) => (refused.includes(entry) ? [] : (draftOf(entry) ?? [])))
    const waiting = new Set(pending)
    const drafts: Rewritten[] = []
    // Each behind what it has seen, whatever it calls that, so that a new name is there before it is named.
    const ordered = orderDrafts(device, [...again, ...pending], (seen) => names.resolve(seen))
    for (const draft of ordered) {
      const next = names.concerns(draft) ? await names.regrounded(document, draft, signer) : draft
      const name = renamed(device, draft, next)
      if (name !== undefined) {
        fresh.push(name)
        names.add([name])
      }
      drafts.push({ before: waiting.has(draft) ? draft : undefined, draft: next })
    }
    // Also where these keep their names: what stands on them is to stand behind them, in whichever log they come to be.
    const moved = new Set(lost.flatMap(({ control }) => control ?? []))
    let isWhole = true
    for (const run of Array.from(kept.values())) {
      if (deviceOf(run.log) !== device) continue
      const groundless = readRun(run).find((entry) => {
        return names.concernsEntry(entry) || (entry.control !== undefined && entry.seen.some((id) => moved.has(id)))
      })
      if (groundless === undefined) continue
      cut(run, groundless.position)
      isWhole = false
    }
    if (!isWhole) continue
    const refusedDrafts = refused.flatMap((entry) => draftOf(entry) ?? [])
    return { kept: Array.from(kept.values()), lost, refused: refusedDrafts, drafts, superseded: fresh }
  }
}

/**
 * In a segment everything from the refused position on; of control entries the one that stands there, for those behind it
 * are judged by themselves.
 */
function refusedOf(document: DocumentName, lost: readonly Entry[], from: number): readonly Entry[] {
  if (documentParts(document).kind === "segment") return lost.slice()
  // A position of a body or a seal stands for the head before it.
  const behind = lost.findIndex(({ position }) => position > from)
  return lost.slice(Math.max(0, (behind < 0 ? lost.length : behind) - 1)).slice(0, 1)
}
