import { expect, it } from "vitest"
import * as Y from "yjs"
import { manualEnv } from "../../../test/support/manual-env.js"
import type { Frame } from "../protocol/frame.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { AccountExchange } from "./account-exchange.js"
import { AccountReplica } from "./account-replica.js"

it("[U7, S1] what builds on what has not come yet is compared again, and not after the connection has ended", async () => {
  const env = manualEnv()
  const account = await AccountReplica.open({
    ...{ storage: createMemoryStorage(), env, user: "ann" as UserId },
    guard: () => undefined,
    report: (error) => {
      throw error
    },
  })
  const other = new Y.Doc()
  const updates: Uint8Array[] = []
  other.on("update", (update: Uint8Array) => updates.push(update))
  other.getText("draft").insert(0, "first")
  const held = Y.encodeStateVector(other)
  other.getText("draft").insert(5, ", second")
  const [, second = new Uint8Array()] = updates

  const open = () => {
    const sent: Frame["kind"][] = []
    let id = 1
    const exchange = new AccountExchange({
      ...{ account, env, nextId: () => id++, changed: () => undefined },
      send: ({ kind }) => sent.push(kind),
    })
    exchange.start()
    // Another device's was relayed before the server came to what it builds on; then that answers the comparison.
    exchange.take({ kind: "accountUpdate", id: 0, account: account.name, update: second })
    exchange.take({
      ...{ kind: "account", account: account.name, reply: false, digest: new Uint8Array(32) },
      vector: held,
    })
    return { exchange, sent }
  }
  const first = open()
  expect([first.exchange.synced, first.sent]).toEqual([false, ["account"]])
  env.advance(60_000)
  expect(first.sent).toEqual(["account", "account"])
  first.exchange.end()

  const next = open()
  next.exchange.end()
  env.advance(60_000)
  expect(next.sent).toEqual(["account"])
  await account.close()
})
