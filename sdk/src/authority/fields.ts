import { decodeCertificate, type Certificate } from "../identity/certificate.js"
import { base64url, hex, utf8 } from "../protocol/bytes.js"
import type { Content } from "../protocol/content.js"
import { deviceIdFromBytes, parseUserId, type DeviceId, type UserId } from "../protocol/names.js"
import { parseRole, type Role } from "./role.js"

/** A member that a conversation is created with. */
export interface InitialMember {
  readonly user: UserId
  readonly role: Role
}

/** Server keys that one entry may name. */
export const MAX_TRUST_KEYS = 64

const ID_BYTES = 18
const KEY_BYTES = 32

/*
 * Values of a control entry's fields, as a stranger may have written them: each reader gives undefined for what is none.
 * [SPEC A3]
 */

export function bytesOf(value: Content | undefined, length: number): Uint8Array | undefined {
  return value instanceof Uint8Array && value.length === length ? value : undefined
}

/** An id of 18 bytes as 24 letters. */
export function idOf<Id extends string>(value: Content | undefined): Id | undefined {
  const bytes = bytesOf(value, ID_BYTES)
  return bytes === undefined ? undefined : (base64url(bytes) as Id)
}

export function deviceIdOfField(value: Content | undefined): DeviceId | undefined {
  const bytes = bytesOf(value, ID_BYTES)
  return bytes === undefined ? undefined : deviceIdFromBytes(bytes)
}

export function wholeOf(value: Content | undefined, least: number, most: number): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined
}

export function textOf(value: Content | undefined, maxBytes: number): string | undefined {
  return typeof value === "string" && utf8(value).length <= maxBytes ? value : undefined
}

export function certificateOf(value: Content | undefined): Certificate | undefined {
  return value instanceof Uint8Array ? decodeCertificate(value) : undefined
}

export function keysOf(value: Content | undefined): readonly Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_TRUST_KEYS) return undefined
  const keys = value as readonly Content[]
  const names = new Set<string>()
  for (const key of keys) {
    if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) return undefined
    names.add(hex(key))
  }
  return names.size === keys.length ? (keys as readonly Uint8Array[]) : undefined
}

export function membersOf(value: Content | undefined): readonly InitialMember[] | undefined {
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
