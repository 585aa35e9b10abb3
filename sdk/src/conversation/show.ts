import { clockMs } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { isReplyIn, type About } from "./about.js"
import { countedEdits, keptText, type Edit } from "./edits.js"
import { noMentions, type Mention } from "./mention.js"
import type { MarkedText } from "./merge-text.js"
import type { Message, OwnRemark, Quote, Replies } from "./message.js"
import { messageStatusOf, segmentNumber, statusOf, type Node, type ProjectionPorts } from "./node.js"
import { noReactions, reactionsOf, type ReactionWord } from "./reactions.js"
import type { MessageRef } from "./said.js"

/** What a message's look takes from others. */
export interface Surroundings {
  readonly ports: ProjectionPorts
  readonly about: About | undefined
  readonly quoted: (ref: MessageRef) => Quote
}

const noRemarks: readonly OwnRemark[] = Object.freeze([])

/** A message as it is shown, with all that was said about it. */
export function showMessage(node: Node, author: UserId, { ports, about, quoted }: Surroundings): Message {
  const { entry, document, id, said } = node
  const erasure = ports.erasureOf(document, id)
  const readable = erasure === undefined && said?.kind === "message" ? said : undefined
  const edits = readable === undefined || about === undefined ? [] : editsOf(node, author, about, ports)
  const current = currentText(readable, edits, about)
  const mentions = current?.mentions ?? noMentions
  return {
    id,
    author,
    device: entry.device,
    sentAt: clockMs(entry.head.clock),
    text: current?.text,
    form: readable !== undefined ? "text" : erasure !== undefined || !node.hasBody ? "erased" : "unreadable",
    own: author === ports.user,
    status: messageStatusOf(node, author === ports.user, ports),
    rejection: node.rejection,
    erasedBy: erasure === undefined ? undefined : ports.authorOf(erasure.by),
    edited: editedBy(edits),
    mentions,
    mentionsMe: namesUser(mentions, ports.user),
    reactions: readable === undefined || about === undefined ? noReactions : reactionsTo(node, about, ports),
    quote: readable?.replyTo === undefined ? undefined : quoted(readable.replyTo),
    thread: readable?.thread?.id,
    replies: about === undefined ? undefined : repliesTo(node, about),
    forwardedFrom: readable?.forwardedFrom,
    unsent: about === undefined ? noRemarks : unsentOn(node, about, ports),
  }
}

function currentText(
  original: MarkedText | undefined,
  edits: readonly Edit[],
  about: About | undefined,
): MarkedText | undefined {
  // One edit is the text itself, and of what is erased nothing stays.
  const merged = original && edits.length > 1 ? keptText(original, edits, about?.text) : undefined
  if (about !== undefined) about.text = merged
  return merged?.text ?? edits[0] ?? original
}

/** The edits of a message that count, in their order. [SPEC M4] */
export function editsOf(node: Node, author: UserId, about: About, ports: ProjectionPorts): Edit[] {
  if (about.edits.size === 0 || isForwarded(node)) return []
  const edits: Edit[] = []
  for (const { id, document, entry, said, rejection } of about.edits) {
    if (said?.kind !== "edit" || document !== node.document || rejection !== undefined) continue
    if (ports.authorOf(entry.device) !== author) continue
    const hash = id.slice(id.indexOf(".") + 1) as Edit["hash"]
    edits.push({ ...said, id, hash, clock: entry.head.clock })
  }
  return countedEdits(edits)
}

function isForwarded({ said }: Node): boolean {
  return said?.kind === "message" && said.forwardedFrom !== undefined
}

function editedBy(edits: readonly Edit[]): Message["edited"] {
  const newest = edits.at(-1)
  return newest === undefined ? undefined : { at: clockMs(newest.clock), count: edits.length }
}

function namesUser(mentions: readonly Mention[], self: UserId): boolean {
  return mentions.some(({ user }) => user === null || user === self)
}

function reactionsTo(node: Node, about: About, ports: ProjectionPorts): Message["reactions"] {
  if (about.reactions.size === 0) return noReactions
  const words: ReactionWord[] = []
  for (const { id, document, entry, said, rejection } of about.reactions) {
    if (said?.kind !== "reaction" || document !== node.document || rejection !== undefined) continue
    const user = ports.authorOf(entry.device)
    if (user !== undefined) words.push({ id, clock: entry.head.clock, user, emoji: said.emoji, on: said.on })
  }
  return reactionsOf(words, ports.user)
}

/** The thread below a message; `counts`: what of it is to be counted. */
export function repliesTo(
  root: Node,
  about: About,
  counts: (message: Message) => boolean = () => true,
): Replies | undefined {
  let count = 0
  let lastAt = 0
  for (const node of about.thread) {
    const { message, rejection } = node
    // What was refused is its author's alone.
    if (!isReplyIn(node, root) || message === undefined || message.form === "erased" || rejection !== undefined)
      continue
    if (!counts(message)) continue
    count++
    lastAt = Math.max(lastAt, clockMs(node.entry.head.clock))
  }
  return count === 0 ? undefined : { count, lastAt }
}

function unsentOn(target: Node, about: About, ports: ProjectionPorts): readonly OwnRemark[] {
  const unsent: { readonly node: Node; readonly remark: OwnRemark }[] = []
  for (const nodes of [about.edits, about.reactions, about.erasures]) {
    for (const node of nodes) {
      const status = statusOf(node, ports)
      if (status === "sent" || node.document !== target.document) continue
      const shared = { id: node.id, status, rejection: node.rejection }
      const { said } = node
      if (said?.kind === "edit") unsent.push({ node, remark: { ...shared, kind: "edit", text: said.text } })
      else if (said?.kind === "reaction") {
        unsent.push({ node, remark: { ...shared, kind: "reaction", emoji: said.emoji, on: said.on } })
      } else if (node.erases !== undefined) unsent.push({ node, remark: { ...shared, kind: "erasure" } })
    }
  }
  if (unsent.length === 0) return noRemarks
  unsent.sort((a, b) => a.node.entry.head.clock - b.node.entry.head.clock)
  return unsent.map(({ remark }) => remark)
}

/** What a quote shows of the message that it points at. [SPEC M7] */
export function quoteOf(ref: MessageRef, target: Node | undefined): Quote {
  const message = target?.message
  if (target === undefined || message === undefined || segmentNumber(target.document) !== ref.segment) {
    return { state: "missing", id: ref.id }
  }
  const { author, sentAt, form, text } = message
  return { state: "ready", id: ref.id, author, sentAt, form, text }
}

/** Whether two looks of a message are the same in everything. */
export function sameMessage(a: Message, b: Message): boolean {
  for (const key in a) if (!sameValue(a[key as keyof Message], b[key as keyof Message])) return false
  return true
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}
