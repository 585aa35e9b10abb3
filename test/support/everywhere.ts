/*
 * The four promises of every feature: it works offline, converges when used at once on two sides, is there after a crash,
 * and is the same on all of a user's devices. A feature gives what is done and what is seen; this plays the rest.
 */
import { createMemoryStorage, type Client, type Conversation, type NodeClientOptions } from "@weft/sdk/node"
import { controlDocument, type MessageId } from "@weft/sdk/protocol"
import { expect, onTestFinished, vi } from "vitest"
import { draftPrefix } from "../../sdk/src/log/keys.ts"
import { prefixRange, type Storage } from "../../sdk/src/storage/storage.ts"
import { projectionHash } from "../replay/replay.ts"
import { openClient } from "./client.ts"
import { startTestServer } from "./server.ts"
import { conversationOf, eventually, until } from "./until.ts"

/** A device with the conversation that everything happens in, and a message of alice's and one of bob's in it. */
export interface Place {
  readonly client: Client
  readonly trip: Conversation
  readonly hers: MessageId
  readonly his: MessageId
}

export type Act = (place: Place) => unknown
/** What is to be seen, as something that compares; undefined while it isn't there yet. */
export type Look = (place: Place) => unknown

type Options = Partial<NodeClientOptions>

/** Alice's phone and laptop, and bob's device, all online, with the same two messages. */
async function stage(options: Options = {}): Promise<{ url: string; phone: Place; laptop: Place; bob: Place }> {
  const { url } = await startTestServer()
  const servers = [url]
  const clients = await Promise.all([
    openClient("alice", { servers, ...options }),
    openClient("alice", { servers }),
    openClient("bob", { servers }),
  ])
  const [phone, laptop, bob] = clients
  const trip = await phone.createConversation({ title: "Trip", members: ["bob"] })
  const hers = trip.send("we meet at noon")
  await hers.reached("sent")
  const atBob = await conversationOf(bob, trip.id)
  const his = atBob.send("who brings bread?")
  await his.reached("sent")
  const place = async (client: Client): Promise<Place> => {
    const found = await conversationOf(client, trip.id)
    // What a user interface shows all the time.
    for (const shown of [found.messages, found.unread, found.settings]) onTestFinished(shown.subscribe(() => undefined))
    await until(found.messages, ({ state, items }) => state === "ready" && items.length === 2)
    return { client, trip: found, hers: hers.id, his: his.id }
  }
  const places = { url, phone: await place(phone), laptop: await place(laptop), bob: await place(bob) }
  await Promise.all(clients.map((client) => client.synced()))
  return places
}

/** Resolves when it is seen; a test that waits in vain ends with its time, and says nothing of what was seen instead. */
async function seen(place: Place, look: Look, wanted: unknown): Promise<void> {
  const { client, trip } = place
  const text = JSON.stringify(wanted)
  await new Promise<void>((resolve) => {
    const sources = [client.account, client.list, trip.messages, trip.unread, trip.settings, trip.info, trip.draft]
    const stops: (() => void)[] = []
    const check = (): void => {
      if (JSON.stringify(look(place)) !== text) return
      for (const stop of stops) stop()
      resolve()
    }
    for (const source of [...sources, trip.changes, trip.invites]) stops.push(source.subscribe(check))
    check()
  })
}

async function settled(...places: readonly Place[]): Promise<void> {
  await Promise.all(places.map(({ client }) => client.account.saved()))
  await Promise.all(places.map(({ client }) => client.synced()))
}

/** Done offline it shows at once, and everywhere once the network is back. */
export async function worksOffline(act: Act, look: Look, wanted: unknown): Promise<void> {
  const { phone, laptop, bob } = await stage()
  phone.client.goOffline()
  await act(phone)
  await seen(phone, look, wanted)
  expect(phone.client.status.get().connection.kind).toBe("offline")
  phone.client.goOnline()
  await seen(laptop, look, wanted)
  await settled(phone, laptop, bob)
  await converged(phone, laptop, bob)
}

/** Done on one device of a user it is seen on the other, and survives there that the first is gone. */
export async function isOnAllDevices(act: Act, look: Look, wanted: unknown): Promise<void> {
  const { phone, laptop } = await stage()
  await act(phone)
  for (const place of [phone, laptop]) await seen(place, look, wanted)
  await settled(phone, laptop)
  // What was seen may have been so before.
  await converged(phone, laptop)
  await seen(laptop, look, wanted)
  await phone.client.close()
  expect(look(laptop)).toEqual(wanted)
}

/** Done on two sides at once, both offline, it ends the same for both of a user's devices, and for everybody. */
export async function convergesAtOnce(first: Act, second: Act, look: Look, wanted: unknown): Promise<void> {
  const { phone, laptop, bob } = await stage()
  for (const { client } of [phone, laptop]) client.goOffline()
  await first(phone)
  await second(laptop)
  await Promise.all([phone, laptop].map(({ client }) => client.account.saved()))
  for (const { client } of [laptop, phone]) client.goOnline()
  for (const place of [phone, laptop]) await seen(place, look, wanted)
  await settled(phone, laptop, bob)
  for (const place of [phone, laptop]) await seen(place, look, wanted)
  await converged(phone, laptop, bob)
}

/** What was done and saved is there after a crash, before any server was reached. */
export async function survivesCrash(act: Act, look: Look, wanted: unknown): Promise<void> {
  const storage = createMemoryStorage()
  const { phone } = await stage({ storage })
  phone.client.goOffline()
  await act(phone)
  await seen(phone, look, wanted)
  await saved(phone, storage)
  // No close: a copy of the storage as a crash leaves it.
  const client = await openClient("alice", { storage: createMemoryStorage({ snapshot: storage.snapshot() }) })
  const trip = await client.openConversation(phone.trip.id)
  const again = { ...phone, client, trip }
  for (const shown of [trip.messages, trip.unread, trip.settings]) onTestFinished(shown.subscribe(() => undefined))
  await seen(again, look, wanted)
}

/** Nothing is in memory alone any more. */
async function saved({ client, trip }: Place, storage: Storage): Promise<void> {
  await client.account.saved()
  const drafts = prefixRange(draftPrefix(controlDocument(trip.id)))
  const changes = trip.changes.get().filter(({ status }) => status === "pending").length
  await eventually(async () => (await storage.keys(drafts)).length === changes)
  await until(trip.messages, ({ items }) =>
    items.every((message) => [message, ...message.unsent].every(({ status }) => status !== "saving")),
  )
}

async function converged(...places: readonly Place[]): Promise<void> {
  const same = async (): Promise<boolean> =>
    new Set(await Promise.all(places.map(({ trip }) => trip.digest()))).size === 1
  await vi.waitUntil(same, { timeout: 20_000 })
  // What a user hides, or does not want to see, is that user's own.
  const [phone, laptop] = places
  if (phone !== undefined && laptop !== undefined) expect(projectionHash(phone.trip)).toBe(projectionHash(laptop.trip))
}
