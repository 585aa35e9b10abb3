import { expect, it } from "vitest"
import { WeftError } from "../base/errors.js"
import { ackPrefix } from "../log/keys.js"
import { anyDocument, deviceNamed, TestLog } from "../log/scenario.js"
import { createMemoryStorage } from "../storage/memory.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import { Acks } from "./acks.js"

const document = anyDocument()
const other = anyDocument(2)
const { id: log } = new TestLog(await deviceNamed("ann"), document)
const [first, second] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]

it("counts what at least one server made durable, and nothing of a server that it never met", async () => {
  const acks = await Acks.load(createMemoryStorage())
  acks.take("one", document, log, 5)
  expect(acks.count(document, log)).toBe(0)
  await acks.meet("one", first)
  await acks.meet("two", second)
  acks.take("one", document, log, 5)
  acks.take("two", document, log, 3)
  expect(acks.count(document, log)).toBe(5)
  expect(acks.count(other, log)).toBe(0)
})

it("does not go back, but where the server says exactly what it holds", async () => {
  const acks = await Acks.load(createMemoryStorage())
  await acks.meet("one", first)
  const changed: string[] = []
  acks.changes.on((name) => changed.push(name))
  acks.take("one", document, log, 5)
  acks.take("one", document, log, 3)
  acks.take("one", document, log, 5, true)
  expect(acks.count(document, log)).toBe(5)
  expect(changed).toEqual([document])
  acks.take("one", document, log, 3, true)
  expect(acks.count(document, log)).toBe(3)
  expect(changed).toEqual([document, document])
})

it("[I1] is bound to the incarnation of a server's store: a lost disk takes its word back, also in the storage", async () => {
  const storage = createMemoryStorage()
  const acks = await Acks.load(storage)
  await acks.meet("one", first)
  acks.take("one", document, log, 5)
  await acks.save()
  await acks.meet("one", first)
  expect(acks.count(document, log)).toBe(5)
  const changed: string[] = []
  acks.changes.on((name) => changed.push(name))
  await acks.meet("one", second)
  expect(acks.count(document, log)).toBe(0)
  expect(changed).toEqual([document])
  expect((await Acks.load(storage)).count(document, log)).toBe(0)
})

it("[S3] tells where less is known to be durable anywhere than before, and only there", async () => {
  const storage = createMemoryStorage()
  const acks = await Acks.load(storage)
  await acks.meet("one", first)
  await acks.meet("two", first)
  const lost: string[] = []
  acks.losses.on((name) => lost.push(name))
  acks.take("one", document, log, 5)
  acks.take("two", document, log, 5)
  acks.take("two", document, log, 3, true)
  acks.take("two", other, log, 5)
  await acks.save()
  await acks.reload()
  expect(lost).toEqual([])
  await acks.meet("two", second)
  expect(lost).toEqual([other])
  acks.take("one", document, log, 4, true)
  expect(lost).toEqual([other, document])
  expect(acks.count(document, log)).toBe(4)
})

it("[S3] another tab that reads what a server lost tells of it, too", async () => {
  const storage = createMemoryStorage()
  const writer = await Acks.load(storage)
  await writer.meet("one", first)
  writer.take("one", document, log, 5)
  writer.take("one", other, log, 5)
  await writer.save()
  const reader = await Acks.load(storage)
  expect(reader.count(document, log)).toBe(5)
  const told: string[][] = [[], []]
  reader.changes.on((name) => told[0]!.push(name))
  reader.losses.on((name) => told[1]!.push(name))
  await writer.meet("one", second)
  await reader.reload()
  // Of the other document nobody asked: whoever does hears what is so now.
  expect(told).toEqual([[document, other], [document]])
  expect([reader.count(document, log), reader.count(other, log)]).toEqual([0, 0])
})

it("is read again as it was saved; what was not saved is not there", async () => {
  const storage = createMemoryStorage()
  const acks = await Acks.load(storage)
  await acks.meet("wss://one.example/with a path", first)
  acks.take("wss://one.example/with a path", document, log, 5)
  let saves = 0
  acks.saves.on(() => saves++)
  await acks.save()
  await acks.save()
  expect(saves).toBe(1)
  acks.take("wss://one.example/with a path", document, log, 8)
  expect((await Acks.load(storage)).count(document, log)).toBe(5)
  await acks.reload()
  expect(acks.count(document, log)).toBe(5)
})

