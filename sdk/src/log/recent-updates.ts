import { decodeUpdate, type Element, type LogRun } from "./update.js"
import type { LogId } from "../protocol/names.js"

/** Bytes of updates that are kept of a document. */
const MAX_BYTES = 16 * 1024

/** Elements of a log, all from `from` up to `end` among them; undefined where they are not here. */
export type Covering = (log: LogId, client: number, from: number, end: number) => LogRun | undefined

/** What is here of a log. */
interface Recent {
  readonly from: number
  readonly elements: Element[]
}

/**
 * The updates that were last accepted of a document, as they are stored. What comes a second time, from another server say,
 * comes soon: it is compared with these, and nothing is read for it.
 */
export class RecentUpdates {
  private readonly updates: Uint8Array[] = []
  private bytes = 0

  /** The next one: each log goes on in it where the ones before end. */
  add(update: Uint8Array): void {
    this.updates.push(update)
    this.bytes += update.length
    while (this.bytes > MAX_BYTES) this.bytes -= this.updates.shift()?.length ?? 0
  }

  /** What is stored is another now. */
  clear(): void {
    this.updates.length = 0
    this.bytes = 0
  }

  /** For one update: it may overlap hundreds of logs, and all that is here is decoded once. */
  reader(): Covering {
    let runs: Map<number, Recent> | undefined
    return (log, client, from, end) => {
      runs ??= this.decoded()
      const run = runs.get(client)
      if (run === undefined || from < run.from || end > run.from + run.elements.length) return undefined
      return { log, client, ...run }
    }
  }

  private decoded(): Map<number, Recent> {
    const runs = new Map<number, Recent>()
    for (const { client, from, elements } of this.updates.flatMap((update) => decodeUpdate(update) ?? [])) {
      const run = runs.get(client)
      if (run === undefined) runs.set(client, { from, elements: Array.from(elements) })
      else run.elements.push(...elements)
    }
    return runs
  }
}
