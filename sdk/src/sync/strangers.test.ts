/* What a device keeps of conversations that a server names. */
import { expect, it, onTestFinished } from "vitest"
import { systemEnv } from "../base/env.js"
import { catchUpKey } from "../log/keys.js"
import { deviceNamed } from "../log/scenario.js"
import { digestOf } from "../log/summary.js"
import { encodeUpdate } from "../log/update.js"
import { wireDigest, type Frame } from "../protocol/frame.js"
import {
  controlDocument,
  conversationIdFromBytes,
  segmentDocument,
  type ConversationId,
  type DocumentName,
  type UserId,
} from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { AccountReplica } from "./account-replica.js"
import { Acks } from "./acks.js"
import type { ReplicaDocument } from "./document.js"
import { Exchange } from "./exchange.js"
import { Replica } from "./replica.js"

const server = "ws://server"
const unlike = new Uint8Array(12).fill(1)
const anyConversation = () => conversationIdFromBytes(crypto.getRandomValues(new Uint8Array(18)))

async function openWriter(storage = createMemoryStorage()): Promise<Replica> {
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user: "ann" as UserId, signer: await deviceNamed("ann") },
    verify: async () => true,
    refusesKey: () => false,
  })
  onTestFinished(() => replica.close())
  await replica.becomeWriter()
  return replica
}

/** Ann's device, with a conversation that the server has as well, and its connection. */
async function connected() {
  const storage = createMemoryStorage()
  const replica = await openWriter(storage)
  const acks = await Acks.load(storage)
  await acks.meet(server, new Uint8Array(16))
  const failures: unknown[] = []
  const frames: Frame[] = []
  const exchange = new Exchange({
    ...{ replica, acks, server, isRenewed: false, env: systemEnv },
    account: await AccountReplica.open({
      ...{ storage, env: systemEnv, user: "ann" as UserId },
      guard: () => replica.writeGuard,
      report: (error) => failures.push(error),
    }),
    send: (frame) => frames.push(frame),
    drained: () => Promise.resolve(),
    askTime: () => Promise.resolve(),
    changed: () => undefined,
    failed: (error) => failures.push(error),
  })
  onTestFinished(() => {
    exchange.end()
    expect(failures).toEqual([])
  })
  const home = await replica.create("Home", [], [])
  await home.controlDocument.flush()
  const asked = (): DocumentName[] => frames.flatMap((frame) => (frame.kind === "vector" ? frame.document : []))
  const registersAsked = (id: ConversationId): number =>
    frames.filter((frame) => frame.kind === "clocks" && frame.conversation === id).length
  const serve = ({ name, summary }: ReplicaDocument): void => {
    exchange.take({ kind: "served", document: name, digest: wireDigest(digestOf(summary)) })
  }
  /** Resolves when no frame before waits. */
  const handled = async (): Promise<void> => {
    const before = registersAsked(home.id)
    const { name, summary } = home.controlDocument
    const items = [{ document: name, digest: wireDigest(digestOf(summary)) }]
    exchange.take({ kind: "documents", conversation: home.id, registers: unlike, items })
    await expect.poll(() => registersAsked(home.id)).toBe(before + 1)
  }
  await handled()
  await acks.save()
  return { storage, replica, exchange, asked, registersAsked, serve, handled }
}

function name(exchange: Exchange, conversation: ConversationId, ...documents: DocumentName[]): void {
  const items = documents.map((document) => ({ document, digest: unlike }))
  exchange.take({ kind: "documents", conversation, registers: unlike, items })
}

it("[S15] of conversations that a server makes up nothing is shown, stored, or kept in memory", async () => {
  const { storage, replica, exchange, asked, handled } = await connected()
  const shown: unknown[] = []
  replica.reads.on((conversation) => shown.push(conversation))
  const before = storage.snapshot().entries.length
  const id = anyConversation()
  const [control, segment] = [controlDocument(id), segmentDocument(id, 7)]
  name(exchange, id, segment)
  name(exchange, id, segment, control)
  await expect.poll(asked).toEqual([segment, control])
  for (const document of [control, segment]) {
    exchange.take({ kind: "vector", document, reply: false, logs: [], records: [] })
    exchange.take({ kind: "update", id: 0, document, update: encodeUpdate([]) })
    exchange.take({ kind: "records", id: 0, document, records: [new Uint8Array(9)] })
    exchange.take({ kind: "reject", id: 0, document, copies: 0, retryAfterMs: 0, items: [] })
    exchange.take({ kind: "served", document, digest: unlike })
  }
  exchange.take({ kind: "registers", conversation: id, items: [new Uint8Array(9)] })
  exchange.take({ kind: "clocks", conversation: id, reply: true, items: [] })
  await handled()
  expect([shown.length, replica.conversations.get().size, replica.knows(id)]).toEqual([0, 1, false])
  expect(storage.snapshot().entries.length).toBe(before)
})

