import type * as Y from "yjs"
import { WeftError } from "../base/errors.js"
import { createQueue } from "../base/queue.js"
import { createStore } from "../base/store.js"
import { settingKey } from "../log/keys.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import { parseMessageId, type ControlId, type MessageId } from "../protocol/entry.js"
import {
  parseConversationId,
  parseUserId,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import type { ReadPositions } from "../conversation/unread.js"
import type { Storage } from "../storage/storage.js"
import type { AccountReplica } from "../sync/account-replica.js"
import type {
  Account,
  AccountAct,
  AccountState,
  ConversationAct,
  ConversationSettings,
  OwnAct,
  Privacy,
  TextDraft,
  UndoResult,
} from "./account-api.js"
import { changedDrafts, DRAFTS, DraftText } from "./draft-text.js"
import { DraftHandle } from "./draft.js"
import { ReadMarks, type MarkHere } from "./read-marks.js"
import { shortName } from "./short-name.js"

const defaultSettings: ConversationSettings = {
  mutedUntil: undefined,
  archived: false,
  pinned: false,
  listed: undefined,
  unreadFrom: undefined,
  threadsUnreadFrom: {},
}

export interface AccountHandlePorts {
  readonly replica: AccountReplica
  readonly storage: Storage
  readonly user: UserId
  readonly device: DeviceId
  isClosed(): boolean
  /** Conversations into which somebody brought this user. */
  broughtBy(user: UserId): readonly ConversationId[]
  /** Takes back what was done in a conversation; false where it does not stand any more. */
  takeBack(act: ConversationAct): Promise<boolean>
}

const UNDO = settingKey("undo")
const MAX_UNDO = 20

/** What an application holds of its user's account: the document's Y types, read into plain values. [SPEC U2] */
export class AccountHandle implements Account {
  private readonly store = createStore<AccountState>(emptyState)
  private readonly drafts = new Map<string, DraftHandle>()
  private readonly enqueue = createQueue()
  private readonly reads: ReadMarks
  private marks: ReturnType<typeof readMarks> = new Map()
  private keptLinks: ReadonlyMap<string, string> = new Map()
  private reading = false
  private readChanges = 0
  private shownBy: { readonly state: AccountState; readonly name: string } | undefined
  private readonly onTransaction = (transaction: Y.Transaction): void => {
    if (this.reads.onTransaction(transaction)) this.readChanges++
    for (const place of changedDrafts(transaction)) this.drafts.get(place)?.review()
    this.readSoon()
  }

  constructor(private readonly ports: AccountHandlePorts) {
    this.reads = new ReadMarks(this.doc, ports.device)
    this.store.set(this.read())
    this.doc.on("afterTransaction", this.onTransaction)
  }

  private get doc(): Y.Doc {
    return this.ports.replica.doc
  }

  get(): AccountState {
    return this.store.get()
  }

  subscribe(listener: (state: AccountState) => void): () => void {
    return this.store.subscribe(listener)
  }

  isBlocked(user: string): boolean {
    return this.doc.getMap("blocks").get(user) === true
  }

  block(user: string): void {
    const parsed = parseUserId(user)
    if (parsed === undefined || parsed === this.ports.user) throw new WeftError("BAD_ARGUMENT", "not another user")
    this.doc.transact(() => {
      this.put("blocks", parsed, true)
      // What is here already stays in the list: this user knows it. [SPEC U12]
      for (const conversation of this.ports.broughtBy(parsed)) {
        const key = `${conversation}/listed`
        if (this.doc.getMap("conversations").get(key) === undefined) this.put("conversations", key, true)
      }
    })
  }

  unblock(user: string): void {
    this.put("blocks", user, undefined)
  }

  setPrivacy({ receipts, lastSeen }: Partial<Privacy>): void {
    if (receipts !== undefined) this.put("privacy", "receipts", receipts)
    if (lastSeen !== undefined) this.put("privacy", "lastSeen", lastSeen)
  }

  settings(conversation: ConversationId): ConversationSettings {
    return this.store.get().conversations.get(conversation) ?? defaultSettings
  }

  mute(conversation: ConversationId, until: number | undefined): void {
    if (until !== undefined && Number.isNaN(until)) throw new WeftError("BAD_ARGUMENT", "not a time")
    this.put("conversations", `${conversation}/muted`, until)
  }

  /** Undefined where it was so already. */
  setArchived(conversation: ConversationId, archived: boolean): OwnAct | undefined {
    const key = `${conversation}/archived`
    if ((this.doc.getMap("conversations").get(key) === true) === archived) return undefined
    const change = this.change("conversations", key, archived ? true : undefined)
    return this.remember({ kind: "archive", conversation, archived, change })
  }

  setPinned(conversation: ConversationId, pinned: boolean): void {
    this.put("conversations", `${conversation}/pinned`, pinned ? true : undefined)
  }

  /** Undefined where it was so already. */
  setListed(conversation: ConversationId, listed: boolean): OwnAct | undefined {
    const key = `${conversation}/listed`
    const before = this.settings(conversation).listed
    if (before === listed) return undefined
    const change = this.change("conversations", key, listed)
    return this.remember({ kind: "list", conversation, listed, before, change })
  }

  /** The user is a member again: what was taken out is back. */
  forgetUnlisted(conversation: ConversationId): void {
    this.put("conversations", `${conversation}/listed`, undefined)
  }

  /** What one conversation was set to goes over to another, where that is set to nothing of its own. [SPEC A20] */
  handOver(from: ConversationId, to: ConversationId): void {
    const settings = ["muted", "archived", "pinned"].map((name) => ["conversations", `/${name}`] as const)
    const marks = Array.from(this.marks.get(from)?.keys() ?? [], (key) => ["marks", key.slice(from.length)] as const)
    const set = [...settings, ...marks].filter(([root, rest]) => this.doc.getMap(root).has(from + rest))
    if (set.length === 0) return
    this.doc.transact(() => {
      for (const [root, rest] of set) {
        const map = this.doc.getMap(root)
        if (!map.has(to + rest)) map.set(to + rest, map.get(from + rest))
        map.delete(from + rest)
      }
    })
  }

  /** Undefined where it was so already. */
  hide(message: MessageId): OwnAct | undefined {
    if (this.doc.getMap("hidden").get(message) === true) return undefined
    return this.remember({ kind: "hide", message, change: this.change("hidden", message, true) })
  }

  /** The draft of a conversation, or of the thread below a message. */
  draft(conversation: ConversationId, root?: MessageId): TextDraft {
    const key = placeKey(conversation, root)
    const draft =
      this.drafts.get(key) ??
      new DraftHandle(new DraftText(this.doc, key), () => {
        this.demandOpen()
      })
    this.drafts.set(key, draft)
    return draft
  }

  /** Counts the changes of what was read. */
  get readVersion(): number {
    return this.readChanges
  }

  readCount(document: DocumentName, log: LogId, thread?: MessageId): number {
    return this.reads.count(document, log, thread)
  }

  /** What was marked as read on this device. */
  marksHere(conversation: ConversationId): readonly MarkHere[] {
    return this.reads.marksHere(conversation)
  }

  /** Read without being looked at: "unread from here" stays. False where all of that was read before. */
  passOver(read: ReadPositions, thread?: MessageId): boolean {
    this.demandOpen()
    const fresh = this.beyond(read, thread)
    // A transaction that changes nothing tells all who listen, too.
    if (fresh.size > 0) this.mark(fresh, thread)
    return fresh.size > 0
  }

  /** What of it was not read before, on any device. */
  private beyond(read: ReadPositions, thread: MessageId | undefined): ReadPositions {
    const beyond = Array.from(read, ([name, counts]) => [name, this.reads.beyond(name, counts, thread)] as const)
    return new Map(beyond.filter(([, counts]) => counts.size > 0))
  }

  private mark(read: ReadPositions, thread: MessageId | undefined): void {
    this.doc.transact(() => {
      for (const [document, counts] of read) this.reads.mark(document, counts, thread)
    })
  }

  /** Names all by which a conversation's messages are shown and counted: the same name, the same counts. [SPEC U13] */
  countedBy(conversation: ConversationId): string {
    // What a transaction changed a moment ago is told first: who counts is to know it, too.
    this.readNow()
    const state = this.store.get()
    if (this.shownBy?.state !== state) {
      const parts = [Array.from(state.hidden).sort(), Array.from(state.blocked).sort()]
      const isEmpty = parts.every(({ length }) => length === 0)
      this.shownBy = { state, name: isEmpty ? "" : shortName(JSON.stringify(parts)) }
    }
    return [this.reads.nameOf(conversation), ...this.marksOf(conversation), this.shownBy.name].join()
  }

  /** Never backwards. `thread`: of that thread alone. Returns what of it was not read before, on any device. */
  markRead(read: ReadPositions, thread?: MessageId): ReadPositions {
    const fresh = this.beyond(read, thread)
    this.mark(fresh, thread)
    return fresh
  }

  /** Ends "unread from here", of the conversation or of the thread below a message. */
  endUnread(conversation: ConversationId, thread?: MessageId): void {
    this.put("marks", placeKey(conversation, thread), undefined)
  }

  markUnread(conversation: ConversationId, from: MessageId, thread?: MessageId): void {
    this.put("marks", placeKey(conversation, thread), from)
  }

  /** From where on everything is unread. */
  markOf(conversation: ConversationId, thread?: MessageId): MessageId | undefined {
    return this.marks.get(conversation)?.get(placeKey(conversation, thread))
  }

  /** All of them in a conversation, those of threads too. */
  marksOf(conversation: ConversationId): readonly MessageId[] {
    return Array.from(this.marks.get(conversation)?.values() ?? [])
  }

  /** Links into conversations, by `<conversation>/<invite>`; the same map while they are the same. */
  get links(): ReadonlyMap<string, string> {
    return this.keptLinks
  }

  /** Undefined: not any more. */
  keepLink(conversation: ConversationId, invite: ControlId, link: string | undefined): void {
    this.put("invites", `${conversation}/${invite}`, link)
  }

  undo(named?: OwnAct): Promise<UndoResult> {
    return this.enqueue(async () => {
      this.demandOpen()
      const acts = await this.readActs()
      const act = named ?? acts.at(-1)
      if (act === undefined) return { kind: "nothing" }
      const stands = await this.takeBack(act)
      const name = JSON.stringify(act)
      // One that could not be taken back now stays: it can be tried again.
      await this.writeActs(acts.filter((other) => JSON.stringify(other) !== name))
      if (stands) await this.saved()
      return { kind: stands ? "undone" : "gone", act }
    })
  }

  /** False where the act does not stand any more. [SPEC U11] */
  private async takeBack(act: OwnAct): Promise<boolean> {
    if (act.kind === "hide") return this.revert("hidden", act.message, act, undefined)
    if (act.kind === "archive") {
      return this.revert("conversations", `${act.conversation}/archived`, act, act.archived ? undefined : true)
    }
    if (act.kind === "list") return this.revert("conversations", `${act.conversation}/listed`, act, act.before)
    return this.ports.takeBack(act)
  }

  /** Where the last that was written there is that very change. */
  private revert(root: string, key: string, { change }: AccountAct, before: boolean | undefined): boolean {
    if (changeAt(this.doc.getMap(root), key) !== change) return false
    this.put(root, key, before)
    return true
  }

  async saved(): Promise<void> {
    await this.ports.replica.saved()
  }

  /** What came last before a close is in the storage too. */
  async close(): Promise<void> {
    await this.enqueue(async () => undefined)
    this.doc.off("afterTransaction", this.onTransaction)
  }

  private demandOpen(): void {
    if (this.ports.isClosed()) throw new WeftError("CLIENT_CLOSED", "this client was closed")
  }

  /** undefined takes the key out. What is there already is not written again. */
  private put(root: string, key: string, value: string | number | boolean | undefined): void {
    this.demandOpen()
    const map = this.doc.getMap(root)
    if (map.get(key) === value) return
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }

  /** The same; names the change. */
  private change(root: string, key: string, value: boolean | undefined): string {
    this.put(root, key, value)
    return changeAt(this.doc.getMap(root), key)
  }

  /** Keeps what this device did, to be undone. */
  remember<T extends OwnAct>(act: T): T {
    this.enqueue(async () => {
      await this.writeActs([...(await this.readActs()), act].slice(-MAX_UNDO))
    }).catch(() => undefined) // an act that is not the last one after a restart has still been done
    return act
  }

  private async readActs(): Promise<OwnAct[]> {
    const text = utf8Text((await this.ports.storage.get(UNDO)) ?? new Uint8Array())
    return text === undefined || text === "" ? [] : (JSON.parse(text) as OwnAct[])
  }

  private writeActs(acts: readonly OwnAct[]): Promise<void> {
    const value = utf8(JSON.stringify(acts))
    return this.ports.storage.write([{ kind: "put", key: UNDO, value }], { durability: "relaxed" })
  }

  /** At most one new state in a turn. */
  private readSoon(): void {
    if (this.reading) return
    this.reading = true
    queueMicrotask(() => {
      this.readNow()
    })
  }

  private readNow(): void {
    if (!this.reading) return
    this.reading = false
    this.store.set(this.read())
  }

  private read(): AccountState {
    const { doc } = this
    this.marks = readMarks(doc)
    this.keptLinks = readLinks(doc, this.keptLinks)
    const privacy = doc.getMap("privacy")
    const before = this.store.get()
    return {
      // The same sets while they hold the same: much is read again where they change.
      blocked: sameKeys(before.blocked, keysOf(doc.getMap("blocks"), parseUserId)),
      hidden: sameKeys(before.hidden, keysOf(doc.getMap("hidden"), parseMessageId)),
      privacy: { receipts: privacy.get("receipts") !== false, lastSeen: privacy.get("lastSeen") !== false },
      conversations: readSettings(doc),
      drafts: readDrafts(doc),
    }
  }
}

/** Names the last write of a key, or that it was taken out: no other one has that name, on any device. */
function changeAt(map: Y.Map<unknown>, key: string): string {
  const item = map._map.get(key)
  if (item === undefined) return ""
  const { client, clock } = item.id
  return `${client}/${clock}${item.deleted ? "/out" : ""}`
}

const emptyState: AccountState = {
  blocked: new Set(),
  hidden: new Set(),
  privacy: { receipts: true, lastSeen: true },
  conversations: new Map(),
  drafts: new Map(),
}

function keysOf<T extends string>(map: Y.Map<unknown>, parse: (key: string) => T | undefined): ReadonlySet<T> {
  return new Set(Array.from(map).flatMap(([key, value]) => (value === true ? (parse(key) ?? []) : [])))
}

function sameKeys<T>(before: ReadonlySet<T>, now: ReadonlySet<T>): ReadonlySet<T> {
  return before.size === now.size && Array.from(now).every((key) => before.has(key)) ? before : now
}

function readSettings(doc: Y.Doc): ReadonlyMap<ConversationId, ConversationSettings> {
  const settings = new Map<ConversationId, ConversationSettings>()
  const change = (key: string, part: Partial<ConversationSettings>): void => {
    const conversation = parseConversationId(key)
    if (conversation === undefined) return
    settings.set(conversation, { ...(settings.get(conversation) ?? defaultSettings), ...part })
  }
  for (const [key, value] of doc.getMap("conversations")) {
    const [conversation = "", name] = key.split("/")
    if (name === "muted" && typeof value === "number") change(conversation, { mutedUntil: value })
    if (name === "archived" && value === true) change(conversation, { archived: true })
    if (name === "pinned" && value === true) change(conversation, { pinned: true })
    if (name === "listed" && typeof value === "boolean") change(conversation, { listed: value })
  }
  for (const [key, value] of doc.getMap("marks")) {
    const mark = parseMessageId(value)
    const [conversation = "", thread] = key.split("/")
    if (mark === undefined) continue
    if (thread === undefined) change(conversation, { unreadFrom: mark })
    else {
      const before = settings.get(conversation as ConversationId)?.threadsUnreadFrom
      change(conversation, { threadsUnreadFrom: { ...before, [thread]: mark } })
    }
  }
  return settings
}

/** Those before, where they are the same. */
function readLinks(doc: Y.Doc, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const links = new Map<string, string>()
  for (const [key, link] of doc.getMap("invites")) if (typeof link === "string") links.set(key, link)
  const isSame = links.size === before.size && Array.from(links).every(([key, link]) => before.get(key) === link)
  return isSame ? before : links
}

/** Names a conversation, or the thread below a message of it. */
function placeKey(conversation: ConversationId, thread: MessageId | undefined): string {
  return thread === undefined ? conversation : `${conversation}/${thread}`
}

/** Marks of each conversation, by the names of their places. */
function readMarks(doc: Y.Doc): ReadonlyMap<string, ReadonlyMap<string, MessageId>> {
  const marks = new Map<string, Map<string, MessageId>>()
  for (const [key, value] of doc.getMap("marks")) {
    const mark = parseMessageId(value)
    const [conversation = ""] = key.split("/", 1)
    if (mark !== undefined)
      marks.set(conversation, (marks.get(conversation) ?? new Map<string, MessageId>()).set(key, mark))
  }
  return marks
}

function readDrafts(doc: Y.Doc): ReadonlyMap<string, string> {
  const drafts = new Map<string, string>()
  for (const name of Array.from(doc.share.keys())) {
    if (!name.startsWith(DRAFTS)) continue
    const text = doc.getText(name).toJSON()
    if (text !== "") drafts.set(name.slice(DRAFTS.length), text)
  }
  return drafts
}
