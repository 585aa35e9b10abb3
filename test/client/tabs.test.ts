/* Several tabs of one device: one writes and holds the socket, the others go through it. [SPEC W3] */
import { createMemoryStorage, WeftError, type Client } from "@weft/sdk/node"
import { afterEach, expect, it, vi } from "vitest"
import { decodeDraft, draftHash } from "../../sdk/src/log/draft.ts"
import { allAcksPrefix, catchUpKey, documentOfDraftKey, refusedKey } from "../../sdk/src/log/keys.ts"
import type { DocumentName } from "../../sdk/src/protocol/names.ts"
import { encodeRefused } from "../../sdk/src/sync/refused.ts"
import { prefixRange, type Storage } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { quickEnv } from "../support/quick-env.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer, type TestServer } from "../support/server.ts"
import { TestProfile, type TestTab } from "../support/tabs.ts"

const open: TestTab[] = []

async function tab(profile: TestProfile, through?: (storage: Storage) => Storage): Promise<TestTab> {
  const made = await profile.open(through)
  open.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ client }) => client.close()))
})

function isOnline(client: Client): boolean {
  const { connection } = client.status.get()
  return connection.kind === "online" && connection.synced
}

/** A profile whose first tab leads and is online. */
async function profileOnline(
  options?: TestProfile["options"],
): Promise<{ server: TestServer; profile: TestProfile; first: TestTab }> {
  const server = await startTestServer()
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url], options)
  const first = await tab(profile)
  await first.lead()
  await until(first.client.status, () => isOnline(first.client))
  return { server, profile, first }
}

it("[W3] a tab that joins is told of the connection that the device has already", async () => {
  const { profile, first } = await profileOnline()
  const second = await tab(profile)
  await until(second.client.status, () => isOnline(second.client))
  expect(second.client.status.get()).toMatchObject({
    tab: "follower",
    connection: first.client.status.get().connection,
  })
})

it("[U8] a tab has what another one wrote while it opened, after it had read what was stored", async () => {
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const { client: first } = await tab(profile)
  const trip = await first.createConversation({ title: "Trip" })
  let hasRead = false
  const { client: second } = await tab(profile, (storage) => ({
    ...storage,
    scan: async (range) => {
      const rows = await storage.scan(range)
      if (range.from !== "n/" || hasRead) return rows
      hasRead = true
      trip.draft.set("meanwhile")
      await first.account.saved()
      // Told to nobody yet.
      await new Promise((resolve) => setImmediate(resolve))
      return rows
    },
  }))
  await until(second.account, ({ drafts }) => drafts.get(trip.id) === "meanwhile")
})

