import { expect, it } from "vitest"
import type { Clock } from "../protocol/entry.js"
import { controlDocument, segmentDocument, type ConversationId } from "../protocol/names.js"
import type { StorageOperation } from "../storage/storage.js"
import { decodeImprint, encodeImprint, firstDue, type Imprint } from "./imprint.js"
import { ImprintKeeper } from "./imprint-keeper.js"

const id = "a".repeat(24) as ConversationId
const control = controlDocument(id)
const segment = segmentDocument(id, 7)

function imprint(stamp = "s".repeat(12)): Imprint {
  const document = (fill: number, due: number) => ({
    digest: new Uint8Array(32).fill(fill),
    version: new Uint8Array(8).fill(fill),
    due,
    lastClock: (1000 + fill) as Clock,
  })
  const documents = new Map([
    [control, document(1, Infinity)],
    [segment, document(2, 1_700_000_000_000)],
  ])
  return { stamp, digest: new Uint8Array(32).fill(3), tells: new Uint8Array(8).fill(4), documents }
}

function keeper(): { keeper: ImprintKeeper; changes: number[] } {
  const changes: number[] = []
  return { keeper: new ImprintKeeper(id, () => changes.push(changes.length)), changes }
}

async function forgotten(kept: ImprintKeeper): Promise<readonly StorageOperation[]> {
  let found: readonly StorageOperation[] = []
  await kept.change(async (forget) => {
    found = forget
  })
  return found
}

it("[S13] an imprint is read as it was written; what is none is read as none", () => {
  const bytes = encodeImprint(imprint())
  expect(decodeImprint(id, bytes)).toEqual(imprint())
  expect(firstDue(imprint())).toBe(1_700_000_000_000)
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeImprint(id, bytes.subarray(0, length))).toBeUndefined()
  }
  expect(decodeImprint(id, Uint8Array.of(...bytes, 0))).toBeUndefined()
  expect(decodeImprint(id, Uint8Array.of(9, ...bytes.subarray(1)))).toBeUndefined()
})

it("[S13] a change takes a stored imprint out, and is told", async () => {
  const { keeper: kept, changes } = keeper()
  // What the storage holds is not known yet: to be sure.
  expect(await forgotten(kept)).toEqual([{ kind: "delete", key: `f/${id}` }])
  kept.adopt(undefined)
  expect(await forgotten(kept)).toEqual([])
  kept.adopt(imprint())
  expect(kept.stamp).toBe("s".repeat(12))
  expect(await forgotten(kept)).toEqual([{ kind: "delete", key: `f/${id}` }])
  expect(kept.stamp).toBeUndefined()
  expect(await forgotten(kept)).toEqual([])
  expect(changes).toHaveLength(4)
  kept.release()
  expect(await forgotten(kept)).toEqual([{ kind: "delete", key: `f/${id}` }])
})

it("[S13] an imprint waits for what is under way, and what comes next for the imprint", async () => {
  const { keeper: kept } = keeper()
  expect(kept.isFree).toBe(false)
  kept.adopt(undefined)
  const enqueue = kept.queue()
  let end = (): void => undefined
  const task = enqueue(() => new Promise<void>((resolve) => (end = resolve)))
  await Promise.resolve()
  expect(kept.isFree).toBe(false)
  expect(() => kept.store(imprint())).toThrow(TypeError)
  end()
  await task
  expect(kept.isFree).toBe(true)
  const { operation, ended } = kept.store(imprint())
  expect(operation.key).toBe(`f/${id}`)
  const order: string[] = []
  const next = enqueue(async () => {
    order.push("task")
    expect(await forgotten(kept)).toEqual([{ kind: "delete", key: `f/${id}` }])
  })
  await new Promise((resolve) => setImmediate(resolve))
  order.push("stored")
  ended(true)
  await next
  expect(order).toEqual(["stored", "task"])
})

it("[S13] one that may not have been stored is taken out to be sure; after a change that failed there is none", async () => {
  const { keeper: kept } = keeper()
  kept.adopt(undefined)
  kept.store(imprint()).ended(false)
  expect(kept.stamp).toBeUndefined()
  // What it says of documents is so all the same.
  expect(kept.of(segment)).toEqual(imprint().documents.get(segment))
  expect(await forgotten(kept)).toHaveLength(1)
  await expect(kept.change(() => Promise.reject(new Error("the disk is gone")))).rejects.toThrow("the disk is gone")
  expect(kept.isFree).toBe(false)
  kept.adopt(undefined)
  expect(kept.isFree).toBe(true)
})
