import type { Entry } from "../log/check.js"
import { draftEntry, type Draft } from "../log/draft.js"
import { compareText } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import { clockMs, decodeBody, messageIdOf, type MessageId } from "../protocol/entry.js"
import type { DeviceId, DocumentName, UserId } from "../protocol/names.js"
import type { Message, MessageStatus } from "./message.js"

/** What the projection asks about messages; it holds none of it itself. */
export interface ProjectionPorts {
  readonly user: UserId
  readonly device: DeviceId
  /** Whom a device writes for; undefined where it is not introduced: nothing of it is shown. [SPEC A] */
  authorOf(device: DeviceId): UserId | undefined
  /** Elements of an own log that a server made durable. */
  acknowledged(document: DocumentName, log: Entry["log"]): number
  /** How far an own message came at its readers. */
  receivedBy(document: DocumentName, entry: Entry): "delivered" | "read" | undefined
  isErased(document: DocumentName, message: MessageId): boolean
  isDurable(document: DocumentName, draft: Draft): boolean
}

/** One message with all copies of it that are known. */
interface Node {
  readonly id: MessageId
  readonly document: DocumentName
  /** The first copy in order: it decides the place. */
  entry: Entry
  body: Entry["body"]
  draft: Draft | undefined
  rejection: RefusalCode | undefined
  message: Message
}

/**
 * Entries in, messages in their order out: each shown once, wherever and however often it stands. The same set of
 * entries gives the same messages, in whatever order they came. [SPEC E4, E8]
 */
export class Projection {
  private nodes = new Map<MessageId, Node>()
  private order: Node[] = []
  private unsettled = new Set<Node>()
  /** Own messages on their way to their readers. */
  private unread = new Set<Node>()
  private cached: readonly Message[] | undefined

  constructor(private readonly ports: ProjectionPorts) {}

  /** The messages, oldest first; the same array until something changes. */
  get items(): readonly Message[] {
    this.cached ??= this.order.map((node) => node.message)
    return this.cached
  }

  get(id: MessageId): Message | undefined {
    return this.nodes.get(id)?.message
  }

  /** The document in which a message stands. */
  documentOf(id: MessageId): DocumentName | undefined {
    return this.nodes.get(id)?.document
  }

  /** Own messages that no server acknowledged, and that were not refused. */
  get waiting(): number {
    let waiting = 0
    for (const { message } of this.unsettled) if (message.status !== "rejected") waiting++
    return waiting
  }

