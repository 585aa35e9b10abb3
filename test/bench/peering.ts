import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { figure, type Bench } from "./figure.ts"
import { Load, type Report, type Work } from "./load/load.ts"
import type { Server } from "./server.ts"
import { weft } from "./system.ts"

const busy = { rooms: 40, members: 6, before: 2, entries: 20, inFlight: 8 } satisfies Partial<Work>
const calm = { rooms: 10, members: 6, before: 2, entries: 20, inFlight: 1 } satisfies Partial<Work>

export const peering: Bench = {
  name: "peers",
  what: "from a server's acknowledgement to the last reader on another of three peered servers, p99",
  exact: false,
  async run(say) {
    const notes: string[] = []
    let lag = NaN
    for (const count of [1, 2, 3]) {
      const { entries, seconds, afterAck } = await onServers(count, busy)
      const quiet = await onServers(count, calm)
      lag = quiet.afterAck.p99
      notes.push(
        `${count} ${count === 1 ? "server" : "servers"}: ${(entries / seconds).toFixed(0)} entries/s, lag p99 ${lag.toFixed(1)} ms; ` +
          `with ${busy.rooms * busy.inFlight} entries under way ${afterAck.p99.toFixed(0)} ms`,
      )
      say(notes.at(-1) ?? "")
    }
    return figure({ value: lag, unit: "ms", target: 50, better: "less", notes })
  },
}

/** Members of each room on all servers in turn; an entry is done when all members have it. */
export async function onServers(count: number, work: Pick<Work, keyof typeof busy>): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"))
  const servers: Server[] = []
  try {
    for (let number = 0; number < count; number++) {
      const flags = servers.flatMap(({ url }) => ["--peer", url])
      servers.push(await weft.start(join(folder, String(number)), flags))
    }
    const load = await Load.start({ line: "weft", urls: servers.map(({ url }) => url), pace: "delivered", ...work })
    try {
      return await load.run()
    } finally {
      await load.stop()
    }
  } finally {
    for (const server of servers) await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
