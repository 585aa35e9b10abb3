import { decodeUpdate, type Element, type LogRun } from "./update.js"
import type { LogId } from "../protocol/names.js"

/** Bytes of updates that are kept of a document. */
const MAX_BYTES = 16 * 1024

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

  /** Elements of a log, all from `from` up to `end` among them; undefined where they are not here. */
  covering(log: LogId, client: number, from: number, end: number): LogRun | undefined {
    const blocks = this.updates
      .flatMap((update) => decodeUpdate(update) ?? [])
      .filter((block) => block.client === client)
    const start = blocks[0]?.from ?? Infinity
    const elements = blocks.flatMap((block): readonly Element[] => block.elements)
    return start <= from && end <= start + elements.length ? { log, client, from: start, elements } : undefined
  }
}
