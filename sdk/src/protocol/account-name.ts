import type { Brand } from "../base/brand.js"
import { base64url, fromBase64url, utf8, utf8Text } from "./bytes.js"
import { parseUserId, type UserId } from "./names.js"

/** `u/<base64url of the user's id>/account`: the private document of a user. [SPEC U1] */
export type AccountName = Brand<string, "AccountName">

/** Of the longest user id. */
export const MAX_ACCOUNT_NAME_BYTES = 181

/** The name of a user's private document. */
export function accountOf(user: UserId): AccountName {
  return `u/${lettersOf(utf8(user))}/account` as AccountName
}

/** The name and its user; undefined where the text is none. Each user has exactly one. */
export function parseAccountName(text: string): { name: AccountName; user: UserId } | undefined {
  const letters = /^u\/([A-Za-z0-9_-]{2,171})\/account$/.exec(text)?.[1]
  const bytes = letters === undefined ? undefined : bytesOf(letters)
  const user = parseUserId(bytes === undefined ? undefined : utf8Text(bytes))
  return user === undefined || accountOf(user) !== text ? undefined : { name: text as AccountName, user }
}

/** Whose account this is. */
export function userOfAccount(name: AccountName): UserId {
  const parsed = parseAccountName(name)
  if (parsed === undefined) throw new RangeError(`not an account's name: ${name}`)
  return parsed.user
}

/** base64url without padding of any number of bytes. */
function lettersOf(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 3) * 3)
  padded.set(bytes)
  return base64url(padded).slice(0, Math.ceil((bytes.length * 4) / 3))
}

function bytesOf(letters: string): Uint8Array | undefined {
  const padded = letters.padEnd(Math.ceil(letters.length / 4) * 4, "A")
  return fromBase64url(padded)?.slice(0, Math.floor((letters.length * 3) / 4))
}
