import { helloMessage, PROTOCOL_VERSION, type FrameOf } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { makeDevice } from "../../../test/support/device.js"
import { authenticateDev } from "../auth/dev.js"
import { createVerifier, type Verifier } from "../auth/verifier.js"
import { greet, type Greeted } from "./greeting.js"

const server = await makeDevice()
const nonce = new Uint8Array(32).fill(7)

/** Says hello, and tells how the key itself was looked at. */
async function say(hello: Partial<FrameOf<"hello">>): Promise<{ greeted: Greeted; looks: string[] }> {
  const device = await makeDevice()
  const looks: string[] = []
  const real = createVerifier()
  const verifier: Verifier = {
    ...real,
    provesNothing: (key) => {
      looks.push("what it proves")
      return real.provesNothing(key)
    },
    refusesKey: (key) => {
      looks.push("whole")
      return real.refusesKey(key)
    },
  }
  const greeted = await greet(
    {
      kind: "hello",
      version: PROTOCOL_VERSION,
      role: 0,
      token: "ann",
      publicKey: device.publicKey,
      signature: await device.sign(helloMessage(nonce, server.publicKey)),
      packs: false,
      ...hello,
    },
    nonce,
    {
      authenticate: authenticateDev,
      verifier,
      key: { ...server, sign: () => new Uint8Array(64), certify: async () => new Uint8Array() },
      peerToken: "secret",
      dev: false,
    },
  )
  return { greeted, looks }
}

it("[S3] a token and a signature by the device's key let a device in", async () => {
  expect(await say({})).toMatchObject({
    greeted: { kind: "accepted", party: { kind: "device", user: "ann" } },
    looks: ["what it proves"],
  })
})

it("[S3, K4] a peer's key is looked at as one that signs certificates", async () => {
  expect(await say({ role: 1, token: "secret" })).toMatchObject({ greeted: { kind: "accepted" }, looks: ["whole"] })
})

it.each([
  ["a signature of something else", { signature: new Uint8Array(64) }, "DEVICE_PROOF_FAILED"],
  ["a token that names nobody", { token: "" }, "AUTH_FAILED"],
  ["a peer's role without the peers' token", { role: 1, token: "ann" }, "AUTH_FAILED"],
])("[S1, S3] whoever comes with %s costs no more than a signature", async (_what, hello, code) => {
  expect(await say(hello)).toMatchObject({ greeted: { kind: "refused", code }, looks: [] })
})

it("[K4] a key under which one signature fits every message lets nobody in", async () => {
  // The neutral point, and with it as R and 0 as S a signature that holds for anything.
  const neutral = Uint8Array.of(1, ...new Uint8Array(31))
  const { greeted } = await say({ publicKey: neutral, signature: Uint8Array.of(...neutral, ...new Uint8Array(32)) })
  expect(greeted).toMatchObject({ kind: "refused", code: "DEVICE_PROOF_FAILED" })
})
