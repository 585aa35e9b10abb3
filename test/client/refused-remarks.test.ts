/* Edits and reactions that no server takes. [SPEC R1, M4, M6] */
import { type Client, type Conversation } from "@weft/sdk/node"
import { expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

function open(user: string, url: string): Promise<Client> {
  return openClient(user, { servers: [url] })
}

const shown = (conversation: Conversation) =>
  conversation.messages.get().items.map(({ text, edited, reactions, status }) => ({
    text,
    edited: edited !== undefined,
    reactions: reactions.map(({ emoji }) => emoji),
    rejected: status === "rejected",
  }))

/** Bob's message that no server took, as he was removed meanwhile; he was added again since. */
async function refused() {
  const server = await startTestServer()
  const alice = await open("alice", server.url)
  const bob = await open("bob", server.url)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const bobs = await conversationOf(bob, trip.id)
  await bobs.send("before").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 1)
  bob.goOffline()
  const lost = bobs.send("lost")
  await lost.reached("saved")
  await trip.removeMember("bob")
  await alice.synced()
  bob.goOnline()
  await until(bobs.messages, ({ items }) => items.some(({ status }) => status === "rejected"))
  await trip.addMember("bob")
  await until(bobs.info, ({ membership }) => membership === "member")
  return { alice, bob, trip, bobs, lost }
}

it("[R1] a rejected message that is retried twice at once is sent once", async () => {
  const { alice, bob, trip, bobs, lost } = await refused()
  const again = bobs.retry(lost.id)
  expect(bobs.retry(lost.id).id).toBe(again.id)
  await again.reached("sent")
  await Promise.all([alice.synced(), bob.synced()])
  await until(trip.messages, ({ items }) => items.length === 2)
  await until(bobs.messages, ({ items }) => items.every(({ status }) => status !== "rejected"))
  for (const one of [trip, bobs]) expect(shown(one).map(({ text }) => text)).toEqual(["before", "lost"])
})

it("[R1] nothing is said about a rejected message: neither a reply, nor in a thread below it, nor a reaction, nor a pin", async () => {
  const { alice, bob, trip, bobs, lost } = await refused()
  expect(() => bobs.send("an answer", { replyTo: lost.id })).toThrow("this message was rejected")
  expect(() => bobs.send("below it", { thread: lost.id })).toThrow("this message was rejected")
  expect(() => bobs.react(lost.id, "👍")).toThrow("this message was rejected")
  await expect(bobs.pin(lost.id)).rejects.toThrow("this message was rejected")
  const again = bobs.retry(lost.id)
  const answer = bobs.send("an answer", { replyTo: again.id })
  await answer.reached("sent")
  await Promise.all([alice.synced(), bob.synced()])
  await until(trip.messages, ({ items }) => items.at(-1)?.quote?.id === again.id)
})

it("[R1] an edit and a reaction of a member who was removed meanwhile are rejected, and shown to their author alone", async () => {
  const server = await startTestServer()
  const alice = await open("alice", server.url)
  const bob = await open("bob", server.url)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const bobs = await conversationOf(bob, trip.id)
  const own = bobs.send("bob's")
  await own.reached("sent")
  const other = trip.send("alice's")
  await other.reached("sent")
  await until(bobs.messages, ({ items }) => items.length === 2)
  await until(trip.messages, ({ items }) => items.length === 2)

  bob.goOffline()
  const edit = bobs.edit(own.id, "bob's, edited")
  const reaction = bobs.react(other.id, "👍")
  const late = bobs.send("late")
  await Promise.all([edit.reached("saved"), late.reached("saved")])
  // On its way it is shown to its author.
  expect(shown(bobs)).toMatchObject([{ text: "bob's, edited" }, { reactions: ["👍"] }, { text: "late" }])
  await trip.removeMember("bob")
  await alice.synced()
  bob.goOnline()
  for (const outgoing of [edit, reaction, late]) {
    await expect(outgoing?.reached("sent")).rejects.toMatchObject({ code: "MESSAGE_REJECTED" })
    expect(outgoing?.rejection).toBe("PAST_CUT")
  }
  const plain = { edited: false, reactions: [], rejected: false }
  expect(shown(trip)).toEqual([
    { ...plain, text: "bob's" },
    { ...plain, text: "alice's" },
  ])
  const [first, second, third] = bobs.messages.get().items
  expect([first?.text, first?.edited, second?.reactions, third?.status]).toEqual(["bob's", undefined, [], "rejected"])
  // Their author keeps them, to copy or discard.
  const unsent = { status: "rejected", rejection: "PAST_CUT" }
  expect(first?.unsent).toMatchObject([{ ...unsent, kind: "edit", text: "bob's, edited" }])
  expect(second?.unsent).toMatchObject([{ ...unsent, kind: "reaction", emoji: "👍", on: true }])
  for (const remark of [...(first?.unsent ?? []), ...(second?.unsent ?? [])]) await bobs.discard(remark.id)
  await until(bobs.messages, ({ items }) => items.every(({ unsent }) => unsent.length === 0))
})
