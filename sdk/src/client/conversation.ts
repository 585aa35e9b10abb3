import { WeftError } from "../base/errors.js"
import { createStore, type Subscribable } from "../base/store.js"
import type { Cut } from "../authority/cut.js"
import type { ControlAction } from "../authority/control.js"
import { isAtLeast, parseRole, type Role } from "../authority/role.js"
import type { Unread } from "../conversation/unread.js"
import type { Message, MessageList, MessageStatus } from "../conversation/message.js"
import type { draftHash } from "../log/draft.js"
import { draftMessageId, type Draft } from "../log/draft.js"
import { isTransient, type RefusalCode } from "../protocol/codes.js"
import { clockMs, type MessageId } from "../protocol/entry.js"
import { MAX_TITLE_BYTES } from "../protocol/limits.js"
import { rootDigestOf } from "../log/summary.js"
import { hex, utf8 } from "../protocol/bytes.js"
import { deviceOf, isWellFormed, parseUserId, type ConversationId, type LogId, type UserId } from "../protocol/names.js"
import { attachMirrors } from "../sync/mirror.js"
import type { AccountHandle } from "./account.js"
import type { ConversationSettings, TextDraft } from "./account-api.js"
import { PersonalView } from "./personal-view.js"
import type { Conversation, ConversationInfo, OutgoingMessage, ProviderFactory } from "./api.js"
import { Outgoing } from "./outgoing.js"
import { ConversationView, type ViewPorts } from "./view.js"

export interface HandlePorts extends ViewPorts {
  readonly account: AccountHandle
  isClosed(): boolean
  /** A carrier came or went. */
  setCarrier(carrier: unknown, present: boolean): void
}

/** What an application holds of a conversation. */
export class ConversationHandle implements Conversation {
  readonly id: ConversationId
  readonly info: Subscribable<ConversationInfo>
  readonly messages: Subscribable<MessageList>
  readonly draft: TextDraft
  readonly settings: Subscribable<ConversationSettings>
  readonly unread: Subscribable<Unread>
  private readonly view: ConversationView
  private readonly mine: PersonalView
  private readonly infoStore
  private readonly stopListening: (() => void)[]
  private readonly detachers = new Set<() => Promise<void>>()

  private constructor(private readonly ports: HandlePorts) {
    this.id = ports.conversation.id
    this.view = new ConversationView(ports)
    this.draft = ports.account.draft(this.id)
    this.mine = new PersonalView(this.id, ports, this.view)
    this.messages = this.mine.messages
    this.settings = this.mine.settings
    this.unread = this.mine.unread
    this.infoStore = createStore<ConversationInfo>(this.readInfo())
    this.info = this.infoStore
    const refresh = (): void => {
      this.infoStore.set(this.readInfo())
    }
    this.stopListening = [
      this.messages.subscribe(refresh),
      ports.conversation.changes.on((change) => {
        if (change.kind === "control") refresh()
      }),
    ]
  }

  static async open(ports: HandlePorts): Promise<ConversationHandle> {
    const handle = new ConversationHandle(ports)
    await handle.view.open()
    return handle
  }

  /** Own messages that no server has yet. */
  get waiting(): number {
    return this.view.waiting
  }

  /** Own control entries that no server has yet. */
  get waitingChanges(): number {
    return this.ports.conversation.controlDocument.drafts.length
  }

  get wasMember(): boolean {
    return this.ports.conversation.state.everMembers.has(this.ports.user)
  }

  get isIntroduced(): boolean {
    return this.ports.conversation.state.devices.get(this.ports.device)?.certified === true
  }

  loadOlder(): Promise<void> {
    return this.view.loadOlder()
  }

  send(text: string): OutgoingMessage {
    this.demandOpen()
    if (typeof text !== "string" || text.trim().length === 0)
      throw new WeftError("BAD_ARGUMENT", "a message needs a text")
    if (!isWellFormed(text)) throw new WeftError("BAD_ARGUMENT", "the text holds half of a surrogate pair")
    const role = this.role()
    if (role === undefined || !isAtLeast(role, "member")) {
      throw new WeftError("NOT_ALLOWED", "only members may write in this conversation")
    }
    try {
      const outgoing = this.track(this.ports.conversation.post(new Map([["t", text]])).draft)
      // What another device types at this moment stays, and so does a draft that was not what is sent.
      if (this.draft.get().trim() === text.trim()) this.draft.clear()
      return outgoing
    } catch (error) {
      if (error instanceof RangeError)
        throw new WeftError("BODY_TOO_LARGE", "a message has at most 64 KiB", { cause: error })
      throw error
    }
  }

  threadDraft(root: MessageId): TextDraft {
    return this.ports.account.draft(this.id, root)
  }

  mute(until = Infinity): void {
    this.ports.account.mute(this.id, until)
  }

  unmute(): void {
    this.ports.account.mute(this.id, undefined)
  }

