import { BODY_SALT_BYTES, clockMs, messageIdOf, type BodyHash, type Clock, type MessageId } from "../protocol/entry.js"
import type { Entry } from "../log/check.js"
import { draftEntry, type Draft } from "../log/draft.js"
import { decodeRecord, targetOf } from "../log/erasure.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { DeviceId, DocumentName, UserId } from "../protocol/names.js"
import { Pointers } from "./about.js"
import { editHeads, textWithout } from "./edits.js"
import type { MarkedText } from "./merge-text.js"
import type { Message, MessageStatus, Quote, Replies, Version } from "./message.js"
import {
  compareEntries,
  compareNodes,
  messageStatusOf,
  partOf,
  segmentNumber,
  statusOf,
  threadOf,
  type Node,
  type Place,
  type ProjectionPorts,
  type ReadEntry,
} from "./node.js"
import { decodeSaid, type MessageRef, type Said } from "./said.js"
import { editsOf, quoteOf, repliesTo, sameMessage, showMessage } from "./show.js"
import { versionsOf } from "./history.js"
import { Waiting } from "./waiting.js"

/**
 * Entries in, messages in their order out: each shown once, wherever and however often it stands, with all that was said
 * about it. The same set of entries gives the same messages, in whatever order they came. [SPEC E4, E8, M]
 */
export class Projection {
  private readonly nodes = new Map<MessageId, Node>()
  private readonly pointers = new Pointers()
  /** Own entries that no server has, and that were not refused. */
  private readonly unsettled = new Waiting()
  /** Own messages on their way to their readers. */
  private readonly unreceived = new Waiting()
  /** Whom devices were found to write for. */
  private readonly authors = new Map<DeviceId, UserId | undefined>()
  private readonly ports: ProjectionPorts
  /** Segments that were read, and the documents of those whose messages stand in the list. */
  private readonly read = new Set<number>()
  private readonly listed = new Set<DocumentName>()
  /** Messages to look at again, and nodes to be put in order, before anybody reads. */
  private readonly stale = new Set<Node>()
  private fresh: Node[] = []
  private order: Node[] = []
  /** Messages that were read, and stand before the list. */
  private readonly before = new Set<Node>()
  /** The first message of the listed documents. */
  private first: Place | undefined
  private cached: readonly Message[] | undefined

  constructor(ports: ProjectionPorts) {
    const authorOf = (device: DeviceId): UserId | undefined => {
      const author = ports.authorOf(device)
      this.authors.set(device, author)
      return author
    }
    this.ports = { ...ports, authorOf }
  }

  /** The messages, oldest first; the same array until something changes. */
  get items(): readonly Message[] {
    this.cached ??= messagesOf(this.order)
    return this.cached
  }

  /** A message that was read, in the list or for a quote. */
  get(id: MessageId): Message | undefined {
    return this.nodes.get(id)?.message
  }

  /** Any entry: a message, an edit, a reaction or an own erasure. */
  node(id: MessageId): Node | undefined {
    return this.nodes.get(id)
  }

  statusOf(node: Node): MessageStatus {
    return node.message?.status ?? statusOf(node, this.ports)
  }

  /** Own entries that no server acknowledged, and that were not refused. */
  get waiting(): number {
    return this.unsettled.size
  }

  /** When the oldest of them was written, milliseconds since 1970; Infinity where there is none. */
  get waitingSince(): number {
    let since = Infinity
    for (const { entry } of this.unsettled) since = Math.min(since, clockMs(entry.head.clock))
    return since
  }

  /** Where the list begins; undefined while no document's messages stand in it. What was read of others is in it from there on. [SPEC M9] */
  get start(): Clock | undefined {
    return this.first?.entry.head.clock
  }

  /** Segments that quotes in the list wait for. */
  get wanted(): number[] {
    return Array.from(this.pointers.segments).filter((segment) => {
      if (this.read.has(segment) || !this.ports.hasSegment(segment)) return false
      for (const node of this.pointers.quotesInto(segment)) if (node.inOrder) return true
      return false
    })
  }

  /** The edits of a message that no other edit has seen: what the next one names. */
  editHeads(id: MessageId): readonly BodyHash[] {
    return editHeads(this.edits(id)).map(({ hash }) => hash)
  }

  /** All edits of it, those that do not count too. */
  editsOf(id: MessageId): readonly Node[] {
    return Array.from(this.pointers.get(id)?.edits ?? [])
  }

  /** All texts that a message had, the first one first; none of an erased one. */
  history(id: MessageId): readonly Version[] {
    const node = this.nodes.get(id)
    return node?.message?.form === "text" ? versionsOf(node, this.edits(id)) : []
  }

