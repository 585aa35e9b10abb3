import { expect, it } from "vitest"
import { tokenExpiry } from "./token.js"

function token(claims: unknown): string {
  return `head.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`
}

it("[S8] reads when a token says that it ends, in milliseconds, whatever the length of its claims", () => {
  for (const sub of ["a", "ab", "abc", "ü"])
    expect(tokenExpiry(token({ sub, exp: 1_700_000_000 }))).toBe(1_700_000_000_000)
})

it.each([
  ["no token", "alice"],
  ["claims that are no base64url", "a.$$$$.b"],
  ["claims that are no UTF-8", `a.${Buffer.from([0xff, 0xfe, 0xfd]).toString("base64url")}.b`],
  ["claims that are no JSON", `a.${Buffer.from("{").toString("base64url")}.b`],
  ["claims that are no object", token(7)],
  ["null", token(null)],
  ["no end", token({ sub: "a" })],
  ["an end that is no number", token({ exp: "soon" })],
])("%s does not say", (_, text) => {
  expect(tokenExpiry(text)).toBeUndefined()
})
