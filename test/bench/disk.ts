import { conversationOf } from "../support/until.ts"
import { figure, type Bench } from "./figure.ts"
import { bytesOf, realTexts } from "./real-text.ts"
import { onStage } from "./stage.ts"
import { storedBytes } from "./stored-bytes.ts"

const ONE_BY_ONE = 1_000
const IN_RUNS = 10_000

interface Stored {
  readonly client: number
  readonly server: number
}

/** Bytes of a message beyond its text, on its author's device and on the server. */
async function bytesEach(count: number, oneByOne: boolean): Promise<Stored> {
  const [without, withThem] = [await bytesWith([], oneByOne), await bytesWith(await realTexts(count), oneByOne)]
  const beyond = bytesOf(await realTexts(count))
  return {
    client: (withThem.client - without.client - beyond) / count,
    server: (withThem.server - without.server - beyond) / count,
  }
}

function bytesWith(texts: readonly string[], oneByOne: boolean): Promise<Stored> {
  return onStage(async (stage) => {
    const alice = await stage.client("alice", "alice")
    const bob = await stage.client("bob", "bob")
    const room = await alice.createConversation({ title: "Room", members: ["bob"] })
    await conversationOf(bob, room.id)
    await Promise.all([alice.synced(), bob.synced()])
    if (!oneByOne) alice.goOffline()
    for (const text of texts) {
      const message = room.send(text)
      if (oneByOne) await message.reached("sent")
    }
    alice.goOnline()
    await alice.synced()
    await Promise.all([stage.closeClient(alice), stage.closeClient(bob)])
    await stage.server.stop()
    return { client: await storedBytes(stage.databaseOf("alice")), server: await storedBytes(stage.serverDatabase) }
  })
}

export const disk: Bench = {
  name: "disk",
  what: "bytes of a message at rest beyond its text, sealed one by one; the larger of client and server, compacted",
  exact: true,
  async run(say) {
    const single = await bytesEach(ONE_BY_ONE, true)
    const runs = await bytesEach(IN_RUNS, false)
    const describe = ({ client, server }: Stored): string => `client ${client.toFixed(1)}, server ${server.toFixed(1)}`
    say(`one by one: ${describe(single)}; in runs: ${describe(runs)}`)
    return figure({
      value: Math.max(single.client, single.server),
      unit: "bytes",
      target: 135,
      better: "less",
      counts: {
        "single, client": single.client,
        "single, server": single.server,
        "runs, client": runs.client,
        "runs, server": runs.server,
      },
      notes: [
        `sealed one by one: ${describe(single)}`,
        `written offline, sealed in runs: ${describe(runs)} (at most 80)`,
        "LevelDB's own compression included",
      ],
    })
  },
}
