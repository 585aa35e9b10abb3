import { randomBytes } from "node:crypto"
import { WeftError, type ConversationId, type UserId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { LevelDatabase } from "../store/level-database.js"
import { openStore } from "../store/level-store.js"
import { UserIndex } from "./user-index.js"

const anyConversation = () => randomBytes(18).toString("base64url") as ConversationId
const [alice, bob] = ["alice" as UserId, "bob" as UserId]

/** A store whose writes may be told to wait before they reach the database, or to fail; what they have is counted. */
async function watchedStore() {
  const database = await LevelDatabase.open(await temporaryDirectory())
  const watched = { bytes: 0, begin: async (): Promise<void> => undefined }
  const write = database.write.bind(database)
  database.write = async (batch) => {
    for (const { key, value } of batch) watched.bytes += key.length + (value?.length ?? 0)
    await watched.begin()
    await write(batch)
  }
  const store = await openStore(database, {})
  onTestFinished(() => store.close())
  return { store, watched }
}

it("[S4] a change writes as much, and reads no more, however long the list is", async () => {
  const { store, watched } = await watchedStore()
  const index = new UserIndex(store)
  const costs: number[] = []
  for (let count = 0; count < 300; count++) {
    watched.bytes = 0
    await index.set(anyConversation(), [[alice, count % 2 === 0 ? "member" : "former"]])
    costs.push(watched.bytes)
  }
  expect(new Set(costs).size).toBe(1)
  expect(costs[0]).toBeLessThan(100)
  const standings = Array.from((await index.conversations(alice)).values())
  expect(standings.filter((standing) => standing === "member").length).toBe(150)
  expect(await new UserIndex(store).conversations(alice)).toEqual(await index.conversations(alice))
})

it("[S4] a list that is read, or forgotten, while a change is on its way has it afterwards", async () => {
  const { store, watched } = await watchedStore()
  const index = new UserIndex(store, 1)
  const [one, two, three] = [anyConversation(), anyConversation(), anyConversation()]
  await index.set(one, [[alice, "member"]])
  let go: (() => void) | undefined
  const begun = new Promise<void>((resolve) => {
    watched.begin = () => {
      resolve()
      return new Promise((done) => (go = done))
    }
  })
  const changes = [index.set(two, [[alice, "member"]]), index.set(one, [[alice, "former"]])]
  await begun
  expect((await index.conversations(alice)).get(one)).toBe("member")
  // Room for bob's list is made by alice's; then it is read again.
  await index.conversations(bob)
  const read = await index.conversations(alice)
  expect(read.has(two)).toBe(false)
  watched.begin = async () => undefined
  go?.()
  await Promise.all(changes)
  const expected = new Map([
    [one, "former"],
    [two, "member"],
  ])
  expect(await index.conversations(alice)).toEqual(expected)
  await index.set(three, [
    [alice, "member"],
    [bob, "member"],
  ])
  expect((await index.conversations(alice)).get(three)).toBe("member")
  expect(await new UserIndex(store).conversations(alice)).toEqual(new Map([...expected, [three, "member"]]))
})

it("[S4] a change that could not be written is in no list", async () => {
  const { store, watched } = await watchedStore()
  const index = new UserIndex(store)
  const [one, two] = [anyConversation(), anyConversation()]
  await index.set(one, [[alice, "member"]])
  await index.conversations(alice)
  watched.begin = () => Promise.reject(new WeftError("STORE_QUOTA", "the disk is full"))
  const failed = index.set(two, [
    [alice, "member"],
    [bob, "member"],
  ])
  await expect(failed).rejects.toMatchObject({ code: "STORE_QUOTA" })
  await expect(index.set(one, [[alice, "former"]])).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect(await index.conversations(alice)).toEqual(new Map([[one, "member"]]))
  expect(await new UserIndex(store).conversations(bob)).toEqual(new Map())
})

it("[L1] counts what a user opened, whoever else is added to it, and whatever becomes of it", async () => {
  const { store } = await watchedStore()
  const index = new UserIndex(store, 1)
  const [one, two] = [anyConversation(), anyConversation()]
  expect(await index.countOpened(alice)).toBe(0)
  const both = [alice, bob].map((user) => [user, "member"] as const)
  await index.set(one, both, alice)
  await index.set(two, both, bob)
  // Again, after a crash between this and the entry that makes it.
  await index.set(one, both, alice)
  await index.set(one, [[alice, "former"]])
  expect([await index.countOpened(alice), await index.countOpened(bob)]).toEqual([1, 1])
  expect(await new UserIndex(store).countOpened(alice)).toBe(1)
  expect((await index.conversations(alice)).size).toBe(2)
})
