import * as fc from "fast-check"
import { expect, it } from "vitest"
import { accountOf, MAX_ACCOUNT_NAME_BYTES, parseAccountName, userOfAccount } from "./account-name.js"
import { isWellFormed, parseDocumentName, parseUserId, type UserId } from "./names.js"

it("[U1] each user has one account, and each name one user", () => {
  const user = fc
    .string({ unit: "binary", minLength: 1, maxLength: 128 })
    .filter((text) => parseUserId(text) !== undefined)
  fc.assert(
    fc.property(user, (text) => {
      const name = accountOf(text as UserId)
      expect(name).toMatch(/^u\/[A-Za-z0-9_-]+\/account$/)
      expect(parseAccountName(name)).toEqual({ name, user: text })
      expect(userOfAccount(name)).toBe(text)
      expect(parseDocumentName(name)).toBeUndefined()
    }),
  )
  expect(accountOf("x".repeat(128) as UserId)).toHaveLength(MAX_ACCOUNT_NAME_BYTES)
})

it("[U1] no other text is the name of an account", () => {
  const wrong = [
    "",
    "u//account",
    "u/YQ/profile",
    "u/YQ==/account",
    "u/YR/account",
    "u/Y/account",
    "u/YQ/account/",
    "x/YQ/account",
  ]
  expect(parseAccountName("u/YQ/account")?.user).toBe("a")
  for (const text of [...wrong, `u/${"A".repeat(172)}/account`, "u/AA/account", "u/_w/account"]) {
    expect(parseAccountName(text)).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.string({ unit: "binary" }).filter(isWellFormed), (text) => {
      const parsed = parseAccountName(`u/${text}/account`)
      if (parsed !== undefined) expect(accountOf(parsed.user)).toBe(`u/${text}/account`)
    }),
  )
})
