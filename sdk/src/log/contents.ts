import { decodeHead, KIND_HEAD, messageIdOf, type MessageId } from "../protocol/entry.js"
import { deviceOf, type DeviceId, type LogId } from "../protocol/names.js"
import type { Vector } from "./summary.js"
import { decodeUpdate, type Element, type LogRun } from "./update.js"

/** A document's whole logs, by Yjs client id: what a store's updates add up to. */
export type Contents = ReadonlyMap<number, LogRun>

/**
 * Puts the canonical updates of a store together, in any order and with overlaps; throws RangeError where one can't be
 * read or leaves a gap, for then the store is damaged. Erased in one means erased.
 */
export function readContents(updates: readonly Uint8Array[]): Contents {
  const parts = new Map<number, { from: number; elements: readonly Element[]; root: string | undefined }[]>()
  for (const update of updates) {
    const blocks = decodeUpdate(update)
    if (blocks === undefined) throw new RangeError("a stored update can't be read")
    for (const { client, from, elements, root, refusal } of blocks) {
      if (refusal !== undefined) throw new RangeError("a stored update holds what no log does")
      const list = parts.get(client)
      if (list === undefined) parts.set(client, [{ from, elements, root }])
      else list.push({ from, elements, root })
    }
  }
  const contents = new Map<number, LogRun>()
  for (const [client, list] of parts) {
    list.sort((a, b) => a.from - b.from)
    const root = list[0]?.root
    if (root === undefined) throw new RangeError("a stored log has no beginning")
    const whole: Element[] = []
    for (const { from, elements } of list) {
      if (from > whole.length) throw new RangeError("a stored log has a gap")
      elements.forEach((element, index) => {
        const at = from + index
        if (at === whole.length) whole.push(element)
        else if (element === null) whole[at] = null
      })
    }
    contents.set(client, { log: root as LogId, client, from: 0, elements: whole })
  }
  return contents
}

/** What a replica with this vector lacks, log by log. Never begins with a body: without its head nobody could judge it. */
export function runsBeyond(contents: Contents, vector: Vector): LogRun[] {
  const runs: LogRun[] = []
  for (const run of contents.values()) {
    let from = vector.get(run.log) ?? 0
    if (from > 0 && run.elements[from - 1]?.[0] === KIND_HEAD) from--
    if (from < run.elements.length) runs.push({ ...run, from, elements: run.elements.slice(from) })
  }
  return runs
}

/** The runs with the bodies of erased messages taken out, and whether there were any. [SPEC X3] */
export function punch(
  runs: Iterable<LogRun>,
  isErased: (message: MessageId) => boolean,
): { runs: LogRun[]; punched: number } {
  let punched = 0
  const result = Array.from(runs, (run) => {
    const device: DeviceId = deviceOf(run.log)
    let elements: Element[] | undefined
    run.elements.forEach((element, index) => {
      if (element === null || element[0] !== KIND_HEAD) return
      const body = run.elements[index + 1]
      const head = decodeHead(element)
      if (!body || head?.class !== "message" || !isErased(messageIdOf(device, head.bodyHash))) return
      elements ??= run.elements.slice()
      elements[index + 1] = null
      punched++
    })
    return elements === undefined ? run : { ...run, elements }
  })
  return { runs: result, punched }
}
