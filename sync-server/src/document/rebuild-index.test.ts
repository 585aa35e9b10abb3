import { conversationOf, encodeUpdate, systemEnv, WeftError, type UserId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { anyDocument, makeDevice, makeLog } from "../../../test/support/device.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { createLog } from "../observe/log.js"
import { openLevelStore } from "../store/level-store.js"
import type { Store } from "../store/store.js"
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

/** A store that does not read documents while told so. */
function unreadable(real: Store): { store: Store; fail(failing: boolean): void } {
  let failing = true
  const store = new Proxy(real, {
    get(target, name) {
      if (name === "load" && failing) return () => Promise.reject(new WeftError("STORE_FAILED", "the disk is gone"))
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
  return {
    store,
    fail: (now) => {
      failing = now
    },
  }
}

it("[S4] what could not be read when the index was made is told of after a later start", async () => {
  const real = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => real.close())
  const { store, fail } = unreadable(real)
  const document = anyDocument()
  await real.append({ document, update: encodeUpdate([await makeLog(await makeDevice(), document).seal("hello")]) })
  const registry = { conversation: () => ({ standings: async () => [] }) } as unknown as Registry
  const digests = new DigestTable(store)
  const rebuild = () => rebuildIndex(store, digests, registry, new UserIndex(store), createLog("silent"))
  await expect(rebuild()).rejects.toMatchObject({ code: "STORE_FAILED" })
  fail(false)
  await rebuild()
  expect((await digests.of(conversationOf(document))).has(document)).toBe(true)
})

it("[S4] a repair mends what the index says of members", async () => {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  const [document, user] = [anyDocument(), "bob" as UserId]
  const id = conversationOf(document)
  await store.append({ document, update: encodeUpdate([await makeLog(await makeDevice(), document).seal("hello")]) })
  const registry = { conversation: () => ({ standings: async () => [[user, "member"]] }) } as unknown as Registry
  const index = new UserIndex(store)
  const rebuild = (anew: boolean) =>
    rebuildIndex(store, new DigestTable(store), registry, index, createLog("silent"), anew)
  await rebuild(false)
  await index.set(id, [[user, "former"]])
  await rebuild(false)
  expect((await index.conversations(user)).get(id)).toBe("former")
  await rebuild(true)
  expect((await index.conversations(user)).get(id)).toBe("member")
})