  setArchived(archived: boolean): void {
    this.ports.account.setArchived(this.id, archived)
  }

  setPinned(pinned: boolean): void {
    this.ports.account.setPinned(this.id, pinned)
  }

  markRead(upTo?: MessageId): void {
    this.mine.markRead(upTo)
  }

  markUnread(from: MessageId): void {
    this.ports.account.markUnread(this.id, from)
  }

  eraseForMe(id: MessageId): void {
    this.ports.account.hide(id)
  }

  retry(id: MessageId): OutgoingMessage {
    const message = this.rejected(id)
    if (message.text === undefined) throw new WeftError("BAD_ARGUMENT", "this message has no text")
    const outgoing = this.send(message.text)
    this.ports.conversation.discard(this.refusedHash(id)).catch(() => undefined)
    return outgoing
  }

  async discard(id: MessageId): Promise<void> {
    this.rejected(id)
    await this.ports.conversation.discard(this.refusedHash(id))
  }

  private rejected(id: MessageId): Message {
    const message = this.view.message(id)
    if (message?.status !== "rejected") throw new WeftError("BAD_ARGUMENT", "this message was not rejected")
    return message
  }

  private refusedHash(id: MessageId): ReturnType<typeof draftHash> {
    return id.slice(id.indexOf(".") + 1) as ReturnType<typeof draftHash>
  }

  private track(draft: Draft): OutgoingMessage {
    const id = draftMessageId(this.ports.device, draft)
    const read = (): { status: MessageStatus; rejection: RefusalCode | undefined } => {
      const message = this.view.message(id)
      return { status: message?.status ?? "saving", rejection: message?.rejection }
    }
    return new Outgoing(id, read, this.view.list, () => this.ports.isClosed())
  }

  async digest(): Promise<string> {
    return hex(rootDigestOf(this.id, await this.ports.conversation.digests()))
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

  /** What this device has seen of a user's logs: a removal leaves that much. */
  private async cutFor(user: UserId): Promise<Cut> {
    const { conversation } = this.ports
    const cut = new Map<number, Map<LogId, number>>()
    for (const number of conversation.segmentNumbers) {
      const logs = new Map<LogId, number>()
      for (const { log, count } of (await conversation.segment(number)).summary.logs.values()) {
        if (conversation.state.devices.get(deviceOf(log))?.user === user) logs.set(log, count)
      }
      if (logs.size > 0) cut.set(number, logs)
    }
    return cut
  }

  /** Writes a control entry after asking the rules what will become of it: what they refuse here is not written. */
  private async govern(action: ControlAction): Promise<void> {
    this.demandOpen()
    const code = await this.ports.conversation.propose(action)
    if (code !== undefined) {
      throw new WeftError(
        "NOT_ALLOWED",
        `the conversation's rules refuse this: ${code}${isTransient(code) ? " (for now)" : ""}`,
      )
    }
  }

  attach(factory: ProviderFactory): () => Promise<void> {
    this.demandOpen()
    const attachment = attachMirrors(this.ports.conversation, factory)
    this.ports.setCarrier(attachment, true)
    const detach = async (): Promise<void> => {
      if (!this.detachers.delete(detach)) return
      this.ports.setCarrier(attachment, false)
      await attachment.detach()
    }
    this.detachers.add(detach)
    return detach
  }

  async close(): Promise<void> {
    for (const detach of Array.from(this.detachers)) await detach()
    for (const stop of this.stopListening) stop()
    this.mine.close()
    this.view.close()
  }

  private role(): Role | undefined {
    return this.ports.conversation.state.members.get(this.ports.user)?.role
  }

  private demandOpen(): void {
    if (this.ports.isClosed()) throw new WeftError("CLIENT_CLOSED", "this client was closed")
  }

  private readInfo(): ConversationInfo {
    const { state } = this.ports.conversation
    const lastMessage = this.messages.get().items.at(-1)
    return {
      title: state.title,
      members: Array.from(state.members, ([user, { role }]) => ({ user, role })),
      role: this.role(),
      lastActivity: lastMessage?.sentAt ?? (state.created === undefined ? 0 : clockMs(state.created.clock)),
      lastMessage,
    }
  }
}

export function demandUser(user: unknown): UserId {
  const parsed = parseUserId(user)
  if (parsed === undefined)
    throw new WeftError("BAD_ARGUMENT", "a user's name has 1 to 128 bytes and no control characters")
  return parsed
}

export function demandTitle(title: unknown): string {
  if (typeof title !== "string" || !isWellFormed(title) || utf8(title).length > MAX_TITLE_BYTES) {
    throw new WeftError("BAD_ARGUMENT", `a title has at most ${String(MAX_TITLE_BYTES)} bytes`)
  }
  return title
}

function demandRole(role: unknown): Role {
  const parsed = parseRole(role)
  if (parsed === undefined) throw new WeftError("BAD_ARGUMENT", "no such role")
  return parsed
}