  /** What a message's text would be without one of its edits; undefined where it has none to read, or that does not stand. */
  textWithout(id: MessageId, edit: MessageId): MarkedText | undefined {
    const node = this.nodes.get(id)
    if (node?.message?.form !== "text" || node.said?.kind !== "message") return undefined
    return textWithout(node.said, this.edits(id), edit)
  }

  /** The messages of a thread that were read, in their order, without the root. */
  thread(root: MessageId): readonly Message[] {
    const nodes = Array.from(this.pointers.get(root)?.thread ?? [])
    return nodes.sort(compareNodes).flatMap(({ message }) => (message?.thread === root ? message : []))
  }

  /** The thread below a message in short, as far as its reader wants to see it. */
  replies(root: MessageId, counts: (message: Message) => boolean): Replies | undefined {
    const node = this.nodes.get(root)
    const about = this.pointers.get(root)
    return node === undefined || about === undefined ? undefined : repliesTo(node, about, counts)
  }

  /** The segment that a thread's messages say its root to be in. */
  threadSegment(root: MessageId): number | undefined {
    for (const { said } of this.pointers.get(root)?.thread ?? []) {
      if (said?.kind === "message" && said.thread !== undefined) return said.thread.segment
    }
    return undefined
  }

  private edits(id: MessageId): ReturnType<typeof editsOf> {
    const node = this.nodes.get(id)
    const about = this.pointers.get(id)
    if (node?.message === undefined || about === undefined) return []
    return editsOf(node, node.message.author, about, this.ports)
  }

  /** A document's entries; `listed`: all its messages stand in the list, else those that are not before it. [SPEC M9] */
  add(document: DocumentName, entries: readonly Entry[], listed = true): void {
    this.open(document, listed)
    for (const entry of entries) {
      const isNews = entry.head.class !== "erase" || entry.device === this.ports.device
      if (isNews) this.put(document, entry, undefined, undefined)
    }
    this.settle()
  }

  addDrafts(document: DocumentName, drafts: readonly Draft[], listed = true): void {
    if (listed) this.listed.add(document)
    for (const draft of drafts) this.put(document, draftEntry(this.ports.device, draft), draft, undefined)
    this.settle()
  }

  addRefused(document: DocumentName, draft: Draft, code: RefusalCode): void {
    this.put(document, draftEntry(this.ports.device, draft), draft, code)
    this.settle()
  }

  /**
   * Reads again how far own entries of a document came: to the disk, or to a server. Thousands may wait, of which few move
   * at a time. What is no message may change the one that it is about.
   */
  reviewWaiting(document: DocumentName): void {
    for (const node of this.unsettled.of(document)) {
      if (node.message === undefined || statusOf(node, this.ports) !== node.message.status) this.refresh(node)
    }
    this.settle()
  }

  /** The same of all own entries of a document: what a server had may be on none any more. [SPEC S3] */
  reviewOwn(document: DocumentName): void {
    for (const node of this.nodes.values()) {
      if (node.document === document && node.entry.device === this.ports.device) this.refresh(node)
    }
    this.settle()
  }

  /** Reads again what these erasures say, and own entries that wait. */
  reviewErased(document: DocumentName, targets: Iterable<MessageId>): void {
    for (const id of targets) {
      const node = this.nodes.get(id)
      if (node !== undefined) this.refresh(node)
    }
    this.reviewWaiting(document)
  }

  /** Reads again whom devices write for. */
  reviewAuthors(): void {
    const known = Array.from(this.authors)
    if (known.every(([device, author]) => this.ports.authorOf(device) === author)) return
    for (const node of Array.from(this.nodes.values())) this.refresh(node)
    this.settle()
  }

  /** Reads again who is asked of all own messages, those that everybody had read too. */
  reviewReaders(): void {
    for (const node of this.nodes.values()) if (node.message?.own === true) this.stale.add(node)
    this.settle()
  }

  /** Reads again how far own messages came at their readers: all, or those that a change concerns. */
  reviewReceipts(concerns: (node: Node) => boolean = () => true): void {
    for (const waiting of [this.unreceived, this.unsettled]) {
      for (const node of waiting) {
        if (!concerns(node)) continue
        if (node.message === undefined || messageStatusOf(node, true, this.ports) !== node.message.status) {
          this.stale.add(node)
        }
      }
    }
    this.settle()
  }

