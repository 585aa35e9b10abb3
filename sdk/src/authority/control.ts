import { unreachable } from "../base/brand.js"
import { type Certificate, encodeCertificate } from "../identity/certificate.js"
import { equalBytes, fromBase64url } from "../protocol/bytes.js"
import type { Content, ContentLimits } from "../protocol/content.js"
import { BODY_SALT_BYTES, type ControlId, decodeBody, encodeBody, isBody } from "../protocol/entry.js"
import {
  MAX_BODY_BYTES,
  MAX_CONTROL_ITEMS,
  MAX_INVITE_USES,
  MAX_SEGMENT,
  MAX_TITLE_BYTES,
  MAX_TOPIC_BYTES,
} from "../protocol/limits.js"
import { parseUserId, type UserId } from "../protocol/names.js"
import { type Cut, decodeCut, encodeCut } from "./cut.js"
import {
  bytesOf,
  certificateOf,
  deviceIdOfField,
  idOf,
  type InitialMember,
  keysOf,
  membersOf,
  textOf,
  wholeOf,
} from "./fields.js"
import { hashOfField, type MessageRef, refBytes } from "./message-ref.js"
import { parseRole, type Role } from "./role.js"

/** What a control entry does, if it is valid. [SPEC A3] */
export type ControlAction =
  | {
      readonly kind: "create"
      readonly user: UserId
      readonly title: string
      /** Ed25519 public keys of the servers whose certificates count; 32 bytes each. */
      readonly trust: readonly Uint8Array[]
      /** Without the creator, who becomes owner. Their order is their seniority. */
      readonly members: readonly InitialMember[]
      /** Between two people, for good. [SPEC A20] */
      readonly direct?: true
    }
  | { readonly kind: "introduce"; readonly certificate: Certificate }
  | { readonly kind: "add"; readonly user: UserId; readonly role: Role }
  | { readonly kind: "remove"; readonly user: UserId; readonly cut: Cut }
  /** Takes one's own leaving back. */
  | { readonly kind: "return" }
  | { readonly kind: "role"; readonly user: UserId; readonly role: Role }
  | { readonly kind: "title"; readonly title: string }
  | { readonly kind: "topic"; readonly topic: string }
  | { readonly kind: "policy"; readonly trust: readonly Uint8Array[] }
  /** Whether only moderators and above write messages. */
  | { readonly kind: "announce"; readonly on: boolean }
  | { readonly kind: "pin"; readonly message: MessageRef; readonly on: boolean }
  | {
      readonly kind: "invite"
      /** Ed25519; its private half travels in the link. */
      readonly key: Uint8Array
      readonly role: Role
      /** 0: without a bound. */
      readonly uses: number
      /** Milliseconds since 1970; 0: never. */
      readonly expires: number
    }
  | { readonly kind: "revoke"; readonly invite: ControlId }
  /** By a device of the one who joins; its entry names the invite as seen, and nothing else. */
  | {
      readonly kind: "join"
      readonly certificate: Certificate
      /** Of the invite. */
      readonly key: Uint8Array
      /** By that key, over `joinMessage`. */
      readonly proof: Uint8Array
    }

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const limits: ContentLimits = { depth: 8, items: MAX_CONTROL_ITEMS }

/** The body element of an action. Throws RangeError for one that `decodeControl` would not take. */
export function encodeControl(action: ControlAction, salt: Uint8Array): Uint8Array {
  const content = contentOf(action)
  if (actionOf(content) === undefined) throw new RangeError(`not a control action: ${action.kind}`)
  return encodeBody(salt, content, limits)
}

/** The action of a body element; undefined for any other bytes: an entry without effect. [SPEC A3] */
export function decodeControl(body: Uint8Array): ControlAction | undefined {
  if (!isBody(body) || body.length > MAX_BODY_BYTES) return undefined
  const content = decodeBody(body, limits)
  const action = content === undefined ? undefined : actionOf(content)
  if (action === undefined) return undefined
  // One action and salt, one byte string.
  const again = encodeBody(body.subarray(1, 1 + BODY_SALT_BYTES), contentOf(action), limits)
  return equalBytes(again, body) ? action : undefined
}

function contentOf(action: ControlAction): Content {
  switch (action.kind) {
    case "create":
      return map("create", {
        user: action.user,
        title: action.title,
        trust: action.trust,
        members: action.members.map(({ user, role }) => [user, role]),
        ...(action.direct === true && { direct: true }),
      })
    case "introduce":
      return map("introduce", { certificate: encodeCertificate(action.certificate) })
    case "add":
    case "role":
      return map(action.kind, { user: action.user, role: action.role })
    case "remove":
      return map("remove", { user: action.user, cut: encodeCut(action.cut) })
    case "return":
      return map("return", {})
    case "title":
      return map("title", { title: action.title })
    case "topic":
      return map("topic", { topic: action.topic })
    case "policy":
      return map("policy", { trust: action.trust })
    case "announce":
      return map("announce", { on: action.on })
    case "pin":
      return map("pin", { ...refBytes(action.message), on: action.on })
    case "invite":
      return map("invite", { key: action.key, role: action.role, uses: action.uses, expires: action.expires })
    case "revoke":
      return map("revoke", { invite: fromBase64url(action.invite) ?? null })
    case "join": {
      const certificate = encodeCertificate(action.certificate)
      return map("join", { certificate, key: action.key, proof: action.proof })
    }
    default:
      return unreachable(action)
  }
}