it("[W3] a tab has what another one wrote, and what became of it, after it had read what was stored, and before it heard of anything", async () => {
  const { profile, first } = await profileOnline()
  const trip = await first.client.createConversation({ title: "Trip" })
  await first.client.synced()
  let meanwhile = ""
  const isThere = ({
    items,
  }: {
    readonly items: readonly { readonly id: string; readonly status: string }[]
  }): boolean => items.some(({ id, status }) => id === meanwhile && status === "sent")
  const second = await profile.open(undefined, {
    before: async () => {
      const acks = async () => JSON.stringify(await profile.storage.scan(prefixRange("a/")))
      const known = await acks()
      meanwhile = trip.send("meanwhile").id
      await until(trip.messages, isThere)
      await expect.poll(acks).not.toBe(known)
      // Told to nobody yet.
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  open.push(second)
  await until((await conversationOf(second.client, trip.id)).messages, isThere)
})

it("[W3] a tab that took itself for the writer still shows what the one that writes was told meanwhile", async () => {
  const server = await startTestServer()
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url])
  const hold: { until?: Promise<void> } = {}
  const first = await tab(profile, (storage) => ({
    ...storage,
    write: async (batch, options) => {
      if (options?.guard !== undefined) await hold.until
      await storage.write(batch, options)
    },
  }))
  await first.lead()
  const trip = await first.client.createConversation({ title: "Trip" })
  await until(first.client.status, () => isOnline(first.client))
  await first.client.synced()
  let wake = (): void => undefined
  hold.until = new Promise((resolve) => (wake = resolve))

  const second = await tab(profile)
  await second.lead()
  const { id } = (await conversationOf(second.client, trip.id)).send("told to the second alone")
  const inSecond = await conversationOf(second.client, trip.id)
  await until(inSecond.messages, ({ items }) => items.some((item) => item.id === id && item.status === "sent"))
  await expect.poll(() => profile.storage.scan(prefixRange("a/")).then((rows) => rows.length)).toBeGreaterThan(1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(first.client.status.get().tab).toBe("writer")
  wake()
  await until(first.client.status, ({ tab: role, pending }) => role === "follower" && pending.length === 0)
  await until(trip.messages, ({ items }) => items.some((item) => item.id === id && item.status === "sent"))
})

it("[W3] a tab whose lock was taken while it hung shows the connection of the one that writes now", async () => {
  const { profile, first } = await profileOnline()
  const second = await tab(profile)
  await second.lead()
  await until(second.client.status, () => second.client.status.get().tab === "writer" && isOnline(second.client))
  // All that the second one had to say was heard before the first one is told that its turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  expect(first.client.status.get().tab).toBe("writer")
  first.follow()
  await until(first.client.status, () => first.client.status.get().tab === "follower" && isOnline(first.client))
})

it("[W3] what is written in a tab whose lock was taken is sent by the other, and its storage does not fail", async () => {
  const { profile, first } = await profileOnline()
  const trip = await first.client.createConversation({ title: "Trip" })
  await trip.send("one").reached("sent")
  const second = await tab(profile)
  await second.lead()
  const failures: string[] = []
  first.client.status.subscribe(({ storage }) => {
    if (storage.kind === "failing") failures.push(storage.code)
  })
  const message = trip.send("two")
  // Its write was refused; the news that the lock is gone comes behind that.
  await until(first.client.status, ({ tab: kind }) => kind === "follower")
  first.follow()
  await message.reached("sent")
  const [theirs] = second.client.conversations.get()
  await until(theirs!.messages, ({ items }) => items.length === 2)
  expect(theirs!.messages.get().items.map(({ text, status }) => [text, status])).toEqual([
    ["one", "sent"],
    ["two", "sent"],
  ])
  expect(failures).toEqual([])
})

it("[W3] a tab whose turn to write comes late forgets what the one before told of its connection", async () => {
  const { server, profile, first } = await profileOnline()
  const full = { now: false }
  const second = await tab(
    profile,
    (storage) =>
      new Proxy(storage, {
        get(target, name, receiver) {
          if (name !== "write" || !full.now) return Reflect.get(target, name, receiver) as unknown
          return () => Promise.reject(new WeftError("STORE_QUOTA", "the disk is full"))
        },
      }),
  )
  full.now = true
  await second.lead()
  await until(second.client.status, ({ storage }) => storage.kind === "failing")
  // The first one still takes itself for the writer, and tells what becomes of its connection.
  first.client.goOffline()
  await until(second.client.status, ({ connection }) => connection.kind === "offline")
  first.client.goOnline()
  await until(second.client.status, () => isOnline(second.client))
  full.now = false
  await until(second.client.status, ({ tab: kind }) => kind === "writer")
  await until(second.client.status, () => isOnline(second.client))
  await server.close()
  await until(second.client.status, ({ connection }) => connection.kind !== "online")
})

it("[W3] a tab that could not read what the writer before left, as its turn came, connects once it can", async () => {
  const { url } = await startTestServer()
  const profile = new TestProfile("alice", createMemoryStorage(), [url])
  const failing = { next: false }
  const { client, lead } = await tab(profile, (storage) => ({
    ...storage,
    scan: async (range) => {
      if (!failing.next || range.from !== allAcksPrefix) return storage.scan(range)
      failing.next = false
      throw new WeftError("STORE_FAILED", "the disk did not answer")
    },
  }))
  failing.next = true
  await lead()
  await until(client.status, () => isOnline(client))
  expect(failing.next).toBe(false)
})

it("[U10] what the writer gets from below what was read in another tab, on a new device, is read", async () => {
  const server = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const bob = await openClient("bob", { servers: [server.url] })
  const atBob = await bob.createConversation({ title: "Trip", members: ["alice"] })
  for (let number = 0; number < 1_100; number++) atBob.send(`message ${String(number)}`)
  await bob.synced()
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url])
  const [first, second] = [await tab(profile), await tab(profile)]
  await first.lead()
  const inFirst = await conversationOf(first.client, atBob.id)
  await until(inFirst.messages, ({ items }) => items.length > 0)
  // The line is cut before all of it is there.
  first.client.goOffline()
  expect(await profile.storage.share().get(catchUpKey(atBob.id))).toBeDefined()
  const trip = await conversationOf(second.client, atBob.id)
  trip.unread.subscribe(() => undefined)
  await until(trip.messages, ({ items }) => items.length > 0)
  trip.markRead()
  await until(inFirst.unread, ({ count }) => count === 0)
  first.client.goOnline()
  await until(first.client.status, () => isOnline(first.client))
  await vi.waitUntil(async () => (await profile.storage.share().get(catchUpKey(trip.id))) === undefined)
  for (const { unread } of [trip, inFirst]) await until(unread, ({ count, late }) => count === 0 && late.length === 0)
})

