import { until } from "../../support/until.ts"
import { ByteProxy } from "../byte-proxy.ts"
import { Historian } from "../history.ts"
import { Load } from "../load/load.ts"
import { onStage, type Stage } from "../stage.ts"
import { storedBytes } from "../stored-bytes.ts"
import { onServers } from "../peering.ts"
import { weft, withServer } from "../system.ts"
import type { Growth } from "./growth.ts"

const READER = "reader"
const NEWEST = 50

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

/** The reader's device with all that the server has; the list was shown. */
async function fetchAll(stage: Stage, conversations: number): Promise<void> {
  const reader = await stage.client(READER, READER)
  reader.list.subscribe(() => undefined)
  await until(reader.conversations, ({ length }) => length === conversations)
  await reader.synced()
  await stage.closeClient(reader)
}

const messages: Growth = {
  name: "messages",
  what: "one conversation, its author another; a client on LevelDB",
  of: "messages",
  sizes: [1_000, 4_000, 16_000, 64_000],
  measure: (size) =>
    onStage(async (stage) => {
      const historian = await Historian.connect(stage.server.url)
      const id = await historian.write("Long", READER, size)
      historian.close()
      const fetched = await timed(() => fetchAll(stage, 1))
      const start = performance.now()
      const reader = await stage.client(READER, READER)
      const conversation = await reader.openConversation(id)
      await until(conversation.messages, ({ items }) => items.length >= NEWEST)
      const opened = performance.now() - start
      await stage.closeClient(reader)
      return {
        "first sync, ms": fetched,
        "open the newest, ms": opened,
        "server's memory, MB": (await stage.server.sample()).rss / 2 ** 20,
        "client's disk, MB": (await storedBytes(stage.databaseOf(READER))) / 2 ** 20,
      }
    }),
}

/** What happened at the server between two starts. */
const CHANGED = 10
/** A list is stored so long after it changed, and conversations come to rest. */
const REST_MS = 5_000

/** A start of the reader's device: until its list is there, until it is in sync, and what that took of the processor. */
async function startOnce(stage: Stage, size: number, url: string) {
  const before = process.cpuUsage()
  const start = performance.now()
  const reader = await stage.client(READER, READER, url)
  reader.list.subscribe(() => undefined)
  await until(reader.list, ({ length }) => length === size)
  const listed = performance.now() - start
  await reader.synced()
  const synced = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  // What goes on in the background is over, and what is to be stored is stored.
  await new Promise((resolve) => setTimeout(resolve, REST_MS))
  const after = process.cpuUsage(before)
  await stage.closeClient(reader)
  return { listed, synced, cpuMs: (user + system) / 1000, allCpuMs: (after.user + after.system) / 1000 }
}

const conversations: Growth = {
  name: "conversations",
  what: "twenty messages in each; a client on LevelDB whose list was shown before",
  of: "conversations",
  sizes: [30, 100, 300, 1_000],
  measure: (size) =>
    onStage(async (stage) => {
      const historian = await Historian.connect(stage.server.url)
      const rooms = []
      for (let number = 0; number < size; number++)
        rooms.push(await historian.open(`Room ${String(number)}`, READER, 20))
      await startOnce(stage, size, stage.server.url)
      const proxy = await ByteProxy.start(stage.server.url)
      const same = await startOnce(stage, size, proxy.url)
      const { up, down } = proxy.take()
      await proxy.close()
      for (const room of rooms.slice(0, CHANGED)) await historian.add(room, 1)
      const some = await startOnce(stage, size, stage.server.url)
      historian.close()
      return {
        "list from disk, ms": same.listed,
        "in sync, nothing changed, ms": same.synced,
        "the client's processor time for that, ms": same.cpuMs,
        "the same with what follows in the background, ms": same.allCpuMs,
        [`in sync, ${String(CHANGED)} changed, ms`]: some.synced,
        [`the client's processor time for ${String(CHANGED)} changed, ms`]: some.cpuMs,
        "reconnect, KB": (up + down) / 1024,
        "server's memory, MB": (await stage.server.sample()).rss / 2 ** 20,
      }
    }),
}

const members: Growth = {
  name: "members",
  what: "one room, everybody online and writing in turn, one entry a seal",
  of: "members, a device each",
  sizes: [4, 16, 64, 256],
  measure: (size) =>
    withServer(weft, async (server) => {
      const entries = 400
      const load = await Load.start({
        ...{ line: "weft", urls: [server.url], pace: "delivered", rooms: 1, members: size },
        ...{ before: size, entries, inFlight: 8 },
      })
      try {
        const before = server.cpuMs
        const { delivered } = await load.run()
        return {
          "server's processor time for an entry, ms": (server.cpuMs - before) / entries,
          "until the last reader has it, p50, ms": delivered.p50,
          "server's memory, MB": server.rssBytes / 2 ** 20,
        }
      } finally {
        await load.stop()
      }
    }),
}

const devices: Growth = {
  name: "devices",
  what: "connections that do nothing, on one server",
  of: "devices",
  sizes: [250, 1_000, 4_000],
  measure: (size) =>
    withServer(weft, async (server) => {
      const idle = server.rssBytes
      const load = await Load.start({
        ...{ line: "weft", urls: [server.url], pace: "acknowledged", rooms: 0, members: 1 },
        ...{ before: 0, entries: 0, inFlight: 1, idle: size },
      })
      try {
        const before = server.cpuMs
        await new Promise((resolve) => setTimeout(resolve, 5_000))
        return {
          "server's memory, MB more than empty": (server.rssBytes - idle) / 2 ** 20,
          "server's processor time in a second, ms": Math.max(0.1, (server.cpuMs - before) / 5),
        }
      } finally {
        await load.stop()
      }
    }),
}

const servers: Growth = {
  name: "servers",
  what: "peered, ten rooms of six members spread over them, one entry under way in each",
  of: "servers",
  sizes: [1, 2, 3],
  async measure(size) {
    const { entries, seconds, afterAck } = await onServers(size, {
      ...{ rooms: 10, members: 6, before: 2, entries: 40, inFlight: 1 },
    })
    return {
      "entries delivered in a second": entries / seconds,
      "from acknowledgement to the last reader, p50, ms": afterAck.p50,
      "the same, p99, ms": afterAck.p99,
    }
  },
}

/** In the order of the page on scale. */
export const growths: readonly Growth[] = [messages, conversations, members, devices, servers]
