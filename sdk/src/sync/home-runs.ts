import { checkContext, erasedMessages, type GatePorts } from "../authority/gate.js"
import type { ControlState } from "../authority/project.js"
import { check } from "../log/check.js"
import { isSameLog } from "../log/rebuild.js"
import { emptySummary, type DocumentSummary } from "../log/summary.js"
import { encodeUpdate, type LogRun } from "../log/update.js"
import type { LogId } from "../protocol/names.js"

interface HomePorts extends Pick<GatePorts, "verify" | "refusesKey"> {
  /** The authority over the document. */
  state(): ControlState
  /** Elements of a held log that may stand, by all that is known here. */
  cutOf(log: LogId): number
}

/**
 * The logs of a segment that was away, as they came back, each from its beginning; undefined where they are not what was held.
 * `isWhole`: as much of all. Of one that was cut meanwhile there may be less: what the check lets pass, as others keep no more
 * of it. [SPEC U15]
 */
export async function homeRuns(
  held: DocumentSummary,
  came: ReadonlyMap<number, LogRun>,
  ports: HomePorts,
): Promise<{ readonly runs: readonly LogRun[]; readonly isWhole: boolean } | undefined> {
  const { document, records } = held
  const erased = erasedMessages(held)
  const runs: LogRun[] = []
  let isWhole = true
  for (const log of held.logs.values()) {
    const run = came.get(log.client)
    if (run !== undefined && isSameLog(document, log, run, (message) => erased.has(message))) {
      runs.push(run)
      continue
    }
    if (ports.cutOf(log.log) >= log.count) return undefined
    isWhole = false
    if (run === undefined) continue
    const context = checkContext({ ...emptySummary(document), records }, ports.state(), {
      held: async () => undefined,
      verify: ports.verify.bind(ports),
      refusesKey: ports.refusesKey.bind(ports),
    })
    for (const verdict of (await check(encodeUpdate([run]), context)) ?? [])
      if (verdict.client === log.client && verdict.run !== undefined) runs.push(verdict.run)
  }
  return { runs, isWhole }
}
