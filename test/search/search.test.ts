import { describe, expect, it } from "vitest"
import { type Client, type SearchOptions, type SearchResults } from "@weft/sdk/node"
import { readRooms } from "../replay/chat-log.ts"
import { until } from "../support/until.ts"
import { openClient } from "../support/client.ts"
import { startTestServer } from "../support/server.ts"
import { temporaryDirectory } from "../support/temporary.ts"

function open(user: string, directory: string, servers: string[] = []): Promise<Client> {
  return openClient(user, { directory, servers })
}

/** What a search finds when all was searched. */
async function find(client: Client, text: string, options: SearchOptions = {}): Promise<SearchResults> {
  return until(client.search(text, options), ({ state, complete }) => state === "ready" && complete)
}

/** What is found by looking at every text. */
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []

describe("search", () => {
  it("[Q1, Q2] finds in a real log what looking at every message finds; offline, and after a restart without indexing again", async () => {
    const [lines = []] = (await readRooms("test/data/ubuntu-irc-2005-05-19.jsonl.gz")).values()
    const directory = await temporaryDirectory()
    const first = await open("alice", directory)
    const room = await first.createConversation({ title: "#ubuntu" })
    const texts = [...lines, ...lines].map(({ text }) => text).filter((text) => text.trim() !== "")
    const messages = texts.map((text) => room.send(text))
    await Promise.all(messages.map((message) => message.reached("saved")))

    const asked = async (client: Client): Promise<void> => {
      for (const word of ["kernel", "hoary", "xorg"]) {
        const { hits } = await find(client, word, { order: "time", limit: 1000 })
        const exact = hits.filter(({ text }) => wordsOf(text).some((one) => one.startsWith(word)))
        const expected = texts.filter((text) => wordsOf(text).some((one) => one.startsWith(word)))
        expect(exact.map(({ text }) => text).sort()).toEqual(expected.sort())
        expect(expected.length).toBeGreaterThan(0)
        expect(hits.map(({ sentAt }) => sentAt)).toEqual(hits.map(({ sentAt }) => sentAt).sort((a, b) => b - a))
        for (const { text, ranges } of exact) {
          for (const [start, length] of ranges) expect(text.slice(start, start + length).trim()).not.toBe("")
          expect(ranges.some(([start, length]) => text.slice(start, start + length).toLowerCase() === word)).toBe(true)
        }
      }
    }
    await asked(first)
    await first.close()
    const again = await open("alice", directory)
    await asked(again)
    expect(
      (await find(again, "kernel install")).hits.every(({ text }) => /instal/i.test(text) && /kern/i.test(text)),
    ).toBe(true)
  })

  it("[Q3] filters by person, conversation and time, for two people who sync", async () => {
    const { url } = await startTestServer()
    const alice = await open("alice", await temporaryDirectory(), [url])
    const bob = await open("bob", await temporaryDirectory(), [url])
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    const other = await alice.createConversation({ title: "Other" })
    await other.send("the train set").reached("sent")
    await trip.send("which train?").reached("sent")
    const theirs = await until(bob.conversations, (all) => all.some(({ id }) => id === trip.id))
    const received = theirs.find(({ id }) => id === trip.id)!
    await until(received.messages, ({ items }) => items.length === 1)
    await received.send("the slow TRAIN, \u6211\u5011\u53bb\u6771\u4eac\u90fd").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 2)

    const texts = async (text: string, options?: SearchOptions): Promise<string[]> =>
      (
        await until(
          alice.search(text, options),
          ({ state, complete, hits }) => state === "ready" && complete && (hits.length > 0 || text === "nothing"),
        )
      ).hits
        .map((hit) => hit.text)
        .sort()
    await until(alice.search("train"), ({ hits }) => hits.length === 3)
    expect(await texts("train", { author: "bob" })).toEqual(["the slow TRAIN, \u6211\u5011\u53bb\u6771\u4eac\u90fd"])
    expect(await texts("train", { conversation: other.id })).toEqual(["the train set"])
    expect(await texts("\u6771\u4eac")).toHaveLength(1)
    const [earlier, later] = trip.messages.get().items
    expect(await texts("train", { conversation: trip.id, from: later!.sentAt })).toHaveLength(1)
    expect(await texts("train", { conversation: trip.id, before: later!.sentAt })).toEqual([earlier!.text])
    expect(await texts("nothing")).toEqual([])
  })

  it("[Q1] finds on each device of a user what was written on another, as it is after edits and erasures", async () => {
    const { url } = await startTestServer()
    const phone = await open("alice", await temporaryDirectory(), [url])
    const laptop = await open("alice", await temporaryDirectory(), [url])
    const trip = await phone.createConversation({ title: "Trip" })
    const edited = trip.send("the train leaves at nine")
    const erased = trip.send("the train is expensive")
    await erased.reached("sent")
    await until(laptop.search("train"), ({ hits }) => hits.length === 2)
    phone.goOffline()
    const edit = trip.edit(edited.id, "the ferry leaves at nine")
    await edit.reached("saved")
    await trip.erase(erased.id)
    await until(phone.search("ferry"), ({ hits }) => hits.length === 1)
    phone.goOnline()
    for (const device of [phone, laptop]) {
      await until(device.search("ferry"), ({ hits }) => hits[0]?.text === "the ferry leaves at nine")
      await until(
        device.search("train"),
        ({ state, complete, hits }) => state === "ready" && complete && hits.length === 0,
      )
    }
  })

  it("[Q4] stays alive: what is written later appears", async () => {
    const directory = await temporaryDirectory()
    const client = await open("alice", directory)
    const notes = await client.createConversation({ title: "Notes" })
    const results = client.search("needle")
    const sizes: number[] = []
    const stop = results.subscribe(({ hits, complete }) => {
      if (complete) sizes.push(hits.length)
    })
    await until(results, ({ complete }) => complete)
    notes.send("a needle in a haystack")
    await until(results, ({ hits }) => hits.length === 1)
    notes.send("needles and pins")
    const both = await until(results, ({ hits, complete }) => complete && hits.length === 2)
    expect(
      both.hits.map(({ text, ranges }) => ranges.map(([start, length]) => text.slice(start, start + length))),
    ).toContainEqual(["needle"])
    stop()
    expect(sizes.at(-1)).toBe(2)
  })
})