it("a server is met behind what was being read, however slow the disk is: what it says then stays", async () => {
  const storage = createMemoryStorage()
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const scan: Storage["scan"] = async (range) => {
    const found = await storage.scan(range)
    await gate
    return found
  }
  const acks = new Acks({ ...storage, scan }, undefined)
  const reading = acks.reload()
  const met = acks.meet("one", first).then(() => {
    acks.take("one", document, log, 5)
  })
  await new Promise((resolve) => setImmediate(resolve))
  open()
  await Promise.all([reading, met])
  expect(acks.count(document, log)).toBe(5)
})

it("[S13] is saved behind what is being saved, in the order in which it was heard, however slow the disk is", async () => {
  const storage = createMemoryStorage()
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let writes = 0
  const write: Storage["write"] = async (batch) => {
    if (++writes === 1) await gate
    await storage.write(batch)
  }
  const acks = await Acks.load({ ...storage, write })
  await acks.meet("one", first)
  acks.take("one", document, log, 5)
  const ended: string[] = []
  const saving = acks.save().then(() => ended.push("what was heard first"))
  const nothing = acks.save().then(() => ended.push("nothing else"))
  acks.take("one", document, log, 8)
  const rest = acks.save().then(() => ended.push("the rest"))
  await new Promise((resolve) => setImmediate(resolve))
  open()
  await Promise.all([saving, nothing, rest])
  expect((await Acks.load(storage)).count(document, log)).toBe(8)
  expect(ended[0]).toBe("what was heard first")
})

it("what could not be saved, on a full disk, is saved the next time; so is what is void", async () => {
  const { storage, disk } = fullAtTimes()
  const acks = await Acks.load(storage)
  await acks.meet("one", first)
  acks.take("one", document, log, 5)
  await acks.save()
  let saves = 0
  acks.saves.on(() => saves++)
  disk.isFull = true
  acks.take("one", document, log, 8)
  await expect(acks.save()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  disk.isFull = false
  await acks.save()
  expect(saves).toBe(1)
  expect((await Acks.load(storage)).count(document, log)).toBe(8)
  disk.isFull = true
  await expect(acks.meet("one", second)).rejects.toMatchObject({ code: "STORE_QUOTA" })
  await acks.meet("one", second)
  acks.take("one", other, log, 3)
  disk.isFull = false
  await acks.save()
  const again = await Acks.load(storage)
  expect([again.count(document, log), again.count(other, log)]).toEqual([0, 3])
})

it("[S3] a server whose store is another one is met as such until it was compared with, also where that was cut short", async () => {
  const { storage, disk } = fullAtTimes()
  const acks = await Acks.load(storage)
  expect(await acks.meet("one", first)).toBe(false)
  acks.take("one", document, log, 5)
  await acks.save()
  disk.isFull = true
  await expect(acks.meet("one", second)).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect(await acks.meet("one", second)).toBe(true)
  disk.isFull = false
  expect(await acks.meet("one", second)).toBe(true)
  acks.noteCompared("one")
  expect(await acks.meet("one", second)).toBe(false)
})

function fullAtTimes(): { storage: Storage; disk: { isFull: boolean } } {
  const disk = { isFull: false }
  const storage = new Proxy(createMemoryStorage(), {
    get(target, name) {
      if (name === "write" && disk.isFull) return () => Promise.reject(new WeftError("STORE_QUOTA", "full"))
      return Reflect.get(target, name) as unknown
    },
  })
  return { storage, disk }
}

it("[S3] a row that is damaged acknowledges nothing, and fails nobody who asks: the next comparison says it anew", async () => {
  const storage = createMemoryStorage()
  const acks = await Acks.load(storage)
  await acks.meet("one", first)
  acks.take("one", document, log, 5)
  acks.take("one", other, log, 5)
  await acks.save()
  const [row] = await storage.scan(prefixRange(ackPrefix("one")))
  if (row === undefined) throw new Error("it is stored")
  await storage.write([{ kind: "put", key: row.key, value: row.value.slice(0, -3) }])
  const again = await Acks.load(storage)
  expect([document, other].map((name) => again.count(name, log)).sort()).toEqual([0, 5])
  await again.meet("one", first)
  for (const name of [document, other]) again.take("one", name, log, 6)
  await again.save()
  const after = await Acks.load(storage)
  expect([document, other].map((name) => after.count(name, log))).toEqual([6, 6])
})