function map(kind: ControlAction["kind"], fields: Readonly<Record<string, Content>>): Content {
  return new Map<string, Content>([["k", kind], ...Object.entries(fields)])
}

type Fields = ReadonlyMap<string, Content>

/** How many fields each kind has, with `k`; `create` has one more where it is direct. */
const sizes: Readonly<Record<ControlAction["kind"], number>> = {
  create: 5,
  introduce: 2,
  add: 3,
  remove: 3,
  return: 1,
  role: 3,
  title: 2,
  topic: 2,
  policy: 2,
  announce: 2,
  pin: 5,
  invite: 5,
  revoke: 2,
  join: 4,
}

function actionOf(content: Content): ControlAction | undefined {
  if (!(content instanceof Map)) return undefined
  const fields = content as Fields
  const kind = fields.get("k")
  if (typeof kind !== "string" || !Object.hasOwn(sizes, kind)) return undefined
  const action = readAction(kind as ControlAction["kind"], fields)
  const optional = action?.kind === "create" && action.direct === true ? 1 : 0
  return action !== undefined && fields.size === sizes[action.kind] + optional ? action : undefined
}

function readAction(kind: ControlAction["kind"], fields: Fields): ControlAction | undefined {
  switch (kind) {
    case "create":
      return readCreate(fields)
    case "introduce": {
      const certificate = certificateOf(fields.get("certificate"))
      return certificate && { kind, certificate }
    }
    case "add":
    case "role": {
      const user = parseUserId(fields.get("user"))
      const role = parseRole(fields.get("role"))
      return user === undefined || role === undefined ? undefined : { kind, user, role }
    }
    case "remove": {
      const user = parseUserId(fields.get("user"))
      const bytes = fields.get("cut")
      const cut = bytes instanceof Uint8Array ? decodeCut(bytes) : undefined
      return user === undefined || cut === undefined ? undefined : { kind, user, cut }
    }
    case "return":
      return { kind }
    case "title": {
      const title = textOf(fields.get("title"), MAX_TITLE_BYTES)
      return title === undefined ? undefined : { kind, title }
    }
    case "topic": {
      const topic = textOf(fields.get("topic"), MAX_TOPIC_BYTES)
      return topic === undefined ? undefined : { kind, topic }
    }
    case "policy": {
      const trust = keysOf(fields.get("trust"))
      return trust === undefined || trust.length === 0 ? undefined : { kind, trust }
    }
    case "announce": {
      const on = fields.get("on")
      return typeof on === "boolean" ? { kind, on } : undefined
    }
    case "pin": {
      const segment = wholeOf(fields.get("segment"), 1, MAX_SEGMENT)
      const device = deviceIdOfField(fields.get("device"))
      const hash = hashOfField(fields.get("hash"))
      const on = fields.get("on")
      if (segment === undefined || device === undefined || hash === undefined || typeof on !== "boolean") {
        return undefined
      }
      return { kind, message: { segment, device, hash }, on }
    }
    case "invite": {
      const key = bytesOf(fields.get("key"), KEY_BYTES)
      const role = parseRole(fields.get("role"))
      const uses = wholeOf(fields.get("uses"), 0, MAX_INVITE_USES)
      const expires = wholeOf(fields.get("expires"), 0, Number.MAX_SAFE_INTEGER)
      if (key === undefined || role === undefined || uses === undefined || expires === undefined) return undefined
      return { kind, key, role, uses, expires }
    }
    case "revoke": {
      const invite = idOf<ControlId>(fields.get("invite"))
      return invite && { kind, invite }
    }
    case "join": {
      const certificate = certificateOf(fields.get("certificate"))
      const key = bytesOf(fields.get("key"), KEY_BYTES)
      const proof = bytesOf(fields.get("proof"), SIGNATURE_BYTES)
      if (certificate === undefined || key === undefined || proof === undefined) return undefined
      return { kind, certificate, key, proof }
    }
    default:
      return unreachable(kind)
  }
}

function readCreate(fields: Fields): ControlAction | undefined {
  const user = parseUserId(fields.get("user"))
  const title = textOf(fields.get("title"), MAX_TITLE_BYTES)
  const trust = keysOf(fields.get("trust"))
  const members = membersOf(fields.get("members"))
  const direct = fields.get("direct")
  if (user === undefined || title === undefined || trust === undefined || members === undefined) return undefined
  if (members.some((member) => member.user === user)) return undefined
  if (direct === undefined) return { kind: "create", user, title, trust, members }
  // Two who are equals: neither governs the other.
  const [other] = members
  if (direct !== true || members.length !== 1 || other?.role !== "owner") return undefined
  return { kind: "create", user, title, trust, members, direct }
}