  add(document: DocumentName, entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.head.class === "message") this.put(document, entry, undefined, undefined)
    }
  }

  addDrafts(document: DocumentName, drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      if (draft.class === "message") this.put(document, draftEntry(this.ports.device, draft), draft, undefined)
    }
  }

  addRefused(document: DocumentName, draft: Draft, code: RefusalCode): void {
    if (draft.class === "message") this.put(document, draftEntry(this.ports.device, draft), draft, code)
  }

  private put(
    document: DocumentName,
    entry: Entry,
    draft: Draft | undefined,
    rejection: RefusalCode | undefined,
  ): void {
    const id = messageIdOf(entry.device, entry.head.bodyHash)
    const author = this.ports.authorOf(entry.device)
    if (author === undefined) return
    const known = this.nodes.get(id)
    if (known === undefined) {
      const node: Node = { id, document, entry, body: entry.body, draft, rejection, message: placeholder }
      node.message = this.show(node, author)
      this.nodes.set(id, node)
      this.insert(node)
      this.settle(node)
      return
    }
    // A sealed copy stands before a draft, an earlier one before a later; any copy's body will do.
    const sealed = draft === undefined
    if (sealed && (known.draft !== undefined || compareEntries(entry, known.entry) < 0)) this.move(known, entry)
    if (sealed) {
      known.draft = undefined
      known.rejection = undefined
    } else if (known.draft !== undefined) known.rejection = rejection
    known.body ??= entry.body
    this.refresh(known, author)
  }

  private insert(node: Node): void {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.order[middle]
      if (other !== undefined && compareEntries(other.entry, node.entry) < 0) low = middle + 1
      else high = middle
    }
    this.order.splice(low, 0, node)
    this.cached = undefined
  }

  private move(node: Node, entry: Entry): void {
    this.order.splice(this.order.indexOf(node), 1)
    node.entry = entry
    this.insert(node)
  }

  private refresh(node: Node, author: UserId): void {
    const next = this.show(node, author)
    const { message } = node
    const same =
      next.status === message.status &&
      next.form === message.form &&
      next.sentAt === message.sentAt &&
      next.author === message.author &&
      next.rejection === message.rejection
    if (same) return
    node.message = next
    this.cached = undefined
    this.settle(node)
  }

  private settle(node: Node): void {
    const { own, status } = node.message
    const isSent = status === "sent" || status === "delivered" || status === "read"
    if (own && !isSent) this.unsettled.add(node)
    else this.unsettled.delete(node)
    if (own && isSent && status !== "read") this.unread.add(node)
    else this.unread.delete(node)
  }

  private show(node: Node, author: UserId): Message {
    const { entry, body, document, id } = node
    const erased = body === null || this.ports.isErased(document, id)
    const text = erased ? undefined : textOf(body)
    return {
      id,
      author,
      device: entry.device,
      sentAt: clockMs(entry.head.clock),
      text,
      form: erased ? "erased" : text === undefined ? "unreadable" : "text",
      own: author === this.ports.user,
      status: this.statusOf(node),
      rejection: node.rejection,
    }
  }

  private statusOf({ entry, draft, document, rejection }: Node): MessageStatus {
    if (rejection !== undefined) return "rejected"
    if (draft !== undefined) return this.ports.isDurable(document, draft) ? "saved" : "saving"
    // What somebody has was sent, whoever carried it; what is another's has no ticks.
    const own = this.ports.authorOf(entry.device) === this.ports.user
    const received = own ? this.ports.receivedBy(document, entry) : undefined
    if (received !== undefined || entry.device !== this.ports.device) return received ?? "sent"
    return entry.position < this.ports.acknowledged(document, entry.log) ? "sent" : "saved"
  }

  /** Reads again how far own messages came at their readers. */
  reviewReceipts(): void {
    for (const node of [...this.unread, ...this.unsettled]) {
      const author = this.ports.authorOf(node.entry.device)
      if (author !== undefined) this.refresh(node, author)
    }
  }

  /** Where a sealed message stands; undefined for a draft and for what is not here. */
  placeOf(id: MessageId): { readonly document: DocumentName; readonly entry: Entry } | undefined {
    const node = this.nodes.get(id)
    return node === undefined || node.draft !== undefined ? undefined : { document: node.document, entry: node.entry }
  }

  /** Reads status and erasure again: of what is on its way, or of all messages. */
  review(all = false): void {
    for (const node of all ? this.order.slice() : Array.from(this.unsettled)) {
      const author = this.ports.authorOf(node.entry.device)
      if (author !== undefined) this.refresh(node, author)
    }
  }

  /** Forgets a message that was a draft, as after it was discarded. */
  remove(id: MessageId): void {
    const node = this.nodes.get(id)
    if (node === undefined) return
    this.nodes.delete(id)
    this.unsettled.delete(node)
    this.unread.delete(node)
    this.order.splice(this.order.indexOf(node), 1)
    this.cached = undefined
  }
}

const placeholder = {} as Message

function compareEntries(a: Entry, b: Entry): number {
  return a.head.clock - b.head.clock || compareText(a.log, b.log) || a.position - b.position
}

function textOf(body: Uint8Array): string | undefined {
  const content = decodeBody(body)
  const text = content instanceof Map ? (content as ReadonlyMap<string, unknown>).get("t") : undefined
  return typeof text === "string" ? text : undefined
}
