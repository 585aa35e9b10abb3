import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { controlDocument, segmentDocument, type ConversationId, type DocumentName } from "@weft/sdk/protocol"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { figure, type Bench } from "./figure.ts"
import { build, weft } from "./system.ts"

const CONVERSATIONS = 100_000
const AT_ONCE = 1_000

export const start: Bench = {
  name: "start",
  what: `cold start of a server with ${CONVERSATIONS} conversations on disk, until it is ready`,
  exact: false,
  async run(say) {
    build()
    const folder = await mkdtemp(join(tmpdir(), "weft-bench-"))
    const data = join(folder, "data")
    try {
      const empty = await readyAfter(join(folder, "empty"))
      await readyAfter(data) // the server's own settings
      await fill(data)
      const value = await readyAfter(data)
      say(`${value.toFixed(0)} ms; with an empty folder ${empty.toFixed(0)} ms`)
      return figure({
        value,
        unit: "ms",
        target: 1000,
        better: "less",
        limit: empty,
        notes: ["from the start of the process; limit: with an empty folder"],
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function readyAfter(folder: string): Promise<number> {
  const began = performance.now()
  const server = await weft.start(folder)
  const took = performance.now() - began
  await server.stop()
  return took
}

/** As the server stores them: a start reads the digests, whatever the updates say. */
async function fill(directory: string): Promise<void> {
  const store = await openLevelStore({ directory })
  const update = crypto.getRandomValues(new Uint8Array(300))
  update.set([0, 0])
  const stateVector = new Uint8Array(12)
  const append = (document: DocumentName): Promise<void> =>
    store.append({ document, update, digest: crypto.getRandomValues(new Uint8Array(32)), stateVector })
  for (let from = 0; from < CONVERSATIONS; from += AT_ONCE) {
    const ids = Array.from({ length: AT_ONCE }, (_, index) => conversationId(from + index))
    await Promise.all(ids.flatMap((id) => [append(controlDocument(id)), append(segmentDocument(id, 1))]))
  }
  await store.close()
}

function conversationId(number: number): ConversationId {
  const bytes = Buffer.alloc(18)
  bytes.writeUInt32BE(number)
  return bytes.toString("base64url") as ConversationId
}
