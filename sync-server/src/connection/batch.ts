import {
  encodeFrame,
  encodeRecord,
  encodeUpdate,
  MAX_FRAME_UPDATE_BYTES,
  RECORDS_PER_FRAME,
  splitRuns,
  type DocumentName,
  type LogRun,
} from "@weft/sdk/protocol"
import type { Change } from "../document/change.js"
import type { Confirmations } from "../document/outcome.js"

/** Changes of one document that go out together; encoded once, whoever reads them. */
export class Batch {
  readonly document: DocumentName
  readonly #changes: readonly Change[]
  #updates: readonly Uint8Array[] | undefined
  #frames: readonly Uint8Array[] | undefined
  #holes: readonly Uint8Array[] | undefined

  constructor(document: DocumentName, changes: readonly Change[]) {
    this.document = document
    this.#changes = changes
  }

  /** Canonical updates, in order. */
  get updates(): readonly Uint8Array[] {
    return (this.#updates ??= encodeAll(this.#changes.flatMap(({ runs }) => runs)))
  }

  /** Frames that ask for no answer: erase records, then updates. */
  get frames(): readonly Uint8Array[] {
    return (this.#frames ??= [
      ...this.recordFrames,
      ...this.updates.map((update) => encodeFrame({ kind: "update", id: 0, document: this.document, update })),
    ])
  }

  /** Of its frames, together. */
  get bytes(): number {
    return this.frames.reduce((sum, { length }) => sum + length, 0)
  }

  get recordFrames(): readonly Uint8Array[] {
    return recordFrames(
      this.document,
      this.#changes.flatMap(({ records }) => records.map(encodeRecord)),
    )
  }

  /** Updates whose delete sets take erased bodies out of stock documents. */
  get holes(): readonly Uint8Array[] {
    return (this.#holes ??= encodeAll(this.#changes.flatMap(({ holes }) => holes)))
  }

  get copies(): readonly Confirmations[] {
    return this.#changes.map(({ copies }) => copies)
  }
}

export function recordFrames(document: DocumentName, records: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < records.length; at += RECORDS_PER_FRAME) {
    const part = records.slice(at, at + RECORDS_PER_FRAME)
    frames.push(encodeFrame({ kind: "records", id: 0, document, records: part }))
  }
  return frames
}

/** Runs in the order in which they were accepted, in as few updates as may be. */
function encodeAll(runs: readonly LogRun[]): Uint8Array[] {
  const updates: Uint8Array[] = []
  let joined = new Map<number, LogRun>()
  const flush = (): void => {
    const groups = isHoles(joined)
      ? [Array.from(joined.values())]
      : splitRuns([...joined.values()], MAX_FRAME_UPDATE_BYTES)
    if (joined.size > 0) updates.push(...groups.map((group) => encodeUpdate(group)))
    joined = new Map()
  }
  for (const run of runs) {
    const before = joined.get(run.client)
    if (before === undefined) joined.set(run.client, run)
    else if (before.from + before.elements.length === run.from) {
      joined.set(run.client, { ...before, elements: [...before.elements, ...run.elements] })
    } else {
      // One log stands in an update once.
      flush()
      joined.set(run.client, run)
    }
  }
  flush()
  return updates
}

/** Lone holes end with no seal, where updates are split. */
function isHoles(runs: ReadonlyMap<number, LogRun>): boolean {
  for (const { elements } of runs.values()) return elements.every((element) => element === null)
  return false
}
