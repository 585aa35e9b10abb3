/**
 * Run as a child by store-crash.test.ts: appends to documents of a store, many at once, and prints a line for each
 * append that was acknowledged, until it is killed. Merges now and then, as a server does.
 *
 * Arguments: directory, seed.
 */
import { writeSync } from "node:fs"
import { encodeUpdate, readContents, systemEnv, type DocumentName } from "@weft/sdk/protocol"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { createMerger } from "../../sync-server/src/store/merge.js"
import { makeDevice, makeLog } from "../support/device.js"
import { seededRandom } from "../support/seed.js"

const [, , directory = "", seed = "0", ...documents] = process.argv
const random = seededRandom("child", seed)
const store = await openLevelStore({ directory })
const device = await makeDevice()
const merger = createMerger({
  store,
  env: systemEnv,
  contextOf: async () => ({
    isErased: () => false,
    end: () => undefined,
    // as many logs as the contents hold: what the parent compares with the updates
    describe: ({ size }) => ({ summary: Uint8Array.of(size), digest: Uint8Array.of(size), nextErasure: Infinity }),
  }),
  onFailure: (document, error) => {
    throw new Error(document, { cause: error })
  },
})

async function appendTo(document: DocumentName): Promise<never> {
  const known = readContents(await store.updates(document)).size
  const log = makeLog(device, document)
  for (;;) {
    const drafts = Array.from({ length: 1 + random.below(3) }, () => "text ".repeat(1 + random.below(200)))
    const update = encodeUpdate([await log.seal(...drafts)])
    const count = log.summary?.count ?? 0
    const covered = random.oneIn(2) ? { summary: Uint8Array.of(known + 1), digest: Uint8Array.of(known + 1) } : {}
    const appended = store.append({ document, update, ...covered })
    if (random.oneIn(3)) await appended
    // One call of the system each: what was printed is in the pipe, whenever this process dies.
    const acknowledged = appended.then(() => writeSync(1, `${document} ${log.id} ${count}\n`))
    if (random.oneIn(2)) await acknowledged
    if (random.oneIn(20)) merger.request(document)
  }
}

writeSync(1, "ready\n")
await Promise.all(documents.map((document) => appendTo(document as DocumentName)))
