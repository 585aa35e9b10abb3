import { afterEach, describe, expect, it, vi } from "vitest"
import { deviceKeyPair, generateKeyPair } from "./key-pair.js"

afterEach(() => vi.unstubAllGlobals())

describe("the device's key pair", () => {
  it("keeps its private half to itself", async () => {
    const pair = await generateKeyPair()
    expect(pair.privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey("pkcs8", pair.privateKey)).rejects.toThrow()
  })

  it("signs the bytes as they are when sign is called", async () => {
    const pair = await deviceKeyPair(await generateKeyPair())
    const message = Uint8Array.of(1, 2, 3)
    const expected = await pair.sign(Uint8Array.of(1, 2, 3))
    const signing = pair.sign(message)
    message.fill(0)
    expect(await signing).toEqual(expected)
  })

  it("where Ed25519 is missing it says so, and who has it", async () => {
    const refused = new DOMException("Algorithm: Unrecognized name", "NotSupportedError")
    vi.stubGlobal("crypto", { subtle: { generateKey: () => Promise.reject(refused) } })
    const failure = expect.stringMatching(/Chrome or Edge 137, Firefox 129, Safari 17/) as string
    await expect(generateKeyPair()).rejects.toMatchObject({
      code: "CRYPTO_UNAVAILABLE",
      message: failure,
      cause: refused,
    })
  })

  it.each([undefined, {}])("where WebCrypto is missing (%o) it names https", async (missing) => {
    vi.stubGlobal("crypto", missing)
    const failure = expect.stringMatching(/https/) as string
    await expect(generateKeyPair()).rejects.toMatchObject({ code: "CRYPTO_UNAVAILABLE", message: failure })
  })
})
