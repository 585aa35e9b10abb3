import { INVITE_SECRET_BYTES } from "../authority/invite.js"
import { base64url, concat, equalBytes, fromBase64url, sha256 } from "../protocol/bytes.js"
import type { ControlId } from "../protocol/entry.js"
import { parseConversationId, type ConversationId } from "../protocol/names.js"

/** What a link says to a device that joins by it. */
export interface InviteLink {
  readonly conversation: ConversationId
  readonly invite: ControlId
  /** 32 bytes. */
  readonly secret: Uint8Array
  /** WebSocket URL of a server that lets in; undefined: one that the device knows. */
  readonly server: string | undefined
}

const MARK = "weft-join="
const pattern = /#(?:.*[?&/])?weft-join=([\w-]{24})\.([\w-]{24})\.([\w-]{44})(?:\.([^&#\s]+))?$/

/**
 * `<base>#weft-join=<conversation>.<invite>.<secret>[.<server>]`, the ids and the secret in base64url, with a
 * byte that shows where the secret was mistyped; the server escaped as in a URL. All of it is in the fragment,
 * which browsers send to nobody. [SPEC A19]
 */
export function formatLink({ conversation, invite, secret, server }: InviteLink, base: string): string {
  const checked = base64url(concat([secret, checkByte(secret)]))
  const parts = [conversation, invite, checked, ...(server === undefined ? [] : [encodeURIComponent(server)])]
  return `${base}#${MARK}${parts.join(".")}`
}

/** The link's parts; undefined for any other text. */
export function parseLink(text: string): InviteLink | undefined {
  const [, id, invite, secretText, server] = pattern.exec(text) ?? []
  const conversation = parseConversationId(id)
  if (conversation === undefined || invite === undefined || fromBase64url(invite) === undefined) return undefined
  const bytes = fromBase64url(secretText ?? "")
  const secret = bytes?.slice(0, INVITE_SECRET_BYTES)
  if (bytes === undefined || secret === undefined || !equalBytes(bytes.subarray(secret.length), checkByte(secret)))
    return undefined
  return { conversation, invite: invite as ControlId, secret, server: unescape(server) }
}

function checkByte(secret: Uint8Array): Uint8Array {
  return sha256(secret).subarray(0, 1)
}

function unescape(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
