import { createStore } from "../base/store.js"
import { decodeControl, type ControlAction } from "../authority/control.js"
import type { Entry } from "../log/check.js"
import { draftEntry, draftHash } from "../log/draft.js"
import { settingKey } from "../log/keys.js"
import type { RefusalCode } from "../protocol/codes.js"
import { clockMs, type BodyHash, type ControlId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import type { Acks } from "../sync/acks.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { Change } from "./governance-api.js"

export interface ChangesPorts {
  readonly conversation: ReplicaConversation
  readonly acks: Acks
  readonly storage: Storage
  readonly user: UserId
  readonly device: DeviceId
}

interface Item {
  readonly entry: Entry
  readonly action: ControlAction
  /** A refused draft; it is forgotten by this name. */
  readonly refused: { readonly hash: BodyHash; readonly code: RefusalCode } | undefined
}

/** Accepted changes that are still shown, at most. */
const MAX_ACCEPTED = 32

/** What this device wrote of authority, as a list that changes: on its way, accepted, refused. */
export class ChangeList {
  readonly list = createStore<readonly Change[]>([])
  /** Own sealed entries. */
  private readonly sealed = new Map<ControlId, Entry>()
  /** What was seen on its way since this client was opened. */
  private readonly watched = new Set<ControlId>()
  private readonly dismissed = new Set<string>()
  private items = new Map<ControlId, Item>()
  /** By the bodies that they were read from: the list is made anew at every change. */
  private readonly actions = new WeakMap<Uint8Array, ControlAction | { readonly kind: "unreadable" }>()
  private readonly stopListening: (() => void)[]
  private refreshing = false
  private closed = false

  constructor(private readonly ports: ChangesPorts) {
    const { conversation, acks } = ports
    this.stopListening = [
      conversation.changes.on((change) => {
        if (change.kind !== "document") this.refreshSoon()
        else if (change.document === conversation.controlDocument) {
          if (change.change.kind === "accepted") this.take(change.change.entries)
          if (change.change.kind === "rewritten") this.reload()
          else this.refreshSoon()
        }
      }),
      acks.changes.on((document) => {
        if (document === conversation.controlDocument.name) this.refreshSoon()
      }),
    ]
  }

  async open(): Promise<void> {
    const { storage, conversation } = this.ports
    for (const key of await storage.keys(prefixRange(this.dismissKey("")))) {
      this.dismissed.add(key.slice(this.dismissKey("").length))
    }
    this.take(await conversation.controlDocument.entries())
    this.refresh()
  }

  action(id: ControlId): ControlAction | undefined {
    return this.items.get(id)?.action
  }

  async dismiss(id: ControlId): Promise<void> {
    const item = this.items.get(id)
    if (item?.refused !== undefined) await this.ports.conversation.discard(item.refused.hash)
    else {
      this.dismissed.add(id)
      await this.remember(id)
    }
    this.refresh()
  }

  close(): void {
    this.closed = true
    for (const stop of this.stopListening) stop()
  }

  private dismissKey(id: string): string {
    return settingKey(`dismissed/${this.ports.conversation.id}/${id}`)
  }

  private take(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.control !== undefined && entry.device === this.ports.device) this.sealed.set(entry.control, entry)
    }
  }

  /** The control document was written anew: some of it may be gone. */
  private reload(): void {
    const before = Array.from(this.sealed.keys())
    this.ports.conversation.controlDocument
      .entries()
      .then((entries) => {
        // What was sealed meanwhile is newer than what was read.
        for (const id of before) this.sealed.delete(id)
        this.take(entries)
        this.refreshSoon()
      })
      .catch(() => {
        // A storage that can't be read is the replica's to tell; the list stays as it is.
      })
  }

  private refreshSoon(): void {
    if (this.refreshing) return
    this.refreshing = true
    queueMicrotask(() => {
      this.refreshing = false
      if (!this.closed) this.refresh()
    })
  }

  private refresh(): void {
    this.items = this.read()
    // By clock: what was written in one millisecond keeps its order.
    const all = Array.from(this.items.values())
      .sort((a, b) => a.entry.head.clock - b.entry.head.clock)
      .map((item) => this.show(item))
    for (const change of all) if (this.isNeedless(change)) this.putAway(change)
    const changes = all.filter((change) => this.isShown(change))
    const accepted = changes.filter(({ status }) => status === "accepted")
    const hidden = new Set(accepted.slice(0, Math.max(0, accepted.length - MAX_ACCEPTED)))
    const shown = changes.filter((change) => !hidden.has(change))
    if (JSON.stringify(shown) !== JSON.stringify(this.list.get())) this.list.set(shown)
  }

  private read(): Map<ControlId, Item> {
    const { conversation, device } = this.ports
    const items = new Map<ControlId, Item>()
    const put = (entry: Entry, refused: Item["refused"]): void => {
      const action = entry.body === null ? undefined : this.actionIn(entry.body)
      if (entry.control !== undefined && action !== undefined) items.set(entry.control, { entry, action, refused })
    }
    for (const { document, refused } of conversation.refused.values()) {
      if (document !== conversation.controlDocument.name) continue
      put(draftEntry(device, refused.draft), { hash: draftHash(refused.draft), code: refused.code })
    }
    for (const draft of conversation.controlDocument.drafts) put(draftEntry(device, draft), undefined)
    for (const entry of this.sealed.values()) put(entry, undefined)
    return items
  }

  private actionIn(body: Uint8Array): ControlAction | undefined {
    let action = this.actions.get(body)
    if (action === undefined) this.actions.set(body, (action = decodeControl(body) ?? { kind: "unreadable" }))
    return action.kind === "unreadable" ? undefined : action
  }

  private show({ entry, action, refused }: Item): Change {
    const id = entry.control ?? ("" as ControlId)
    const outcome = this.ports.conversation.state.outcomeOf(id)
    const { acks, conversation, user } = this.ports
    const acked = entry.position < acks.count(conversation.controlDocument.name, entry.log)
    // What waits for the rest of the conversation is judged by whoever has it.
    const held = outcome.kind === "refused" && outcome.code === "CONTROL_UNKNOWN"
    const code = refused?.code ?? (outcome.kind === "refused" && !held ? outcome.code : undefined)
    const status = refused !== undefined || (acked && code !== undefined) ? "refused" : acked ? "accepted" : "pending"
    return { id, ...describe(action, user), at: clockMs(entry.head.clock), status, code }
  }

  private isShown(change: Change): boolean {
    if (change.status === "pending") this.watched.add(change.id)
    const kind = this.items.get(change.id)?.action.kind
    if (kind === "create" || kind === "introduce" || kind === "policy" || this.dismissed.has(change.id)) return false
    return !this.isNeedless(change) && (change.status !== "accepted" || this.watched.has(change.id))
  }

  /** A link that was not needed: who is in is in. And who left is out, also where somebody else saw to it. */
  private isNeedless({ kind, status }: Change): boolean {
    const isMember = this.ports.conversation.state.members.has(this.ports.user)
    return status === "refused" && kind === (isMember ? "join" : "leave")
  }

  /** For good, whatever the user is later. */
  private putAway({ id }: Change): void {
    const item = this.items.get(id)
    if (this.dismissed.has(id) || item === undefined || item.refused !== undefined) return
    this.dismissed.add(id)
    this.remember(id).catch(() => {
      // A storage that can't be written is the replica's to tell; it is put away again the next time.
    })
  }

  private async remember(id: ControlId): Promise<void> {
    const key = this.dismissKey(id)
    await this.ports.storage.write([{ kind: "put", key, value: new Uint8Array() }], { durability: "relaxed" })
  }
}

function describe(action: ControlAction, self: UserId): Pick<Change, "kind" | "user" | "role" | "text"> {
  const nothing = { user: undefined, role: undefined, text: undefined }
  switch (action.kind) {
    case "add":
    case "role":
      return { ...nothing, kind: action.kind, user: action.user, role: action.role }
    case "remove":
      return { ...nothing, kind: action.user === self ? "leave" : "remove", user: action.user }
    case "title":
      return { ...nothing, kind: "title", text: action.title }
    case "topic":
      return { ...nothing, kind: "topic", text: action.topic }
    case "invite":
      return { ...nothing, kind: "invite", role: action.role }
    case "return":
    case "join":
      return { ...nothing, kind: action.kind, user: self }
    case "announce":
    case "pin":
    case "revoke":
      return { ...nothing, kind: action.kind }
    // These are written by the client itself, and not shown.
    case "create":
    case "introduce":
    case "policy":
      return { ...nothing, kind: "title" }
  }
}
