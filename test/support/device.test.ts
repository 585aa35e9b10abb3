import {
  check,
  decodeUpdate,
  emptySummary,
  encodeUpdate,
  type CheckContext,
  type DocumentName,
} from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { makeConversation, makeDevice, messageDraft, sealedRun } from "./device.js"

function trusting(document: DocumentName): CheckContext {
  return {
    summary: emptySummary(document),
    knowsControl: () => true,
    admit: () => undefined,
    cutOf: () => Infinity,
    isErased: () => false,
    admitRecord: () => undefined,
    held: async () => undefined,
    refusesKey: () => false,
    verify: async (publicKey, message, signature) => {
      const key = await crypto.subtle.importKey("raw", new Uint8Array(publicKey), "Ed25519", false, ["verify"])
      return crypto.subtle.verify("Ed25519", key, new Uint8Array(signature), new Uint8Array(message))
    },
  }
}

it("what test devices write passes the check", async () => {
  const device = await makeDevice(new Uint8Array(32).fill(7))
  expect((await makeDevice(new Uint8Array(32).fill(7))).id).toBe(device.id)
  const conversation = await makeConversation(device)
  const [created] = (await check(encodeUpdate([conversation.run]), trusting(conversation.control))) ?? []
  expect(created).toMatchObject({ refusal: undefined, entries: [{ control: conversation.created }] })

  const segment = conversation.segment(1)
  const { update, log } = await sealedRun(device, segment, "one", messageDraft("two", [conversation.created]))
  const [verdict] = (await check(update, trusting(segment))) ?? []
  expect(verdict).toMatchObject({ log: log.id, refusal: undefined })
  expect(verdict?.entries.length).toBe(2)
  await log.seal("three")
  expect(decodeUpdate(encodeUpdate([log.whole]))?.[0]?.elements.length).toBe(8)
  expect(log.summary?.count).toBe(8)
})
