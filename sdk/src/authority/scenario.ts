import { sha256, utf8 } from "../protocol/bytes.js"
import { bodyHashText, type Clock, type ControlId, controlIdOf, encodeHead, hashBody } from "../protocol/entry.js"
import {
  type ConversationId,
  conversationIdOf,
  type DeviceId,
  deviceIdOf,
  type LogId,
  logIdOf,
  type UserId,
} from "../protocol/names.js"
import type { ControlEntry } from "./causality.js"
import { type ControlAction, encodeControl } from "./control.js"
import type { Cut } from "./cut.js"
import type { MessageRef } from "./message-ref.js"
import type { Role } from "./role.js"

/** For tests: people by name, their devices by name (`bob`, `bob#2`), and the control entries that they write. */
export class Scenario {
  readonly entries: ControlEntry[] = []
  readonly conversation: ConversationId
  readonly create: ControlId
  /** The last of the entries with which the scenario began: everybody's first device is introduced. */
  readonly base: ControlId
  #count = 0

  /** Ann creates the conversation with these members, in their order of seniority. */
  constructor(members: Readonly<Record<string, Role>> = {}, options: { readonly direct?: boolean } = {}) {
    this.create = this.write("ann", creation(members, options.direct), [])
    this.conversation = conversationIdOf(deviceNamed("ann"), this.entry(this.create).body)
    let last = this.introduce("ann", [this.create])
    for (const user of Object.keys(members)) last = this.introduce(user, [last])
    this.base = last
  }

  entry(id: ControlId): ControlEntry {
    const entry = this.entries.find((candidate) => candidate.id === id)
    if (entry === undefined) throw new RangeError("no such entry")
    return entry
  }

  write(
    device: string,
    action: ControlAction,
    seen: readonly ControlId[] = [this.base],
    options: { readonly certified?: boolean; readonly clock?: number } = {},
  ): ControlId {
    this.#count++
    const salt = sha256(utf8(String(this.#count))).slice(0, 12)
    const entry = entryOf(device, encodeControl(action, salt), action, seen, options.clock ?? this.#count)
    this.entries.push({ ...entry, certified: options.certified ?? action.kind === "introduce" })
    return entry.id
  }

  /** `user`: whom the certificate names; the one after whom the device is called, if not said. */
  introduce(
    device: string,
    seen: readonly ControlId[] = [this.base],
    options: { readonly certified?: boolean; readonly issuer?: string; readonly user?: string } = {},
  ): ControlId {
    const certificate = {
      user: (options.user ?? device.split("#")[0]) as UserId,
      publicKey: keyNamed(device),
      issuedAt: 0,
      issuer: keyNamed(options.issuer ?? "server"),
      signature: new Uint8Array(64),
    }
    return this.write(device, { kind: "introduce", certificate }, seen, { certified: options.certified ?? true })
  }

  add(device: string, user: string, role: Role = "member", seen?: readonly ControlId[]): ControlId {
    return this.write(device, { kind: "add", user: user as UserId, role }, seen)
  }

  role(device: string, user: string, role: Role, seen?: readonly ControlId[]): ControlId {
    return this.write(device, { kind: "role", user: user as UserId, role }, seen)
  }

  remove(device: string, user: string, seen?: readonly ControlId[], cut: Cut = new Map()): ControlId {
    return this.write(device, { kind: "remove", user: user as UserId, cut }, seen)
  }

  title(device: string, title: string, seen?: readonly ControlId[], clock?: number): ControlId {
    return this.write(device, { kind: "title", title }, seen, clock === undefined ? {} : { clock })
  }

  topic(device: string, topic: string, seen?: readonly ControlId[], clock?: number): ControlId {
    return this.write(device, { kind: "topic", topic }, seen, clock === undefined ? {} : { clock })
  }

  comeBack(device: string, seen?: readonly ControlId[]): ControlId {
    return this.write(device, { kind: "return" }, seen)
  }

  announce(device: string, on: boolean, seen?: readonly ControlId[]): ControlId {
    return this.write(device, { kind: "announce", on }, seen)
  }

  pin(device: string, message: string, on = true, seen?: readonly ControlId[], clock?: number): ControlId {
    const action: ControlAction = { kind: "pin", message: messageNamed(message), on }
    return this.write(device, action, seen, clock === undefined ? {} : { clock })
  }

  /** The invite's key is called after `name`. */
  invite(device: string, options: InviteOptions = {}, seen?: readonly ControlId[]): ControlId {
    const { name = "invite", role = "member", uses = 0, expires = 0 } = options
    return this.write(device, { kind: "invite", key: keyNamed(name), role, uses, expires }, seen)
  }

  revoke(device: string, invite: ControlId, seen: readonly ControlId[] = [invite]): ControlId {
    return this.write(device, { kind: "revoke", invite }, seen)
  }

  /** `certified`: certificate and proof are good. */
  join(
    device: string,
    invite: ControlId,
    options: {
      readonly name?: string
      readonly user?: string
      readonly issuer?: string
      readonly issuedAt?: number
      readonly certified?: boolean
      readonly seen?: readonly ControlId[]
    } = {},
  ): ControlId {
    const certificate = {
      user: (options.user ?? device.split("#")[0]) as UserId,
      publicKey: keyNamed(device),
      issuedAt: options.issuedAt ?? 0,
      issuer: keyNamed(options.issuer ?? "server"),
      signature: new Uint8Array(64),
    }
    const key = keyNamed(options.name ?? "invite")
    const action: ControlAction = { kind: "join", certificate, key, proof: new Uint8Array(64) }
    return this.write(device, action, options.seen ?? [invite], { certified: options.certified ?? true })
  }

  trust(device: string, server: string, seen?: readonly ControlId[]): ControlId {
    return this.write(device, { kind: "policy", trust: [keyNamed(server)] }, seen)
  }
}

interface InviteOptions {
  readonly name?: string
  readonly role?: Role
  readonly uses?: number
  readonly expires?: number
}

/** A message of ann's. */
export function messageNamed(name: string): MessageRef {
  return { segment: 1, device: deviceNamed("ann"), hash: bodyHashText(hashBody(utf8(name))) }
}

export function creation(members: Readonly<Record<string, Role>>, direct = false): ControlAction {
  return {
    ...(direct && { direct: true as const }),
    kind: "create",
    user: "ann" as UserId,
    title: "Trip",
    trust: [keyNamed("server")],
    members: Object.entries(members).map(([user, role]) => ({ user: user as UserId, role })),
  }
}

export function entryOf(
  device: string,
  body: Uint8Array,
  action: ControlAction | undefined,
  seen: readonly ControlId[],
  clock: number,
): ControlEntry {
  const head = encodeHead({ class: "control", clock: clock as Clock, bodyHash: hashBody(body), seen })
  const id = controlIdOf(deviceNamed(device), head)
  return { id, device: deviceNamed(device), clock: clock as Clock, seen, action, body, certified: false }
}

export function keyNamed(name: string): Uint8Array {
  return sha256(utf8(`key of ${name}`))
}

export function deviceNamed(name: string): DeviceId {
  return deviceIdOf(keyNamed(name))
}

export function logNamed(device: string, session = 1): LogId {
  return logIdOf(deviceNamed(device), Uint8Array.of(0, 0, session))
}
