import { randomBytes } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it, vi } from "vitest"
import { type Client } from "@weft/sdk/node"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"
import { temporaryDirectory } from "../support/temporary.ts"

function client(user: string, servers: readonly string[], directory: string): Promise<Client> {
  return openClient(user, { servers, directory })
}

/** Whether a file below a folder holds the text or any eight letters of it: tables are compressed, and may break it up. */
async function isOnDisk(folder: string, text: string): Promise<boolean> {
  const parts = Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8))
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    // LevelDB drops files at any moment.
    const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))
    if (parts.some((part) => bytes.includes(part))) return true
  }
  return false
}

function secret(): string {
  return randomBytes(24).toString("base64url")
}

it("[X7] an erased text, and its edits, are in no file of two servers and two devices", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const [atAlice, atBob] = [await temporaryDirectory(), await temporaryDirectory()]
  const folders = [atAlice, atBob, first.data, second.data]
  const alice = await client("alice", [first.url], atAlice)
  const bob = await client("bob", [second.url], atBob)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const [before, text, edited, after] = [secret(), secret(), secret(), secret()]
  await trip.send(before).reached("sent")
  const message = trip.send(text)
  await message.reached("sent")
  await trip.edit(message.id, edited).reached("sent")
  await trip.send(after).reached("sent")
  const received = await conversationOf(bob, trip.id)
  await until(received.messages, ({ items }) => items.length === 3 && items[1]?.text === edited)
  // What is searched is stored once more.
  for (const device of [alice, bob])
    await until(device.search(edited), ({ hits, complete }) => complete && hits.length === 1)
  for (const folder of folders) {
    for (const any of [before, text, edited, after])
      await vi.waitUntil(() => isOnDisk(folder, any), { timeout: 10_000 })
  }

  await trip.erase(message.id)
  await until(received.messages, ({ items }) => items[1]?.form === "erased")
  for (const folder of folders) {
    for (const gone of [text, edited]) {
      await vi.waitUntil(async () => !(await isOnDisk(folder, gone)), { timeout: 20_000, interval: 100 })
    }
  }
  // The others are still there, to be read after a start too.
  await bob.close()
  const again = await client("bob", [], atBob)
  const kept = (await conversationOf(again, trip.id)).messages.get().items
  expect(kept.map(({ text: shown, form }) => [shown, form])).toEqual([
    [before, "text"],
    [undefined, "erased"],
    [after, "text"],
  ])
})

it("[X6, X7] a text that was erased before it was sent is in no file of its device", async () => {
  const directory = await temporaryDirectory()
  const alice = await client("alice", [], directory)
  const trip = await alice.createConversation({ title: "Trip" })
  const text = secret()
  const message = trip.send(text)
  await message.reached("saved")
  expect(await isOnDisk(directory, text)).toBe(true)
  await trip.erase(message.id)
  await vi.waitUntil(async () => !(await isOnDisk(directory, text)), { timeout: 20_000, interval: 100 })
})

it("[X2, X7] what a removal had set aside on a server is no place to keep what its author erased", async () => {
  const one = await startTestServer()
  const two = await startTestServer()
  const atLaptop = await temporaryDirectory()
  const alice = await client("alice", [one.url], await temporaryDirectory())
  const phone = await client("bob", [one.url], await temporaryDirectory())
  const laptop = await client("bob", [one.url], atLaptop)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const [onPhone, onLaptop] = [await conversationOf(phone, trip.id), await conversationOf(laptop, trip.id)]
  onPhone.send("hello")
  await until(trip.messages, ({ items }) => items.length === 1)
  await alice.synced()
  // Alice removes bob before she has what he says next.
  alice.goOffline()
  const text = secret()
  const message = onPhone.send(text)
  await message.reached("sent")
  await until(onLaptop.messages, ({ items }) => items.length === 2)
  await laptop.close()
  await trip.removeMember("bob")
  alice.goOnline()
  await until(onPhone.info, ({ membership }) => membership === "removed")
  await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
  expect(await isOnDisk(one.data, text)).toBe(true)

  // He erases it where nobody knows of that yet.
  const again = await client("bob", [two.url], atLaptop)
  await (await conversationOf(again, trip.id)).erase(message.id)
  await again.synced()
  await startTestServer({ peers: [`${one.url}/sync`, `${two.url}/sync`] })
  for (const { data } of [one, two]) {
    await vi.waitUntil(async () => !(await isOnDisk(data, text)), { timeout: 20_000, interval: 100 })
  }
})
