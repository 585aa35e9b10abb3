import { expect, it } from "vitest"
import { makeDevice } from "../../../test/support/device.js"
import { createVerifier } from "./verifier.js"

it("[C7] each signature gets its own verdict, however many come at once", async () => {
  const [device, other] = [await makeDevice(), await makeDevice()]
  const verifier = createVerifier()
  const messages = Array.from({ length: 100 }, (_, number) => new Uint8Array(40).fill(number))
  const signatures = await Promise.all(messages.map((message) => device.sign(message)))
  const asked = messages.map((message, index) => {
    switch (index % 5) {
      case 0:
        return verifier.verify(other.publicKey, message, signatures[index]!)
      case 1:
        return verifier.verify(device.publicKey, message, signatures[index - 1]!)
      case 2:
        return verifier.verify(device.publicKey, message, signatures[index]!.subarray(1))
      case 3:
        return verifier.verify(device.publicKey.subarray(1), message, signatures[index]!)
      default:
        return verifier.verify(device.publicKey, message, signatures[index]!)
    }
  })
  expect(await Promise.all(asked.map(async (verdict) => verdict))).toEqual(messages.map((_, index) => index % 5 === 4))
})

it("other threads are given no more signatures than a commit may wait for", async () => {
  const device = await makeDevice()
  const verifier = createVerifier()
  const message = new Uint8Array(40)
  const signature = await device.sign(message)
  const ask = (): boolean | Promise<boolean> => verifier.verify(device.publicKey, message, signature)
  const asked = Array.from({ length: 40 }, ask)
  expect(asked.filter((verdict) => verdict === true)).toHaveLength(8)
  expect(await Promise.all(asked.map(async (verdict) => verdict))).toEqual(asked.map(() => true))
  expect(ask()).toBeInstanceOf(Promise)
})