it("[W4, A19] a tab that is not the writer knows the server's time, too: what it writes keeps its name, and its link lets people in", async () => {
  const server = await startTestServer()
  // Whoever writes by this clock has to be corrected.
  const env = { ...quickEnv, now: () => quickEnv.now() + 10 * 60_000 }
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url], { env })
  const first = await tab(profile)
  await first.lead()
  await until(first.client.status, () => isOnline(first.client))
  const { id } = await first.client.createConversation({ title: "Trip" })
  const second = await tab(profile)
  await until(second.client.status, () => isOnline(second.client))
  const trip = await conversationOf(second.client, id)
  const invite = await trip.createInvite()
  await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
  expect(trip.invites.get().map((shown) => shown.id)).toEqual([invite.id])
  const eve = await openClient("eve", { servers: [server.url] })
  const eves = await eve.join(invite.link)
  await until(eves.info, ({ membership }) => membership === "member")
})

it("[W4] a tab that wrote with a clock that had jumped writes by the server's time once the writer heard it", async () => {
  const server = await startTestServer()
  let ahead = 0
  const env = { ...quickEnv, now: () => quickEnv.now() + ahead }
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url], { env })
  const first = await tab(profile)
  await first.lead()
  await until(first.client.status, () => isOnline(first.client))
  const { id } = await first.client.createConversation({ title: "Trip" })
  await first.client.synced()
  const second = await tab(profile)
  await until(second.client.status, () => isOnline(second.client))
  const trip = await conversationOf(second.client, id)
  first.client.goOffline()
  await until(second.client.status, ({ connection }) => connection.kind === "offline")
  ahead = 10 * 60_000
  const before = await trip.createInvite()
  first.client.goOnline()
  await until(second.client.status, () => isOnline(second.client))
  await until(trip.invites, ([invite]) => invite !== undefined && invite.id !== before.id)
  const { id: invite } = await trip.createInvite()
  await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
  expect(trip.invites.get().map((shown) => shown.id)).toContain(invite)
})

it("[W3, U8] what a tab stored and did not live to tell is sent, and shown in the others, once it is gone; its conversation being in memory or not", async () => {
  const { profile, first } = await profileOnline({ releaseAfterMs: 400 })
  first.client.list.subscribe(() => undefined)
  const trip = await first.client.createConversation({ title: "Trip" })
  await first.client.synced()
  const third = await tab(profile)
  const inThird = await conversationOf(third.client, trip.id)
  for (const isReleased of [true, false]) {
    const stop = isReleased ? undefined : trip.messages.subscribe(() => undefined)
    await vi.waitUntil(async () => ((await first.client.doctor()).documents.open === 0) === isReleased)
    const text = isReleased ? "released" : "looked at"
    const dying = await profile.open(undefined, { isMute: true })
    const inDying = await conversationOf(dying.client, trip.id)
    await inDying.send(text).reached("saved")
    inDying.draft.set(text)
    await dying.client.account.saved()
    await dying.client.close()
    await until(inThird.messages, ({ items }) => items.at(-1)?.text === text && items.at(-1)?.status === "sent")
    await until(third.client.account, ({ drafts }) => drafts.get(trip.id) === text)
    stop?.()
  }
})

it("[W3] what a tab did not live to tell is in the others offline, too", async () => {
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const [first, second] = [await tab(profile), await tab(profile)]
  await first.lead()
  const { id } = await first.client.createConversation({ title: "Trip" })
  const inSecond = await conversationOf(second.client, id)
  const dying = await profile.open(undefined, { isMute: true })
  await (await conversationOf(dying.client, id)).send("late").reached("saved")
  await dying.client.close()
  await until(inSecond.messages, ({ items }) => items.at(-1)?.text === "late")
})

/** An invite link into a conversation of somebody else's. */
async function inviteOf(server: TestServer) {
  const owner = await openClient("owner", { servers: [server.url] })
  const trip = await owner.createConversation({ title: "Trip" })
  await owner.synced()
  const { id, link } = await trip.createInvite()
  await owner.synced()
  return { owner, trip, id, link }
}