  /** Forgets an entry that was a draft, as after it was discarded; one that was sealed meanwhile stays. */
  remove(id: MessageId): void {
    const node = this.nodes.get(id)
    if (node?.draft === undefined) return
    this.nodes.delete(id)
    this.unsettled.set(node, false)
    this.unreceived.set(node, false)
    this.point(node, false)
    this.leave(node)
    this.before.delete(node)
    for (const quoting of this.pointers.get(id)?.quotes ?? []) this.stale.add(quoting)
    this.settle()
  }

  private open(document: DocumentName, listed: boolean): void {
    const segment = segmentNumber(document)
    if (!this.read.has(segment)) {
      this.read.add(segment)
      for (const node of this.pointers.quotesInto(segment)) this.stale.add(node)
    }
    if (!listed || this.listed.has(document)) return
    this.listed.add(document)
    // What was read for quotes alone stands in the list from now on.
    for (const node of this.nodes.values()) if (node.document === document) this.enter(node)
  }

  private put(
    document: DocumentName,
    entry: Entry,
    draft: Draft | undefined,
    rejection: RefusalCode | undefined,
  ): void {
    const said = saidIn(entry)
    if (entry.head.class === "control" || (said?.kind === "reaction") !== (entry.head.class === "reaction")) return
    const id = messageIdOf(entry.device, entry.head.bodyHash)
    const known = this.nodes.get(id)
    if (known === undefined) {
      const node = createNode(id, document, entry, said, draft, rejection)
      node.part = partOf(node, this.ports.erasureOf(document, id))
      this.nodes.set(id, node)
      this.point(node, true)
      this.lookAt(node)
      return
    }
    // A sealed copy stands before a draft, an earlier one before a later; any copy's body will do.
    const sealed = draft === undefined
    if (sealed && (known.draft !== undefined || compareEntries(entry, known.entry) < 0)) {
      this.move(known, { entry: readEntry(entry), document })
      // A quote names the segment too.
      for (const quoting of this.pointers.get(id)?.quotes ?? []) this.stale.add(quoting)
    }
    if (sealed) {
      known.draft = undefined
      known.rejection = undefined
    } else if (known.draft !== undefined) known.rejection = rejection
    if (!known.hasBody && entry.body !== null) {
      this.point(known, false)
      known.hasBody = true
      known.said = said
      this.point(known, true)
    }
    this.refresh(known)
  }

  /** Looks again at what an entry is, and at the messages that it changes. */
  private refresh(node: Node): void {
    const part = partOf(node, this.ports.erasureOf(node.document, node.id))
    if (part !== node.part) {
      this.point(node, false)
      node.part = part
      this.point(node, true)
    }
    this.point(node, true)
    this.stale.add(node)
  }

  private point(node: Node, on: boolean): void {
    for (const id of this.pointers.point(node, on)) {
      const target = this.nodes.get(id)
      if (target !== undefined) this.stale.add(target)
    }
  }

  /** Shows again whatever changed, and what quotes it; then the list is in order. */
  private settle(): void {
    // What is marked on the way is appended to the set, and found too.
    for (const node of this.stale) {
      this.stale.delete(node)
      if (this.nodes.get(node.id) === node) this.lookAt(node)
    }
    this.insertFresh()
    this.listBehindStart()
  }

  /** What of other documents is not before the first message of the listed ones, stands behind it. */
  private listBehindStart(): void {
    const first = this.order.find((node) => this.listed.has(node.document))
    if (first?.entry === this.first?.entry) return
    this.first = first && { entry: first.entry, document: first.document }
    for (const node of this.before) this.enter(node)
    this.insertFresh()
  }

  private lookAt(node: Node): void {
    this.show(node)
    const status = this.statusOf(node)
    const isSent = status === "sent" || status === "delivered" || status === "read"
    this.unsettled.set(node, !isSent && status !== "rejected")
    this.unreceived.set(node, isSent && status !== "read" && node.message?.own === true)
  }

  private show(node: Node): void {
    const author = node.part === "message" ? this.ports.authorOf(node.entry.device) : undefined
    const before = node.message
    if (author === undefined) {
      if (node.part !== "message") this.leave(node)
      if (node.part !== "message" && before !== undefined) node.message = undefined
      else return
    } else {
      const about = this.pointers.get(node.id)
      const next = showMessage(node, author, { ports: this.ports, about, quoted: (ref) => this.quoted(ref) })
      if (before !== undefined && sameMessage(before, next)) {
        this.enter(node)
        return
      }
      node.message = next
      this.enter(node)
    }
    this.cached = undefined
    const about = this.pointers.get(node.id)
    if (about !== undefined) for (const quoting of about.quotes) this.stale.add(quoting)
    const root = threadOf(node)
    const rootNode = root === undefined ? undefined : this.nodes.get(root)
    if (rootNode !== undefined) this.stale.add(rootNode)
  }

