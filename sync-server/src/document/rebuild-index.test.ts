import { conversationOf, encodeUpdate, systemEnv } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { anyDocument, makeDevice, makeLog } from "../../../test/support/device.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { createLog } from "../observe/log.js"
import { openLevelStore } from "../store/level-store.js"
import { DigestTable } from "./digest-table.js"
import { rebuildIndex } from "./rebuild-index.js"
import type { Registry } from "./registry.js"
import { UserIndex } from "./user-index.js"

it("[S4] documents that somebody else stored without a digest are told of, at later starts too", async () => {
  const directory = await temporaryDirectory()
  const document = anyDocument()
  const run = await makeLog(await makeDevice(), document).seal("hello")
  const registry = { conversation: () => ({ standings: async () => [] }) } as unknown as Registry
  const roots: (Uint8Array | undefined)[] = []
  for (let start = 0; start < 3; start++) {
    const store = await openLevelStore({ directory, env: systemEnv })
    if (start === 0) await store.append({ document, update: encodeUpdate([run]) })
    const digests = new DigestTable(store)
    await rebuildIndex(store, digests, registry, new UserIndex(store), createLog("silent"))
    roots.push((await digests.of(conversationOf(document))).root)
    await store.close()
  }
  expect(roots[0]).toBeDefined()
  expect(roots).toEqual([roots[0], roots[0], roots[0]])
})
