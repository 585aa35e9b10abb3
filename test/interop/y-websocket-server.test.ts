/* The stock client on one document of ours: the same check, another protocol. [SPEC S12] */
import { encodeUpdate, readContents, refusalOfClose, type DocumentName } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { WebSocket } from "ws"
import { WebsocketProvider } from "y-websocket"
import * as Y from "yjs"
import { makeLog, type TestLog } from "../support/device.js"
import { RawClient, RawConversation } from "../support/raw-client.js"
import { startTestServer, type TestServer } from "../support/server.js"

interface Stock {
  readonly doc: Y.Doc
  readonly provider: WebsocketProvider
  /** The code of its first refusal. */
  readonly refused: Promise<string | undefined>
}

function openStock(server: TestServer, document: DocumentName, user: string, doc = new Y.Doc()): Stock {
  const provider = new WebsocketProvider(`${server.url}/y`, document, doc, {
    params: { token: user },
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  })
  onTestFinished(() => {
    provider.destroy()
  })
  const refused = new Promise<string | undefined>((resolve) => {
    provider.on("connection-close", (event) => {
      const code = event === null ? undefined : refusalOfClose(event.code)
      if (code !== undefined) resolve(code)
    })
  })
  return { doc, provider, refused }
}

function synced({ provider }: Stock): Promise<void> {
  return new Promise((resolve) => {
    if (provider.synced) resolve()
    else {
      provider.once("sync", () => {
        resolve()
      })
    }
  })
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it did not come to pass")
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function elementsOf({ doc }: Stock, log: TestLog): unknown[] {
  return doc.getArray(log.id).toArray()
}

it("[S12] y-websocket converges with a native client, both ways", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const name = trip.segment(1)
  const log = trip.log(alice)
  await alice.push(name, await log.seal(trip.message("before")))
  const bob = openStock(server, name, "bob")
  const carol = openStock(server, name, "alice")
  await Promise.all([synced(bob), synced(carol)])
  expect(elementsOf(bob, log)).toEqual(log.whole.elements)
  await alice.push(name, await log.seal(trip.message("live")))
  await until(() => elementsOf(bob, log).length === 6)

  // What a stock carrier holds of a device that is offline arrives by it.
  const offline = trip.log(alice)
  const run = await offline.seal(trip.message("carried"))
  Y.applyUpdate(bob.doc, encodeUpdate([run]))
  await until(() => elementsOf(carol, offline).length === 3)
  const contents = readContents((await alice.fetch(name)).updates)
  expect(contents.get(offline.client)?.elements).toEqual(run.elements)
  // Bytes are those that Yjs itself would write.
  expect(encodeUpdate(Array.from(contents.values()))).toEqual(Y.encodeStateAsUpdate(bob.doc))
  expect(bob.provider.synced && carol.provider.synced).toBe(true)
})

it("[S12] what does not pass is dropped, and the socket closes with its code", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["mallory"])
  const name = trip.segment(1)
  const mallory = openStock(server, name, "mallory")
  await synced(mallory)
  mallory.doc.getMap("chat").set("anything", "goes?")
  expect(await mallory.refused).toBe("FOREIGN_ORIGIN")
  mallory.provider.destroy()
  const eve = openStock(server, name, "eve")
  const log = makeLog(alice.device, name)
  Y.applyUpdate(eve.doc, encodeUpdate([await log.seal(trip.message("as eve"))]))
  expect(await eve.refused).toBe("FORBIDDEN")
  expect((await alice.fetch(name)).updates).toEqual([])
  const nobody = openStock(server, name, "")
  expect(await nobody.refused).toBe("AUTH_FAILED")
})

it("[S12] presence is relayed, and ends with its connection", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const name = trip.segment(1)
  const one = openStock(server, name, "alice")
  const other = openStock(server, name, "bob")
  one.provider.awareness.setLocalStateField("user", "alice")
  await until(() =>
    Array.from(other.provider.awareness.getStates().values()).some((state) => state["user"] === "alice"),
  )
  const late = openStock(server, name, "bob")
  await until(() => Array.from(late.provider.awareness.getStates().values()).some((state) => state["user"] === "alice"))
  one.provider.ws?.close()
  one.provider.disconnect()
  await until(() => !other.provider.awareness.getStates().has(one.doc.clientID))
})

it("[P10, S12] a stock client whose presence changes all the time stays, and the last of it arrives, in a few messages", async () => {
  const server = await startTestServer({ limits: { signalsPerSecond: 20, signalBurst: 5 } })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const name = (await RawConversation.create(alice, ["bob"])).segment(1)
  const busy = openStock(server, name, "alice")
  const other = openStock(server, name, "bob")
  await Promise.all([synced(busy), synced(other)])
  const cursor = () => other.provider.awareness.getStates().get(busy.doc.clientID)?.["cursor"] as number | undefined
  let heard = 0
  other.provider.awareness.on("change", () => heard++)
  for (let at = 1; at <= 1_000; at++) busy.provider.awareness.setLocalStateField("cursor", at)
  await until(() => cursor() === 1_000)
  expect(heard).toBeLessThan(200)
  busy.provider.destroy()
  await until(() => cursor() === undefined)
  expect(await Promise.race([busy.refused, Promise.resolve()])).toBeUndefined()
})

it("[S12] a stock client stays where many are present, all of whom it echoes", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const name = (await RawConversation.create(alice, ["bob"])).segment(1)
  const many = Array.from({ length: 20 }, () => openStock(server, name, "alice"))
  for (const [index, { provider }] of many.entries()) provider.awareness.setLocalStateField("index", index)
  await until(() => many.every(({ provider }) => provider.awareness.getStates().size === many.length))
  const late = openStock(server, name, "bob")
  await until(() => late.provider.awareness.getStates().size === many.length + 1)
  // It is heard behind the echo.
  late.provider.awareness.setLocalStateField("user", "bob")
  await until(() => many.every(({ provider }) => provider.awareness.getStates().has(late.doc.clientID)))
  expect(await Promise.race([late.refused, synced(late)])).toBeUndefined()
})

it("[S12] who begins to say something of themselves after all others left is heard by who comes then", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const name = (await RawConversation.create(alice, ["bob"])).segment(1)
  const silent = openStock(server, name, "alice")
  silent.provider.awareness.setLocalState(null)
  await synced(silent)
  const leaving = openStock(server, name, "bob")
  leaving.provider.awareness.setLocalStateField("user", "bob")
  const knows = () => silent.provider.awareness.getStates().has(leaving.doc.clientID)
  await until(knows)
  leaving.provider.destroy()
  await until(() => !knows())
  silent.provider.awareness.setLocalState({ user: "alice" })
  await synced(openStock(server, name, "alice"))
  const late = openStock(server, name, "bob")
  await until(() => late.provider.awareness.getStates().has(silent.doc.clientID))
})
