import { expect, it, onTestFinished, vi } from "vitest"
import { systemEnv } from "../base/env.js"
import { deviceNamed } from "../log/scenario.js"
import type { LogId, UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { Acks } from "../sync/acks.js"
import { Replica } from "../sync/replica.js"
import { ChangeList } from "./changes.js"

const user = "ann" as UserId
const server = "ws://server"

/** Ann's conversation on a device without a network; `acknowledge` is a server's word for all that is sealed. */
async function trip() {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user, signer: device },
    verify: async () => true,
    refusesKey: () => false,
  })
  onTestFinished(() => replica.close())
  await replica.becomeWriter()
  const acks = await Acks.load(storage)
  await acks.meet(server, new Uint8Array(16))
  const conversation = await replica.create("Trip", [], [])
  const { controlDocument } = conversation
  const seal = async (): Promise<LogId> => {
    await controlDocument.flush()
    const [log] = Array.from(controlDocument.summary.logs.values(), (summary) => summary.log)
    if (log === undefined) throw new TypeError("one log")
    return log
  }
  const acknowledge = async (): Promise<void> => {
    await seal()
    for (const { log, count } of controlDocument.summary.logs.values()) {
      acks.take(server, controlDocument.name, log, count)
    }
  }
  await acknowledge()
  const open = async (): Promise<ChangeList> => {
    const list = new ChangeList({ conversation, acks, storage, user, device: device.id })
    onTestFinished(() => list.close())
    await list.open()
    return list
  }
  return { conversation, acknowledge, seal, open, list: await open() }
}

const shown = ({ list }: ChangeList): unknown[] =>
  list
    .get()
    .map(({ kind, text, user, status, code }) => [kind, text ?? user, status, ...(code === undefined ? [] : [code])])

it("a change is pending until a server has it, then accepted; what a client writes by itself is not shown", async () => {
  const { conversation, acknowledge, seal, list } = await trip()
  expect(shown(list)).toEqual([])
  await conversation.govern({ kind: "title", title: "Lisbon" })
  await expect.poll(() => shown(list)).toEqual([["title", "Lisbon", "pending"]])
  await seal()
  await expect.poll(() => shown(list)).toEqual([["title", "Lisbon", "pending"]])
  await acknowledge()
  await expect.poll(() => shown(list)).toEqual([["title", "Lisbon", "accepted"]])
})

it("what was accepted before this client was opened is nobody's news; what is pending is", async () => {
  const { conversation, acknowledge, open } = await trip()
  await conversation.govern({ kind: "topic", topic: "old" })
  await acknowledge()
  await conversation.govern({ kind: "add", user: "bob" as UserId, role: "member" })
  expect(shown(await open())).toEqual([["add", "bob", "pending"]])
})

it("[R1] a refused change says why, until it is dismissed, and those behind it are still on their way", async () => {
  const { conversation, acknowledge, seal, list, open } = await trip()
  await conversation.govern({ kind: "title", title: "Refused" })
  const log = await seal()
  await conversation.govern({ kind: "topic", topic: "behind it" })
  await seal()
  await conversation.takeBack(conversation.controlDocument, log, 3, "ROLE_TOO_LOW")
  const expected = [
    ["title", "Refused", "refused", "ROLE_TOO_LOW"],
    ["topic", "behind it", "pending"],
  ]
  await expect.poll(() => shown(list)).toEqual(expected)
  expect(shown(await open())).toEqual(expected)
  await acknowledge()
  await expect.poll(() => shown(list)).toEqual([expected[0], ["topic", "behind it", "accepted"]])
  const [refused] = list.list.get()
  if (refused === undefined) throw new TypeError("one was refused")
  expect(list.action(refused.id)).toEqual({ kind: "title", title: "Refused" })
  await list.dismiss(refused.id)
  expect(shown(list)).toEqual([["topic", "behind it", "accepted"]])
  expect(shown(await open())).toEqual([])
})

it("an accepted change goes when it is dismissed, and stays away; of many the last are shown", async () => {
  const { conversation, acknowledge, list, open } = await trip()
  for (let index = 0; index < 40; index++) await conversation.govern({ kind: "topic", topic: `${index}` })
  await expect.poll(() => list.list.get().length).toBe(40)
  const pending = await open()
  await acknowledge()
  await expect.poll(() => list.list.get().length).toBe(32)
  expect(shown(list)[0]).toEqual(["topic", "8", "accepted"])
  await expect.poll(() => shown(pending)).toEqual(shown(list))
  const [first] = list.list.get()
  if (first === undefined) throw new TypeError("32 changes")
  await list.dismiss(first.id)
  expect(shown(list).map((change) => (change as string[])[1])).not.toContain("8")
})

it("a change that is sealed while the control document is read again stays in the list", async () => {
  const { conversation, seal, list } = await trip()
  const { controlDocument } = conversation
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const old = await controlDocument.entries()
  const reading = vi.spyOn(controlDocument, "entries").mockImplementationOnce(async () => {
    await held
    return old
  })
  controlDocument.changes.emit({ kind: "rewritten", reloaded: false })
  expect(reading).toHaveBeenCalledOnce()
  await conversation.govern({ kind: "title", title: "Lisbon" })
  await seal()
  await expect.poll(() => shown(list)).toEqual([["title", "Lisbon", "pending"]])
  release()
  await reading.mock.results[0]?.value
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  expect(shown(list)).toEqual([["title", "Lisbon", "pending"]])
})
