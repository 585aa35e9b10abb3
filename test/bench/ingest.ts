import { generateKeyPairSync, sign, verify } from "node:crypto"
import { figure, type Bench } from "./figure.ts"
import { Load, type Work } from "./load/load.ts"
import type { Server } from "./server.ts"
import { lacksOf, weft, withServer, yLeveldb } from "./system.ts"

/** 500 conversations, 2 devices in each, about 8 entries of each in flight, for a few seconds: code that just began is slower. */
const rooms = { rooms: 500, members: 2, before: 8, entries: 200, inFlight: 16 } satisfies Partial<Work>
/** Sealed one by one: each entry costs its client a signature, made before the measurement. */
const singles = { ...rooms, before: 2, entries: 16 } satisfies Partial<Work>
const SEALED_TOGETHER = 8
const LOOK_MS = 20
/** Nothing was stored for so long: nothing waits. */
const SETTLED_MS = 500

interface Rate {
  readonly perSecond: number
  /** Processors that the server used meanwhile. */
  readonly cores: number
}

/** Entries that the server acknowledged as durable, each second. */
async function acknowledged(batchSize: number, work: typeof rooms): Promise<Rate> {
  return withServer(weft, async (server) => {
    const load = await Load.start({ line: "weft", urls: [server.url], pace: "acknowledged", batchSize, ...work })
    try {
      const before = server.cpuMs
      const { entries, seconds } = await load.run()
      return { perSecond: entries / seconds, cores: (server.cpuMs - before) / 1000 / seconds }
    } finally {
      await load.stop()
    }
  })
}

/** Updates that y-leveldb has stored, each second; it tells nobody. */
async function stored(): Promise<number> {
  return withServer(yLeveldb, async (server) => {
    const load = await Load.start({ line: "y-websocket", urls: [server.url], pace: "delivered", ...rooms })
    try {
      const before = await settled(server)
      const start = performance.now()
      const { entries } = await load.run()
      while ((await server.stored()) < before + entries) await pause(LOOK_MS)
      return entries / ((performance.now() - start) / 1000)
    } finally {
      await load.stop()
    }
  })
}

/** What was stored once nothing more is: when a document is opened, several updates may be stored as one. */
async function settled(server: Server): Promise<number> {
  for (let count = await server.stored(); ;) {
    await pause(SETTLED_MS)
    const next = await server.stored()
    if (next === count) return count
    count = next
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const ingest: Bench = {
  name: "ingest",
  what: "entries verified, fsynced and acknowledged a second, in what y-leveldb stores: 500 conversations of 2 devices",
  exact: false,
  async run(say) {
    const { perSecond } = await acknowledged(SEALED_TOGETHER, rooms)
    const peer = await stored()
    say(`Weft ${perSecond.toFixed(0)}/s, y-websocket 2 + y-leveldb ${peer.toFixed(0)}/s`)
    return figure({
      value: perSecond / peer,
      unit: "x",
      target: 5,
      better: "more",
      peers: { [yLeveldb.name]: 1 },
      notes: [
        `Weft ${perSecond.toFixed(0)}/s, what is in flight sealed together, ${SEALED_TOGETHER} entries a seal`,
        `${yLeveldb.name} ${peer.toFixed(0)}/s`,
        ...lacksOf([yLeveldb]),
      ],
    })
  },
}

export const ingestSingle: Bench = {
  name: "ingest-single",
  what: "the same with a seal for each entry, in bare Ed25519 verifications on the cores used",
  exact: false,
  async run(say) {
    const bare = verificationsPerSecond()
    const { perSecond, cores } = await acknowledged(1, singles)
    say(`Weft ${perSecond.toFixed(0)}/s on ${cores.toFixed(2)} cores, bare ${bare.toFixed(0)}/s a core`)
    return figure({
      value: perSecond / (bare * cores),
      unit: "x",
      target: 0.6,
      better: "more",
      limit: 1,
      notes: [
        `Weft ${perSecond.toFixed(0)}/s on ${cores.toFixed(2)} cores`,
        `bare ${bare.toFixed(0)} verifications a second and core`,
      ],
    })
  },
}

/** What one core does, of messages as long as what a seal signs. */
export function verificationsPerSecond(): number {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519")
  const message = crypto.getRandomValues(new Uint8Array(128))
  const signature = sign(null, message, privateKey)
  const { user, system } = process.cpuUsage()
  const start = user + system
  let count = 0
  for (let spent = 0; spent < 1e6;) {
    for (let round = 0; round < 100; round++, count++) verify(null, message, publicKey, signature)
    const now = process.cpuUsage()
    spent = now.user + now.system - start
  }
  return count
}
