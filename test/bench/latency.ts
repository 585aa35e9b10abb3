import { generateKeyPairSync, sign, verify } from "node:crypto"
import { open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { conversationOf, until } from "../support/until.ts"
import { figure, type Bench } from "./figure.ts"
import { Load, type Percentiles } from "./load/load.ts"
import { realTexts } from "./real-text.ts"
import { onStage } from "./stage.ts"
import { automergeRepo, hocuspocus, lacksOf, plainWs, withServer, yLeveldb, type System } from "./system.ts"

const MESSAGES = 300
const WARM_UP = 50

export const latency: Bench = {
  name: "latency",
  what: "from sending to being shown at the other client, p50, in a plain ws echo + an fsync + a signature + a verification",
  exact: false,
  async run(say) {
    const bare = await lineLatency(plainWs)
    const fsync = await medianOf(fsyncOnce())
    const { signMs, verifyMs } = signatureCosts()
    const limit = bare.p50 + fsync + signMs + verifyMs
    const shown = await clientLatency()
    const others = [yLeveldb, hocuspocus, automergeRepo]
    const peers: Record<string, number> = {}
    for (const system of others) peers[system.name] = (await lineLatency(system)).p50 / limit
    const ms = (value: number): string => `${value.toFixed(2)} ms`
    say(`Weft p50 ${ms(shown.p50)}, p99 ${ms(shown.p99)}; limit ${ms(limit)}`)
    return figure({
      value: shown.p50 / limit,
      unit: "x",
      target: 2,
      better: "less",
      peers,
      limit: 1,
      notes: [
        `p50 ${ms(shown.p50)}, p99 ${ms(shown.p99)}; the author's device has it on disk too before it is sent`,
        `limit ${ms(limit)}: plain ws ${ms(bare.p50)}, fsync ${ms(fsync)}, signature ${ms(signMs)}, verification ${ms(verifyMs)}`,
        "peers: from socket to socket, shown to nobody",
        ...lacksOf(others),
      ],
    })
  },
}

/** Two clients with LevelDB, one message after another. */
function clientLatency(): Promise<Percentiles> {
  return onStage(async (stage) => {
    const alice = await stage.client("alice", "alice")
    const bob = await stage.client("bob", "bob")
    const room = await alice.createConversation({ title: "Room", members: ["bob"] })
    const atBob = await conversationOf(bob, room.id)
    const took: number[] = []
    const keep = atBob.messages.subscribe(() => undefined)
    for (const text of await realTexts(WARM_UP + MESSAGES)) {
      const start = performance.now()
      const { id } = room.send(text)
      await until(atBob.messages, ({ items }) => items.at(-1)?.id === id)
      took.push(performance.now() - start)
    }
    keep()
    const sorted = took.slice(WARM_UP).sort((a, b) => a - b)
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? NaN
    return { p50: at(0.5), p99: at(0.99) }
  })
}

/** From socket to socket. */
function lineLatency(system: System): Promise<Percentiles> {
  return withServer(system, async (server) => {
    const load = await Load.start({
      line: system.line,
      urls: [server.url],
      ...{ rooms: 1, members: 2, before: WARM_UP, entries: MESSAGES, inFlight: 1, pace: "delivered" },
    })
    try {
      return (await load.run()).delivered
    } finally {
      await load.stop()
    }
  })
}

async function* fsyncOnce(): AsyncGenerator<void> {
  const path = join(tmpdir(), `weft-bench-${process.pid}`)
  const file = await open(path, "a")
  try {
    for (;;) {
      await file.write(crypto.getRandomValues(new Uint8Array(300)))
      await file.datasync()
      yield
    }
  } finally {
    await file.close()
    await rm(path)
  }
}

async function medianOf(rounds: AsyncGenerator<void>): Promise<number> {
  const took: number[] = []
  let start = performance.now()
  for await (const _ of rounds) {
    const now = performance.now()
    took.push(now - start)
    start = now
    if (took.length === MESSAGES) break
  }
  return took.sort((a, b) => a - b)[MESSAGES / 2] ?? NaN
}

function signatureCosts(): { signMs: number; verifyMs: number } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519")
  const message = crypto.getRandomValues(new Uint8Array(128))
  const signature = sign(null, message, privateKey)
  const each = (run: () => unknown): number => {
    const start = performance.now()
    for (let round = 0; round < 1000; round++) run()
    return (performance.now() - start) / 1000
  }
  return {
    signMs: each(() => sign(null, message, privateKey)),
    verifyMs: each(() => verify(null, message, publicKey, signature)),
  }
}
