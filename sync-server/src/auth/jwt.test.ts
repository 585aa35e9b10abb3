import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { isTransient } from "@weft/sdk/protocol"
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose"
import { expect, it, onTestFinished } from "vitest"
import { authenticateJwt, remoteKeys } from "./jwt.js"

/** An issuer that answers so to who asks for its keys. */
async function startIssuer(answer: { status: number; body: string }): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(answer.status).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

function authenticateBy(url: string) {
  return authenticateJwt({ keys: remoteKeys(url), issuer: undefined, audience: undefined, now: () => Date.now() })
}

async function makeKey(kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA")
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid && { kid }) } }
}

function sign(key: CryptoKey, kid?: string): Promise<string> {
  const header = { alg: "EdDSA", ...(kid && { kid }) }
  return new SignJWT({ sub: "alice", exp: 9_999_999_999 }).setProtectedHeader(header).sign(key)
}

const ours = await makeKey("1")

it.each([
  ["503", 503, "busy"],
  ["a page with 200", 200, "<html>maintenance</html>"],
  ["no key set", 200, "{}"],
])("[S3] where the issuer answers with %s, a good token is refused for now only", async (_what, status, body) => {
  const answer = { status, body }
  const authenticate = authenticateBy(await startIssuer(answer))
  const token = await sign(ours.privateKey, "1")
  expect(await authenticate(token)).toMatchObject({ kind: "refused", code: "INTERNAL" })
  Object.assign(answer, { status: 200, body: JSON.stringify({ keys: [ours.jwk] }) })
  expect((await authenticate(token)).kind).toBe("accepted")
})

it("[S3] a token by a key that the issuer does not name opens nothing, and may be tried again: the key may be new", async () => {
  const authenticate = authenticateBy(await startIssuer({ status: 200, body: JSON.stringify({ keys: [ours.jwk] }) }))
  expect((await authenticate(await sign(ours.privateKey, "1"))).kind).toBe("accepted")
  const stranger = await makeKey()
  for (let attempt = 0; attempt < 2; attempt++) {
    const verdict = await authenticate(await sign(stranger.privateKey, "2"))
    if (verdict.kind !== "refused") throw new Error("a stranger was let in")
    expect(isTransient(verdict.code)).toBe(true)
  }
  // By its name alone it is nobody's.
  expect(await authenticate(await sign(stranger.privateKey, "1"))).toMatchObject({ code: "AUTH_FAILED" })
})

it("[S3] while the issuer has several keys without names, nobody is locked out for good", async () => {
  const [old, next] = [await makeKey(), await makeKey()]
  const url = await startIssuer({ status: 200, body: JSON.stringify({ keys: [old.jwk, next.jwk] }) })
  expect(await authenticateBy(url)(await sign(old.privateKey))).toMatchObject({ kind: "refused", code: "INTERNAL" })
})
