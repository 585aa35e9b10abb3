import { randomBytes } from "node:crypto"
import { type ConversationId, type UserId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import { UserIndex } from "./user-index.js"

const anyConversation = () => randomBytes(18).toString("base64url") as ConversationId

it("[S4] a list that is about to be changed is not forgotten to make room for another", async () => {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  const index = new UserIndex(store, 1)
  const [alice, bob] = ["alice" as UserId, "bob" as UserId]
  const [one, two] = [anyConversation(), anyConversation()]
  await index.conversations(alice)
  // Room for bob's list is made by alice's, which begins to be changed in the same turn.
  const others = index.conversations(bob)
  const first = index.set(one, [[alice, "member"]])
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  await Promise.all([others, first, index.set(two, [[alice, "member"]])])
  const stored = await new UserIndex(store).conversations(alice)
  expect(Array.from(stored.keys()).sort()).toEqual([one, two].sort())
})
