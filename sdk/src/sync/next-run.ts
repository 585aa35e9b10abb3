import { decodeControl } from "../authority/control.js"
import type { Draft } from "../log/draft.js"
import { sealable } from "../log/writer.js"

/** What the next seal covers. `opensLog`: it goes into a log of its own. */
export interface NextRun {
  readonly drafts: readonly Draft[]
  readonly opensLog: boolean
}

/**
 * The first of the drafts that wait, as many as one seal may cover. A join opens a log: one that waits for its invite would
 * keep another one behind it waiting. Of several the one written last goes first. [SPEC W2, A19]
 */
export function nextRun(waiting: readonly Draft[]): NextRun {
  const other = waiting.findIndex((draft) => !isJoin(draft))
  const joins = other < 0 ? waiting.length : other
  const rest = waiting.slice(Math.max(0, joins - 1))
  const end = rest.findIndex((draft, at) => at > 0 && isJoin(draft))
  const drafts = rest.slice(0, end < 0 ? undefined : end)
  return { drafts: drafts.slice(0, sealable(drafts)), opensLog: joins > 0 }
}

function isJoin({ class: kind, body }: Draft): boolean {
  return kind === "control" && decodeControl(body)?.kind === "join"
}
