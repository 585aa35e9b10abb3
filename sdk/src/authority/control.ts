import { unreachable } from "../base/brand.js"
import { type Certificate, decodeCertificate, encodeCertificate } from "../identity/certificate.js"
import { equalBytes, hex, utf8 } from "../protocol/bytes.js"
import type { Content, ContentLimits } from "../protocol/content.js"
import { BODY_SALT_BYTES, decodeBody, encodeBody, isBody } from "../protocol/entry.js"
import { MAX_BODY_BYTES, MAX_CONTROL_ITEMS, MAX_TITLE_BYTES } from "../protocol/limits.js"
import { parseUserId, type UserId } from "../protocol/names.js"
import { type Cut, decodeCut, encodeCut } from "./cut.js"
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
    }
  | { readonly kind: "introduce"; readonly certificate: Certificate }
  | { readonly kind: "add"; readonly user: UserId; readonly role: Role }
  | { readonly kind: "remove"; readonly user: UserId; readonly cut: Cut }
  | { readonly kind: "role"; readonly user: UserId; readonly role: Role }
  | { readonly kind: "title"; readonly title: string }
  | { readonly kind: "policy"; readonly trust: readonly Uint8Array[] }

export interface InitialMember {
  readonly user: UserId
  readonly role: Role
}

/** Server keys that one entry may name. */
export const MAX_TRUST_KEYS = 64

const KEY_BYTES = 32
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
      })
    case "introduce":
      return map("introduce", { certificate: encodeCertificate(action.certificate) })
    case "add":
    case "role":
      return map(action.kind, { user: action.user, role: action.role })
    case "remove":
      return map("remove", { user: action.user, cut: encodeCut(action.cut) })
    case "title":
      return map("title", { title: action.title })
    case "policy":
      return map("policy", { trust: action.trust })
    default:
      return unreachable(action)
  }
}

function map(kind: ControlAction["kind"], fields: Readonly<Record<string, Content>>): Content {
  return new Map<string, Content>([["k", kind], ...Object.entries(fields)])
}

function actionOf(content: Content): ControlAction | undefined {
  if (!(content instanceof Map)) return undefined
  const fields = content as ReadonlyMap<string, Content>
  switch (fields.get("k")) {
    case "create": {
      const user = parseUserId(fields.get("user"))
      const title = titleOf(fields.get("title"))
      const trust = keysOf(fields.get("trust"))
      const members = membersOf(fields.get("members"))
      if (user === undefined || title === undefined || trust === undefined || members === undefined) return undefined
      if (fields.size !== 5 || members.some((member) => member.user === user)) return undefined
      return { kind: "create", user, title, trust, members }
    }
    case "introduce": {
      const bytes = fields.get("certificate")
      const certificate = bytes instanceof Uint8Array ? decodeCertificate(bytes) : undefined
      return certificate === undefined || fields.size !== 2 ? undefined : { kind: "introduce", certificate }
    }
    case "add":
      return grantOf("add", fields)
    case "role":
      return grantOf("role", fields)
    case "remove": {
      const user = parseUserId(fields.get("user"))
      const bytes = fields.get("cut")
      const cut = bytes instanceof Uint8Array ? decodeCut(bytes) : undefined
      if (user === undefined || cut === undefined || fields.size !== 3) return undefined
      return { kind: "remove", user, cut }
    }
    case "title": {
      const title = titleOf(fields.get("title"))
      return title === undefined || fields.size !== 2 ? undefined : { kind: "title", title }
    }
    case "policy": {
      const trust = keysOf(fields.get("trust"))
      return trust === undefined || trust.length === 0 || fields.size !== 2 ? undefined : { kind: "policy", trust }
    }
    default:
      return undefined
  }
}

function grantOf(kind: "add" | "role", fields: ReadonlyMap<string, Content>): ControlAction | undefined {
  const user = parseUserId(fields.get("user"))
  const role = parseRole(fields.get("role"))
  return user === undefined || role === undefined || fields.size !== 3 ? undefined : { kind, user, role }
}

function titleOf(value: Content | undefined): string | undefined {
  return typeof value === "string" && utf8(value).length <= MAX_TITLE_BYTES ? value : undefined
}

function keysOf(value: Content | undefined): readonly Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_TRUST_KEYS) return undefined
  const keys = value as readonly Content[]
  const names = new Set<string>()
  for (const key of keys) {
    if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) return undefined
    names.add(hex(key))
  }
  return names.size === keys.length ? (keys as readonly Uint8Array[]) : undefined
}

function membersOf(value: Content | undefined): readonly InitialMember[] | undefined {
  if (!Array.isArray(value)) return undefined
  const members: InitialMember[] = []
  const users = new Set<UserId>()
  for (const pair of value as readonly Content[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined
    const [name, roleName] = pair as readonly Content[]
    const user = parseUserId(name)
    const role = parseRole(roleName)
    if (user === undefined || role === undefined || users.has(user)) return undefined
    users.add(user)
    members.push({ user, role })
  }
  return members
}