  private quoted(ref: MessageRef): Quote {
    const target = this.nodes.get(ref.id)
    if (target?.message === undefined && this.ports.hasSegment(ref.segment) && !this.read.has(ref.segment)) {
      return { state: "loading", id: ref.id }
    }
    return quoteOf(ref, target)
  }

  private enter(node: Node): void {
    if (node.inOrder || node.message === undefined) return
    if (this.isBefore(node)) {
      this.before.add(node)
      return
    }
    this.before.delete(node)
    node.inOrder = true
    this.fresh.push(node)
  }

  private isBefore(node: Node): boolean {
    // What was refused is shown wherever it stands: its author has to know.
    if (this.listed.has(node.document) || node.rejection !== undefined) return false
    return this.first === undefined || compareNodes(node, this.first) < 0
  }

  /** Another copy of it counts from now on. It leaves the list, unless it stands there where it stood: most drafts do that are sealed. */
  private move(node: Node, to: Place): void {
    // What was refused stands wherever it is; sealed it may stand before the list.
    const stays = node.rejection === undefined && node.document === to.document && this.isOrderedAs(node, to)
    if (!stays) this.leave(node)
    node.entry = to.entry
    node.document = to.document
  }

  private isOrderedAs(node: Node, to: Place): boolean {
    this.insertFresh()
    const place = this.placeOf(node)
    if (this.order[place] !== node) return false
    const [before, behind] = [this.order[place - 1], this.order[place + 1]]
    return (
      (before === undefined || compareNodes(before, to) < 0) && (behind === undefined || compareNodes(to, behind) < 0)
    )
  }

  private leave(node: Node): void {
    if (!node.inOrder) return
    node.inOrder = false
    this.insertFresh()
    const place = this.placeOf(node)
    const at = this.order[place] === node ? place : this.order.indexOf(node)
    if (at >= 0) this.order.splice(at, 1)
    this.cached = undefined
  }

  /** Few are put where they belong one by one; many are merged in, so that a page costs no more than its length. */
  private insertFresh(): void {
    const fresh = this.fresh.filter(({ inOrder }) => inOrder).sort(compareNodes)
    this.fresh = []
    const [first] = fresh
    if (first === undefined) return
    this.cached = undefined
    if (fresh.length <= 4) for (const node of fresh) this.order.splice(this.placeOf(node), 0, node)
    else {
      const [start, end] = [this.placeOf(first), this.placeOf(fresh.at(-1) ?? first)]
      const among = mergeOrders(this.order.slice(start, end), fresh)
      this.order = this.order.slice(0, start).concat(among, this.order.slice(end))
    }
  }

  private placeOf(node: Node): number {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.order[middle]
      if (other !== undefined && compareNodes(other, node) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function messagesOf(nodes: readonly Node[]): readonly Message[] {
  const messages: Message[] = []
  for (const { message } of nodes) if (message !== undefined) messages.push(message)
  return messages
}

function saidIn({ head, body }: Entry): Said | undefined {
  return head.class === "erase" || body === null ? undefined : decodeSaid(body)
}

function createNode(
  id: MessageId,
  document: DocumentName,
  entry: Entry,
  said: Said | undefined,
  draft: Draft | undefined,
  rejection: RefusalCode | undefined,
): Node {
  const erases = entry.head.class === "erase"
  const record = erases && entry.body !== null ? decodeRecord(entry.body.subarray(1 + BODY_SALT_BYTES)) : undefined
  return {
    id,
    document,
    entry: readEntry(entry),
    said,
    hasBody: entry.body !== null,
    erases: record === undefined ? undefined : targetOf(record),
    draft,
    rejection,
    part: "nothing",
    inOrder: false,
    message: undefined,
  }
}

function readEntry({ log, device, position, head, seen }: Entry): ReadEntry {
  return { log, device, position, head: { class: head.class, clock: head.clock }, seen }
}

function mergeOrders(a: readonly Node[], b: readonly Node[]): Node[] {
  const merged: Node[] = []
  let [atA, atB] = [0, 0]
  for (;;) {
    const [nextA, nextB] = [a[atA], b[atB]]
    if (nextA === undefined) return merged.concat(b.slice(atB))
    if (nextB === undefined) return merged.concat(a.slice(atA))
    if (compareNodes(nextA, nextB) <= 0) {
      merged.push(nextA)
      atA++
    } else {
      merged.push(nextB)
      atB++
    }
  }
}