it("[A19] a link that is used in a tab that was opened before the device's first welcome lets in, by one entry, in all tabs", async () => {
  const server = await startTestServer()
  const { link } = await inviteOf(server)
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url])
  const [first, second] = [await tab(profile), await tab(profile)]
  await first.lead()
  await until(second.client.status, () => isOnline(second.client))
  const inSecond = await second.client.join(link)
  await until(inSecond.info, ({ membership }) => membership === "member")
  const inFirst = await conversationOf(first.client, inSecond.id)
  await until(inFirst.info, ({ membership }) => membership === "member")
  expect(inFirst.changes.get().filter(({ kind }) => kind === "join")).toHaveLength(1)
})

it("[A19] a link that is used in a tab that does not write names a server that the one that does meets; refused, it is so in both", async () => {
  const { trip, id, link } = await inviteOf(await startTestServer())
  await trip.revokeInvite(id)
  await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const [first, second] = [await tab(profile), await tab(profile)]
  await first.lead()
  const inSecond = await second.client.join(link)
  expect(inSecond.info.get().membership).toBe("joining")
  const inFirst = await conversationOf(first.client, inSecond.id)
  for (const { info } of [inFirst, inSecond]) await until(info, ({ refusal }) => refusal === "INVITE_REVOKED")
})

it("[A19] a link that a tab takes in while another link into the same conversation is being used is used, too", async () => {
  const server = await startTestServer()
  const { trip, id, link } = await inviteOf(server)
  const other = await trip.createInvite()
  await trip.revokeInvite(id)
  await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url])
  let meanwhile: (() => Promise<unknown>) | undefined
  const first = await tab(profile, (storage) => ({
    ...storage,
    write: async (batch, options) => {
      const act = batch.some(({ kind, key }) => kind === "delete" && key.startsWith("m/join/")) ? meanwhile : undefined
      meanwhile = act === undefined ? meanwhile : undefined
      await act?.()
      await storage.write(batch, options)
    },
  }))
  const second = await tab(profile)
  await first.lead()
  await until(first.client.status, () => isOnline(first.client))
  meanwhile = () => second.client.join(other.link)
  const joined = await first.client.join(link)
  await until(joined.info, ({ membership }) => membership === "member")
})

it("[W3, A19] a link that was taken in by a tab which did not live to tell is used once it is gone", async () => {
  const { link } = await inviteOf(await startTestServer())
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const first = await tab(profile)
  await first.lead()
  const dying = await profile.open(undefined, { isMute: true })
  const { id } = await dying.client.join(link)
  await dying.client.close()
  const trip = await conversationOf(first.client, id)
  await until(trip.info, ({ membership }) => membership === "member")
})

it("[W3, A19] a link that the writer did not hear of is used by the next one", async () => {
  const { link } = await inviteOf(await startTestServer())
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const [first, next] = [
    await profile.open(undefined, { isDeaf: true }),
    await profile.open(undefined, { isDeaf: true }),
  ]
  open.push(first, next)
  await first.lead()
  const { id } = await (await tab(profile)).client.join(link)
  await next.lead()
  const trip = await conversationOf(next.client, id)
  await until(trip.info, ({ membership }) => membership === "member")
})

it("[R1, W3] what was refused and is discarded in one tab is gone in the others", async () => {
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const before = await tab(profile)
  const trip = await before.client.createConversation({ title: "Trip" })
  const sent = trip.send("refused")
  await sent.reached("saved")
  await before.client.close()
  // What it told is told.
  await new Promise((resolve) => setImmediate(resolve))
  const [row] = await profile.storage.scan(prefixRange(`p/c/${trip.id}/1/`))
  const draft = decodeDraft(row?.value ?? new Uint8Array())
  const document = documentOfDraftKey(row?.key ?? "") as DocumentName
  await profile.storage.write([
    { kind: "delete", key: row?.key ?? "" },
    {
      kind: "put",
      key: refusedKey(document, draftHash(draft)),
      value: encodeRefused({ code: "WRONG_CLASS", draft }),
    },
  ])
  const [first, second] = [await tab(profile), await tab(profile)]
  await first.lead()
  // By then it has read what is stored.
  await until(first.client.status, ({ tab: role }) => role === "writer")
  const shown = await Promise.all([first, second].map(({ client }) => conversationOf(client, trip.id)))
  for (const { messages } of shown) await until(messages, ({ items }) => items[0]?.status === "rejected")
  await shown[1]?.discard(sent.id)
  for (const { messages } of shown) await until(messages, ({ state, items }) => state === "ready" && items.length === 0)
})
