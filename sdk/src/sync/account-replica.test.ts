import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { WeftError } from "../base/errors.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Storage, StorageOperation } from "../storage/storage.js"
import { AccountReplica } from "./account-replica.js"

it("[U8] does not say of a change that it survives a crash while the disk is full", async () => {
  const env = manualEnv()
  const storage = createMemoryStorage()
  const full = { now: true }
  const account = await open(
    writingBy(storage, (batch) => {
      return full.now ? Promise.reject(new WeftError("STORE_QUOTA", "full")) : storage.write(batch)
    }),
    env,
  )
  account.doc.getMap("blocks").set("bob", true)
  await expect(account.saved()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  full.now = false
  env.advance(1_000)
  await account.saved()
  const after = await open(storage.share())
  expect(after.doc.getMap("blocks").get("bob")).toBe(true)
  await Promise.all([account.close(), after.close()])
})

it("[U8] what a full disk did not take is written as the account closes, where there is room by then", async () => {
  const storage = createMemoryStorage()
  const full = { now: true }
  const account = await open(
    writingBy(storage, (batch) => {
      return full.now ? Promise.reject(new WeftError("STORE_QUOTA", "full")) : storage.write(batch)
    }),
  )
  account.doc.getText("draft").insert(0, "typed")
  await expect(account.saved()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  full.now = false
  await account.close()
  const after = await open(storage.share())
  expect(after.doc.getText("draft").toJSON()).toBe("typed")
  await after.close()
})

it("[U8] begins to write what a turn changes while other writes are under way, and each stands without the others", async () => {
  const storage = createMemoryStorage()
  const begun: { readonly batch: readonly StorageOperation[]; end(error?: Error): void }[] = []
  const durabilities: unknown[] = []
  const account = await open(
    writingBy(storage, (batch, options) => {
      durabilities.push(options?.durability)
      return new Promise((resolve, reject) => {
        begun.push({ batch, end: (error) => (error === undefined ? resolve() : reject(error)) })
      })
    }),
  )
  const type = async (letter: string): Promise<void> => {
    const draft = account.doc.getText("draft")
    draft.insert(draft.length, letter)
    await turn()
  }
  for (const letter of "abcdefghij") await type(letter)
  expect(durabilities).toEqual([...Array.from({ length: 8 }, () => "strict"), "relaxed", "relaxed"])

  // The page is gone while these are under way: whichever of them the disk has, it has all that was typed until then.
  for (const [index, { batch }] of begun.entries()) {
    const disk = createMemoryStorage()
    await disk.write(batch)
    const after = await open(disk)
    expect(after.doc.getText("draft").toJSON()).toBe("abcdefghij".slice(0, index + 1))
    await after.close()
  }

  let isSaved = false
  const saved = account.saved().then(() => {
    isSaved = true
  })
  // That these are written says nothing about a power cut.
  begun[8]!.end()
  begun[9]!.end()
  await turn()
  expect([begun.length, isSaved]).toEqual([10, false])

  // The last strict one ends well: that one before it failed loses nothing, and what was typed meanwhile has its turn.
  begun[7]!.end()
  begun[2]!.end(new WeftError("STORE_QUOTA", "full"))
  await turn()
  expect(durabilities.slice(10)).toEqual(["strict"])
  for (const { end } of begun) end()
  await saved
  await storage.write([7, 10].flatMap((index) => begun[index]!.batch))
  const after = await open(storage.share())
  expect(after.doc.getText("draft").toJSON()).toBe("abcdefghij")
  await Promise.all([account.close(), after.close()])
})

function open(storage: Storage, env = manualEnv()): Promise<AccountReplica> {
  return AccountReplica.open({
    storage,
    env,
    user: "ann" as UserId,
    guard: () => undefined,
    report: () => undefined,
  })
}

function writingBy(storage: Storage, write: Storage["write"]): Storage {
  return new Proxy(storage, {
    get(target, name, receiver) {
      return name === "write" ? write : (Reflect.get(target, name, receiver) as unknown)
    },
  })
}

/** All that is due without waiting for anything outside is done. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
