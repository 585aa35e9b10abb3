import {
  encodeUpdate,
  isTransient,
  splitRuns,
  vectorOf,
  type DocumentName,
  type LogRun,
  type RefusalCode,
  type Vector,
} from "@weft/sdk/protocol"
import * as Y from "yjs"
import type { Random } from "../support/seed.js"
import { stateVector, type Carrier } from "./carrier.js"
import type { Replica } from "./party.js"

const ways = ["whole", "frames", "cut", "merged", "diff"] as const

/** Offers an update; an honest one is refused for now at most. */
export async function offer(
  to: Replica,
  document: DocumentName,
  update: Uint8Array,
  how: string,
): Promise<RefusalCode[]> {
  const refusals = await to.take(document, update)
  for (const code of refusals) {
    if (!isTransient(code)) throw new Error(`${to.name} refused what is honest (${how}): ${code} in ${document}`)
  }
  return refusals
}

/** Sends what one replica holds of a document to another, in some way in which carriers may cut, repeat and lose it. */
export async function deliver(from: Replica, to: Replica, document: DocumentName, random: Random): Promise<void> {
  const [mine, theirs] = [await from.summary(document), await to.summary(document)]
  if (!random.oneIn(4)) {
    const records = Array.from(mine.records).flatMap(([id, record]) => (theirs.records.has(id) ? [] : [record]))
    if (records.length > 0) await to.takeRecords(document, records)
  }
  const vector = someVector(vectorOf(theirs), random)
  const runs = await from.missingFrom(document, vector)
  if (runs.length === 0) return
  const way = random.pick(ways)
  for (const update of updatesOf(way, document, runs, random)) await offer(to, document, update, `${from.name}, ${way}`)
}

export async function deliverToCarrier(
  from: Replica,
  to: Carrier,
  document: DocumentName,
  random: Random,
): Promise<void> {
  const runs = await from.missingFrom(document, someVector(new Map(), random))
  if (runs.length > 0)
    for (const update of updatesOf(random.pick(ways), document, runs, random)) to.take(document, update)
}

export async function deliverFromCarrier(
  from: Carrier,
  to: Replica,
  document: DocumentName,
  random: Random | undefined,
): Promise<void> {
  const held = vectorOf(await to.summary(document))
  const update = from.update(document, random === undefined ? held : someVector(held, random))
  if (update !== undefined) await offer(to, document, update, from.name)
}

/** What the receiver says that it holds: the truth, or less of it, anywhere within a log. */
function someVector(held: Vector, random: Random): Vector {
  if (!random.oneIn(3)) return held
  return new Map(Array.from(held, ([log, count]) => [log, random.oneIn(2) ? count : random.below(count + 1)]))
}

function updatesOf(
  way: (typeof ways)[number],
  document: DocumentName,
  runs: readonly LogRun[],
  random: Random,
): Uint8Array[] {
  switch (way) {
    case "whole":
      return [encodeUpdate(runs)]
    case "frames":
      return disturb(frames(runs), random)
    case "cut":
      return disturb(
        runs.flatMap((run) => {
          const start = random.below(run.elements.length)
          const end = start + 1 + random.below(run.elements.length - start)
          return encodeUpdate([{ ...run, from: run.from + start, elements: run.elements.slice(start, end) }])
        }),
        random,
      )
    case "merged":
      return [Y.mergeUpdates(disturb(frames(runs), random))]
    case "diff": {
      const vector = new Map(runs.map(({ log, from, elements }) => [log, from + random.below(elements.length + 1)]))
      return [Y.diffUpdate(encodeUpdate(runs), stateVector(document, vector))]
    }
  }
}

function frames(runs: readonly LogRun[]): Uint8Array[] {
  return splitRuns(runs, 1).map((group) => encodeUpdate(group))
}

/** Loses some, repeats some, and swaps some; one is left at least. */
function disturb(updates: readonly Uint8Array[], random: Random): Uint8Array[] {
  const result = updates.flatMap((update) => (random.oneIn(8) ? [] : random.oneIn(8) ? [update, update] : [update]))
  for (let at = result.length - 1; at > 0; at--) {
    if (random.oneIn(3)) [result[at], result[at - 1]] = [result[at - 1]!, result[at]!]
  }
  return result.length === 0 ? updates.slice(0, 1) : result
}
