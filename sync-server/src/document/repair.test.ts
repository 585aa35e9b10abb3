import { expect, it, onTestFinished } from "vitest"
import { encodeUpdate, WeftError, wireDigest, type DocumentName } from "@weft/sdk/protocol"
import { anyDocument, makeDevice, sealedRun } from "../../../test/support/device.js"
import { accountNamed, digestOfDoc, newDraft } from "../../../test/support/raw-account.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { createVerifier } from "../auth/verifier.js"
import { createLog } from "../observe/log.js"
import { asideName } from "../store/aside.js"
import { openLevelStore } from "../store/level-store.js"
import type { Store, StoredName } from "../store/store.js"
import { repairAccounts } from "./repair-accounts.js"
import { repairDocuments, type RepairPorts } from "./repair.js"

const device = await makeDevice()

async function open(): Promise<Store> {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  return store
}

function repair(store: Store, keep: RepairPorts["keep"] = () => Promise.resolve()): Promise<number> {
  return repairDocuments({
    store,
    verifier: createVerifier(),
    log: createLog("silent"),
    breathe: () => undefined,
    keep,
  })
}

it("[R7] what was set aside and can't be read is kept elsewhere, and taken out", async () => {
  const store = await open()
  const document = anyDocument()
  const { run, update } = await sealedRun(device, document, "text")
  await store.append({ document, update })
  const [whole, damaged] = [encodeUpdate([run]), Uint8Array.of(255)]
  await store.putAside(document, asideName(run), whole)
  await store.putAside(document, "damaged@0", damaged)
  const kept: Uint8Array[] = []
  expect(
    await repair(store, async (_, updates) => {
      kept.push(...updates)
    }),
  ).toBe(1)
  expect(kept).toEqual([damaged])
  expect(await store.asides(document)).toEqual([{ name: asideName(run), update: whole }])
  expect(await store.updates(document)).toEqual([update])
})

/** A store that can't read the updates under one name. */
function withUnreadable(store: Store, unreadable: StoredName): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === "updates") {
        return async (document: StoredName) => {
          if (document === unreadable) throw new WeftError("STORE_CORRUPT", "a bad block")
          return target.updates(document)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
}

it("[R7] a document that the database can't read keeps no other from being repaired, nor the server from its start", async () => {
  const store = await open()
  const [unreadable, damaged] = [anyDocument(), anyDocument()].sort() as [DocumentName, DocumentName]
  for (const document of [unreadable, damaged]) await store.append({ document, update: Uint8Array.of(1, 2, 3) })
  expect(await repair(withUnreadable(store, unreadable))).toBe(1)
  expect(await store.updates(damaged)).toEqual([])
  expect(await store.updates(unreadable)).toEqual([Uint8Array.of(1, 2, 3)])
})

it("[R7] nor does an account", async () => {
  const store = await open()
  const [first, last] = [accountNamed("ann"), accountNamed("bob")]
  const [unreadable, damaged, user] = first < last ? [first, last, "bob"] : [last, first, "ann"]
  const { doc, update } = newDraft("hello")
  const wrong = new Uint8Array(12)
  for (const document of [unreadable, damaged]) await store.append({ document, update, digest: wrong })
  const log = createLog("silent")
  const ports = {
    store: withUnreadable(store, unreadable),
    log,
    breathe: () => undefined,
    keep: () => Promise.resolve(),
  }
  expect(await repairAccounts(ports)).toBe(1)
  const mended = (await store.accountDigest(damaged)) ?? wrong
  expect(wireDigest(mended)).toEqual(digestOfDoc(doc, user))
  expect(await store.accountDigest(unreadable)).toEqual(wrong)
})
