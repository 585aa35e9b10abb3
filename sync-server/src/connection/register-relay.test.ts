import { conversationOf, decodeRegister, type DeviceId, type UserId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { anyDocument, makeDevice } from "../../../test/support/device.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import { makeRegister } from "../../../test/support/registers.js"
import { FanOut } from "./fan-out.js"
import { RegisterRelay } from "./register-relay.js"

it("[P6] who is removed while a register waits for others is told nothing of it", async () => {
  const env = { ...manualEnv(), defer: (call: () => void) => env.setTimer(0, call) }
  const fanOut = new FanOut(env.defer, () => undefined)
  const told: string[] = []
  const [ann, bob] = ["ann", "bob"].map((name) => {
    fanOut.add(
      { kind: "device", user: name as UserId, device: name as DeviceId },
      { origin: {}, relay: () => undefined, pass: () => void told.push(name) },
    )
    return name as UserId
  }) as [UserId, UserId]
  const relay = new RegisterRelay(env, fanOut)
  const conversation = conversationOf(anyDocument())
  const register = decodeRegister((await makeRegister(await makeDevice(), conversation)).bytes)
  if (register === undefined) throw new TypeError("not a register")
  relay.add({ conversation, registers: [register], readers: new Set([ann, bob]), origin: {} })
  relay.letOut(conversation, [bob])
  env.advance(60_000)
  expect(told).toEqual(["ann"])
})
