import { figure, type Bench } from "./figure.ts"
import { Load, type Work } from "./load/load.ts"
import {
  automergeRepo,
  hocuspocus,
  hocuspocusStored,
  lacksOf,
  plainWs,
  weft,
  withServer,
  yLeveldb,
  yWebsocket,
  type System,
} from "./system.ts"

/** What is in flight at once is sealed at once, as the SDK does it; peers send each entry by itself. */
const SEALED_TOGETHER = 8

const others = [yWebsocket, yLeveldb, hocuspocus, hocuspocusStored, automergeRepo]

type Rooms = Pick<Work, "rooms" | "members" | "before" | "entries" | "inFlight" | "batchSize">

const many: Rooms = { rooms: 500, members: 2, before: 8, entries: 56, inFlight: 8 }
const one: Rooms = { rooms: 1, members: 50, before: 200, entries: 2_000, inFlight: 80 }

/** Processor time of the server for each entry that reached a reader, microseconds. */
async function costOf(system: System, rooms: Rooms, say: (line: string) => void): Promise<number> {
  return withServer(system, async (server) => {
    const load = await Load.start({ line: system.line, urls: [server.url], pace: "delivered", ...rooms })
    try {
      const before = server.cpuMs
      const { deliveries, seconds } = await load.run()
      const micros = ((server.cpuMs - before) * 1000) / deliveries
      say(`${system.name}: ${micros.toFixed(2)} us an entry delivered, ${(deliveries / seconds).toFixed(0)}/s`)
      return micros
    } finally {
      await load.stop()
    }
  })
}

function fanOut(name: string, what: string, rooms: Rooms, target: number): Bench {
  return {
    name,
    what,
    exact: false,
    async run(say) {
      const limit = await costOf(plainWs, rooms, say)
      const value = await costOf(weft, { ...rooms, batchSize: SEALED_TOGETHER }, say)
      const single = await costOf(weft, rooms, say)
      const peers: Record<string, number> = {}
      for (const system of others) peers[system.name] = (await costOf(system, rooms, say)) / limit
      return figure({
        value: value / limit,
        unit: "x",
        target,
        better: "less",
        peers,
        limit: 1,
        notes: [
          `plain ws ${limit.toFixed(1)} us`,
          `Weft: ${SEALED_TOGETHER} entries a seal; with a seal each ${(single / limit).toFixed(2)} x`,
          ...lacksOf(others),
        ],
      })
    },
  }
}

export const fanOutMany = fanOut(
  "fanout-many",
  "server CPU of an entry delivered, in plain ws: 500 rooms of 2, 8 in flight in each",
  many,
  3,
)

export const fanOutOne = fanOut("fanout-one", "server CPU of an entry delivered, in plain ws: one room of 50", one, 0.7)
