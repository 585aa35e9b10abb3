import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { WeftError } from "../base/errors.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { AccountReplica } from "./account-replica.js"

it("[U8] does not say of a change that it survives a crash while the disk is full", async () => {
  const env = manualEnv()
  const storage = createMemoryStorage()
  const full = { now: true }
  const account = await AccountReplica.open({
    storage: new Proxy(storage, {
      get(target, name, receiver) {
        if (name !== "write" || !full.now) return Reflect.get(target, name, receiver) as unknown
        return () => Promise.reject(new WeftError("STORE_QUOTA", "full"))
      },
    }),
    env,
    user: "ann" as UserId,
    guard: () => undefined,
    report: () => undefined,
  })
  account.doc.getMap("blocks").set("bob", true)
  await expect(account.saved()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  full.now = false
  env.advance(1_000)
  await account.saved()
  const after = await AccountReplica.open({
    storage: storage.share(),
    env,
    user: "ann" as UserId,
    guard: () => undefined,
    report: () => undefined,
  })
  expect(after.doc.getMap("blocks").get("bob")).toBe(true)
  await Promise.all([account.close(), after.close()])
})
