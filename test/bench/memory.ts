import { figure, type Bench } from "./figure.ts"
import { Load, type Work } from "./load/load.ts"
import type { Server } from "./server.ts"
import { automergeRepo, hocuspocus, lacksOf, plainWs, weft, withServer, yWebsocket, type System } from "./system.ts"

const SOCKETS = 5_000
const DOCUMENTS = 10_000
/** automerge-repo's clients give up on the way to more. */
const AUTOMERGE_DOCUMENTS = 2_000
/** Opened before anything is measured, by users of their own: code that runs for the first time takes memory of its own. */
const WARM_DOCUMENTS = 500
/** Of each document: what is written in it before it is looked at. */
const MESSAGES = 10
/** Conversations of one user: most are in more than a few. */
const CONVERSATIONS_PER_USER = 100
/** A server that does less than this in a second is at rest. */
const REST_MS = 50
/** Time to give back what is not needed, for those who do. */
const IDLE_MS = 60_000

/** What is done before a measurement, and the work of which the memory is measured. */
interface Steps {
  readonly warmUp?: Partial<Work>
  readonly work: Partial<Work>
  /** How long the server does nothing before each look. */
  readonly idleMs?: number
}

/** Bytes that the server has more of for each of so many, once it is at rest. */
async function bytesEach(system: System, count: number, { warmUp, work, idleMs = 0 }: Steps): Promise<number> {
  return withServer(system, async (server) => {
    const start = (work: Partial<Work>): Promise<Load> =>
      Load.start({
        line: system.line,
        urls: [server.url],
        rooms: 0,
        members: 1,
        before: 0,
        entries: 0,
        inFlight: MESSAGES,
        pace: system === weft ? "acknowledged" : "delivered",
        ...work,
      })
    const loads: Load[] = []
    try {
      if (warmUp !== undefined) loads.push(await start(warmUp))
      await rest(server, idleMs)
      const before = server.rssBytes
      loads.push(await start(work))
      await rest(server, idleMs)
      return (server.rssBytes - before) / count
    } finally {
      for (const load of loads) await load.stop()
    }
  })
}

async function rest(server: Server, idleMs: number): Promise<void> {
  for (let before = -REST_MS; server.cpuMs - before >= REST_MS;) {
    before = server.cpuMs
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  await new Promise((resolve) => setTimeout(resolve, idleMs))
}

async function each(
  systems: readonly System[],
  measure: (system: System) => Promise<number>,
  say: (line: string) => void,
): Promise<Map<System, number>> {
  const bytes = new Map<System, number>()
  for (const system of systems) {
    bytes.set(system, await measure(system))
    say(`${system.name}: ${((bytes.get(system) ?? 0) / 1024).toFixed(1)} KB each`)
  }
  return bytes
}

export const memorySockets: Bench = {
  name: "memory-sockets",
  what: `server memory of an idle connection, in plain ws: ${SOCKETS} connections`,
  exact: false,
  async run(say) {
    const peers = [yWebsocket, hocuspocus, automergeRepo]
    const bytes = await each(
      [plainWs, weft, ...peers],
      (system) => bytesEach(system, SOCKETS, { work: { idle: SOCKETS } }),
      say,
    )
    const limit = bytes.get(plainWs) ?? NaN
    return figure({
      value: (bytes.get(weft) ?? NaN) / limit,
      unit: "x",
      target: 1.3,
      better: "less",
      peers: Object.fromEntries(peers.map((peer) => [peer.name, (bytes.get(peer) ?? NaN) / limit])),
      limit: 1,
      notes: [
        `plain ws ${(limit / 1024).toFixed(1)} KB; Weft's are authenticated`,
        "y-websocket 2 and Hocuspocus: 50 documents among them; automerge-repo: none",
      ],
    })
  },
}

export const memoryDocuments: Bench = {
  name: "memory-documents",
  what: `server memory of an open conversation: ${DOCUMENTS} of ${MESSAGES} messages`,
  exact: false,
  async run(say) {
    const peers = [yWebsocket, hocuspocus, automergeRepo]
    const written: Partial<Work> = { before: MESSAGES, batchSize: MESSAGES, sharedBy: CONVERSATIONS_PER_USER }
    const measure = (system: System): Promise<number> => {
      const rooms = system === automergeRepo ? AUTOMERGE_DOCUMENTS : DOCUMENTS
      return bytesEach(system, rooms, {
        warmUp: { ...written, rooms: WARM_DOCUMENTS },
        work: { ...written, firstRoom: WARM_DOCUMENTS, rooms },
        idleMs: IDLE_MS,
      })
    }
    const bytes = await each([weft, ...peers], measure, say)
    const value = bytes.get(weft) ?? NaN
    const least = Math.min(...peers.map((peer) => bytes.get(peer) ?? NaN))
    return figure({
      value: value / 1024,
      unit: "KB",
      target: least / 10 / 1024,
      better: "less",
      peers: Object.fromEntries(peers.map((peer) => [peer.name, (bytes.get(peer) ?? NaN) / 1024])),
      notes: [
        `target: a tenth of the best peer; automerge-repo: of ${AUTOMERGE_DOCUMENTS}`,
        `each looked at after ${IDLE_MS / 1000} s in which nobody said anything; ${WARM_DOCUMENTS} were opened before`,
        `Weft, Hocuspocus and automerge-repo: one connection for ${CONVERSATIONS_PER_USER} conversations; y-websocket 2 has one for each`,
        ...lacksOf(peers),
      ],
    })
  },
}