it.each(["as it is asked for", "as it is relayed"])(
  "[S15, P6] registers that come before the authority of their conversation are asked for when it is here, %s",
  async (how) => {
    const { exchange, asked, registersAsked, serve, handled } = await connected()
    const theirs = await (await openWriter()).create("Trip", [], [])
    await theirs.controlDocument.flush()
    const { id, controlDocument: control } = theirs
    if (how === "as it is asked for") {
      const items = [{ document: control.name, digest: unlike }]
      // No register was there yet.
      exchange.take({ kind: "documents", conversation: id, registers: new Uint8Array(12), items })
      await expect.poll(asked).toEqual([control.name])
    }
    exchange.take({ kind: "registers", conversation: id, items: [new Uint8Array(9)] })
    // A server that has nothing yet, or keeps it to itself for now.
    if (how === "as it is asked for") exchange.take({ kind: "served", document: control.name, digest: unlike })
    await handled()
    expect(registersAsked(id)).toBe(0)
    const update = encodeUpdate(Array.from((await control.contents()).values()))
    exchange.take({ kind: "update", id: 0, document: control.name, update })
    if (how === "as it is asked for") serve(control)
    await handled()
    expect(registersAsked(id)).toBe(1)
  },
)

it("[S15] what was read for a frame that brought nothing is read anew for the next one; who asks for it keeps it", async () => {
  const replica = await openWriter()
  const id = anyConversation()
  const once = await replica.using(id, async (conversation) => conversation)
  const again = await replica.using(id, async (conversation) => {
    await replica.using(id, async (same) => {
      expect(same).toBe(conversation)
    })
    return conversation
  })
  expect(again).not.toBe(once)
  const kept = await replica.conversation(id)
  expect(await replica.using(id, async (conversation) => conversation)).toBe(kept)
  expect(replica.conversations.get().get(id)).toBe(kept)
})

it("[S15] segments that a server makes up leave memory, and what is written stays", async () => {
  const { replica, exchange, asked, handled } = await connected()
  const trip = await replica.create("Trip", [], [])
  await trip.controlDocument.flush()
  const { document } = trip.post(new Map([["t", "waits"]]))
  const made = segmentDocument(trip.id, 1_000)
  name(exchange, trip.id, made)
  exchange.take({ kind: "update", id: 0, document: made, update: encodeUpdate([]) })
  exchange.take({ kind: "served", document: trip.controlDocument.name, digest: unlike })
  await expect.poll(asked).toContain(made)
  exchange.take({ kind: "served", document: made, digest: unlike })
  await handled()
  expect(trip.loadedDocuments).toEqual([trip.controlDocument, document])
})

it("[S15, U10] a catch-up begins when the create entry is here, before messages are asked for", async () => {
  const { storage, replica, exchange, asked, serve, handled } = await connected()
  const theirs = await (await openWriter()).create("Trip", [], [])
  await theirs.controlDocument.flush()
  const { name: control } = theirs.controlDocument
  const segment = segmentDocument(theirs.id, 1)
  const isNoted = async () => (await storage.get(catchUpKey(theirs.id))) !== undefined
  name(exchange, theirs.id, control, segment)
  await handled()
  expect([asked(), await isNoted()]).toEqual([[control], false])
  const update = encodeUpdate(Array.from((await theirs.controlDocument.contents()).values()))
  exchange.take({ kind: "update", id: 0, document: control, update })
  serve(theirs.controlDocument)
  await expect.poll(asked).toEqual([control, segment])
  expect(await isNoted()).toBe(true)
  expect(replica.conversations.get().get(theirs.id)?.catchUp.isUnderWay).toBe(true)
})

it("[S15] a start forgets catch-ups of conversations of which nothing else is stored", async () => {
  const storage = createMemoryStorage()
  const replica = await openWriter(storage)
  const trip = await replica.create("Trip", [], [])
  await trip.controlDocument.flush()
  await trip.catchUp.begin()
  const madeUp = catchUpKey(anyConversation())
  await storage.write([{ kind: "put", key: madeUp, value: new Uint8Array() }], { durability: "relaxed" })
  await replica.close()
  await openWriter(storage.share())
  expect([await storage.get(madeUp), await storage.get(catchUpKey(trip.id))]).toEqual([undefined, new Uint8Array()])
})
