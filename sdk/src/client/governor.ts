import { WeftError } from "../base/errors.js"
import { createStore } from "../base/store.js"
import type { ControlAction } from "../authority/control.js"
import type { Cut } from "../authority/cut.js"
import { INVITE_SECRET_BYTES, inviteKey } from "../authority/invite.js"
import type { MessageRef } from "../authority/message-ref.js"
import { parseRole, type Role } from "../authority/role.js"
import { utf8 } from "../protocol/bytes.js"
import { isTransient } from "../protocol/codes.js"
import { clockMs, type BodyHash, type ControlId, type MessageId } from "../protocol/entry.js"
import { MAX_INVITE_USES, MAX_TITLE_BYTES, MAX_TOPIC_BYTES } from "../protocol/limits.js"
import {
  deviceOf,
  documentParts,
  isWellFormed,
  parseUserId,
  type DeviceId,
  type DocumentName,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import type { Env } from "../base/env.js"
import type { AccountHandle } from "./account.js"
import { ChangeList, type ChangesPorts } from "./changes.js"
import type { Governance, Invite, InviteOptions } from "./governance-api.js"
import { formatLink, parseLink } from "./link.js"

export interface GovernorPorts extends ChangesPorts {
  readonly account: Pick<AccountHandle, "links" | "keepLink" | "saved" | "subscribe">
  readonly env: Env
  /** The server that a link names. */
  server(): string | undefined
  documentOf(message: MessageId): DocumentName | undefined
  demandOpen(): void
}

/** Writes what this user decides about a conversation, and shows what becomes of it. */
export class Governor implements Omit<Governance, "leave"> {
  readonly invites = createStore<readonly Invite[]>([])
  private readonly changeList: ChangeList
  /** As they were when invites were last shown. */
  private links: AccountHandle["links"] | undefined
  private readonly stopListening: readonly (() => void)[]

  constructor(private readonly ports: GovernorPorts) {
    this.changeList = new ChangeList(ports)
    this.stopListening = [
      ports.conversation.changes.on((change) => {
        if (change.kind === "control") this.showInvites()
      }),
      ports.account.subscribe(() => {
        if (this.links !== ports.account.links) this.showInvites()
      }),
    ]
  }

  get changes(): Governance["changes"] {
    return this.changeList.list
  }

  async open(): Promise<void> {
    await this.changeList.open()
    this.showInvites()
  }

  close(): void {
    this.changeList.close()
    for (const stop of this.stopListening) stop()
  }

  async addMember(user: string, role: Role = "member"): Promise<void> {
    await this.govern({ kind: "add", user: demandUser(user), role: demandRole(role) })
  }

  async removeMember(user: string): Promise<void> {
    const target = demandUser(user)
    await this.govern({ kind: "remove", user: target, cut: await this.cutFor(target) })
  }

  async setRole(user: string, role: Role): Promise<void> {
    await this.govern({ kind: "role", user: demandUser(user), role: demandRole(role) })
  }

  async setTitle(title: string): Promise<void> {
    await this.govern({ kind: "title", title: demandTitle(title) })
  }

  async setTopic(topic: string): Promise<void> {
    await this.govern({ kind: "topic", topic: demandText(topic, MAX_TOPIC_BYTES, "topic") })
  }

  async setAnnouncementsOnly(on: boolean): Promise<void> {
    await this.govern({ kind: "announce", on })
  }

  async pin(message: MessageId): Promise<void> {
    await this.govern({ kind: "pin", message: this.placeOf(message), on: true })
  }

  async unpin(message: MessageId): Promise<void> {
    const pinned = this.ports.conversation.state.pins.find(({ message: { device, hash } }) => {
      return `${device}.${hash}` === message
    })
    await this.govern({ kind: "pin", message: pinned?.message ?? this.placeOf(message), on: false })
  }

  async leave(): Promise<ControlId> {
    this.ports.demandOpen()
    // What was written before is said, whether it was sent or not.
    await this.ports.conversation.sealMessages()
    const { user } = this.ports
    return this.govern({ kind: "remove", user, cut: await this.cutFor(user) })
  }

  async undoLeave(): Promise<void> {
    await this.govern({ kind: "return" })
  }

  async createInvite(options: InviteOptions = {}): Promise<{ id: ControlId; link: string }> {
    const { account, conversation, env } = this.ports
    const { role = "member", uses, expiresAt, base = "weft:" } = options
    if (uses !== undefined && (!Number.isSafeInteger(uses) || uses < 1 || uses > MAX_INVITE_USES)) {
      throw new WeftError("BAD_ARGUMENT", `an invite is for 1 to ${String(MAX_INVITE_USES)} people`)
    }
    if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > 0)) {
      throw new WeftError("BAD_ARGUMENT", "an invite ends at a time in milliseconds since 1970")
    }
    if (expiresAt !== undefined && expiresAt <= env.now()) {
      throw new WeftError("BAD_ARGUMENT", "an invite ends in the future")
    }
    if (conversation.state.trust.length === 0) {
      throw new WeftError("NOT_ALLOWED", "no server could let anybody in yet: go online once")
    }
    const secret = env.randomBytes(INVITE_SECRET_BYTES)
    const key = await inviteKey(secret)
    const action = { kind: "invite", key, role: demandRole(role), uses: uses ?? 0, expires: expiresAt ?? 0 } as const
    const id = await this.govern(action)
    const link = formatLink({ conversation: conversation.id, invite: id, secret, server: this.ports.server() }, base)
    account.keepLink(conversation.id, id, link)
    await account.saved()
    return { id, link }
  }

  async revokeInvite(id: string): Promise<void> {
    const invite = this.ports.conversation.state.invites.get(id as ControlId)
    if (invite === undefined) throw new WeftError("BAD_ARGUMENT", "no such invite is open")
    await this.govern({ kind: "revoke", invite: invite.id })
    this.ports.account.keepLink(this.ports.conversation.id, invite.id, undefined)
  }

  async retryChange(id: ControlId): Promise<void> {
    const change = this.changes.get().find((candidate) => candidate.id === id)
    const action = this.changeList.action(id)
    if (change?.status !== "refused" || action === undefined) {
      throw new WeftError("BAD_ARGUMENT", "this change was not refused")
    }
    // A join rests on its link, an invite on a secret that may be lost.
    if (action.kind === "join" || action.kind === "invite") {
      throw new WeftError("NOT_ALLOWED", "this change can't be written again: it needs a new link")
    }
    await this.govern(action.kind === "remove" ? { ...action, cut: await this.cutFor(action.user) } : action)
    await this.changeList.dismiss(id)
  }

  async dismissChange(id: ControlId): Promise<void> {
    const change = this.changes.get().find((candidate) => candidate.id === id)
    if (change === undefined || change.status === "pending") {
      throw new WeftError("BAD_ARGUMENT", "this change has not ended")
    }
    await this.changeList.dismiss(id)
  }

  private showInvites(): void {
    this.linkAgain()
    const { id: conversation, state } = this.ports.conversation
    const links = (this.links = this.ports.account.links)
    const shown = Array.from(state.invites.values(), (invite): Invite => {
      const { id, role, by, clock, uses, expires, joined } = invite
      return {
        id,
        role,
        by,
        createdAt: clockMs(clock),
        expiresAt: expires === 0 ? undefined : expires,
        uses: uses === 0 ? undefined : uses,
        used: joined.size,
        link: links.get(`${conversation}/${id}`),
      }
    })
    shown.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    if (JSON.stringify(shown) !== JSON.stringify(this.invites.get())) this.invites.set(shown)
  }

  /** An invite that was written again has another name: so has its link. [SPEC A19] */
  private linkAgain(): void {
    const { conversation, account } = this.ports
    for (const [key, text] of account.links) {
      const [id, invite] = key.split("/") as [string, ControlId]
      if (id !== conversation.id || conversation.state.invites.has(invite)) continue
      const [next] = conversation.insteadOf(invite)
      const link = parseLink(text)
      if (next === undefined || link === undefined || !conversation.state.invites.has(next)) continue
      account.keepLink(
        conversation.id,
        next,
        formatLink({ ...link, invite: next }, text.slice(0, text.lastIndexOf("#"))),
      )
      account.keepLink(conversation.id, invite, undefined)
    }
  }

  private placeOf(message: MessageId): MessageRef {
    const document = this.ports.documentOf(message)
    const place = document === undefined ? undefined : documentParts(document)
    if (place?.kind !== "segment") throw new WeftError("BAD_ARGUMENT", "this message is not loaded")
    const [device, hash] = message.split(".")
    return { segment: place.segment, device: device as DeviceId, hash: hash as BodyHash }
  }

  /** What this device has seen of a user's logs: a removal leaves that much. */
  private async cutFor(user: UserId): Promise<Cut> {
    const { conversation, device } = this.ports
    const isTheirs = (of: DeviceId): boolean =>
      conversation.state.devices.get(of)?.user === user || (of === device && user === this.ports.user)
    const cut = new Map<number, Map<LogId, number>>()
    for (const number of conversation.segmentNumbers) {
      const logs = new Map<LogId, number>()
      for (const { log, count } of (await conversation.segment(number)).summary.logs.values()) {
        if (isTheirs(deviceOf(log))) logs.set(log, count)
      }
      if (logs.size > 0) cut.set(number, logs)
    }
    return cut
  }

  /** Writes a control entry after asking the rules what will become of it: what they refuse here is not written. */
  private async govern(action: ControlAction): Promise<ControlId> {
    this.ports.demandOpen()
    const proposal = await this.ports.conversation.propose(action)
    if (proposal.kind === "written") return proposal.id
    const { code } = proposal
    throw new WeftError(
      "NOT_ALLOWED",
      `the conversation's rules refuse this: ${code}${isTransient(code) ? " (for now)" : ""}`,
    )
  }
}

export function demandUser(user: unknown): UserId {
  const parsed = parseUserId(user)
  if (parsed === undefined)
    throw new WeftError("BAD_ARGUMENT", "a user's name has 1 to 128 bytes and no control characters")
  return parsed
}

export function demandTitle(title: unknown): string {
  return demandText(title, MAX_TITLE_BYTES, "title")
}

function demandText(text: unknown, maxBytes: number, name: string): string {
  if (typeof text !== "string" || !isWellFormed(text) || utf8(text).length > maxBytes) {
    throw new WeftError("BAD_ARGUMENT", `a ${name} has at most ${String(maxBytes)} bytes`)
  }
  return text
}

function demandRole(role: unknown): Role {
  const parsed = parseRole(role)
  if (parsed === undefined) throw new WeftError("BAD_ARGUMENT", "no such role")
  return parsed
}
