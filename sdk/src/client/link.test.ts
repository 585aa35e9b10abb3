import { expect, test } from "vitest"
import { sha256, utf8 } from "../protocol/bytes.js"
import type { ControlId } from "../protocol/entry.js"
import type { ConversationId } from "../protocol/names.js"
import { formatLink, type InviteLink, parseLink } from "./link.js"

const link: InviteLink = {
  conversation: "ABCDEFGHIJKLMNOPQRSTUVWX" as ConversationId,
  invite: "abcdefghijklmnopqrstuv-_" as ControlId,
  secret: sha256(utf8("secret")),
  server: "wss://chat.example.org:8443/a.b/sync?x=1&y=#2",
}

test("[A19] what a link says is read again, wherever the application is", () => {
  for (const base of ["weft:", "https://chat.example.org/app/", "https://chat.example.org/?lang=en"]) {
    expect(parseLink(formatLink(link, base))).toEqual(link)
    expect(parseLink(formatLink({ ...link, server: undefined }, base))).toEqual({ ...link, server: undefined })
  }
  // An application may have its own address in the fragment before it.
  expect(parseLink(formatLink(link, "https://x/").replace("#", "#/open?"))).toEqual(link)
})

test("[A19] all of it is in the fragment, which is sent to nobody", () => {
  const url = new URL(formatLink(link, "https://chat.example.org/"))
  expect([url.pathname, url.search]).toEqual(["/", ""])
})

test("[A19] a link that was cut or mistyped is none", () => {
  const whole = formatLink({ ...link, server: undefined }, "weft:")
  for (let end = 0; end < whole.length; end++) expect(parseLink(whole.slice(0, end))).toBeUndefined()
  const at = whole.length - 10
  expect(parseLink(`${whole.slice(0, at)}${whole[at] === "A" ? "B" : "A"}${whole.slice(at + 1)}`)).toBeUndefined()
  for (const text of ["", "hello", "https://x/#weft-join=", `${whole}%`]) expect(parseLink(text)).toBeUndefined()
})
