import type { Entry } from "../log/check.js"
import type { Draft } from "../log/draft.js"
import type { ErasedKind } from "../log/erasure.js"
import { compareText } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { Head, MessageId } from "../protocol/entry.js"
import type { DeviceId, DocumentName, UserId } from "../protocol/names.js"
import type { Message, MessageStatus } from "./message.js"
import type { Said } from "./said.js"

/** What a valid erase record, or an own one that is on its way, says of an entry. */
export interface Erasure {
  readonly kind: ErasedKind
  readonly by: DeviceId
}

/** What the projection asks about entries; it holds none of it itself. */
export interface ProjectionPorts {
  readonly user: UserId
  readonly device: DeviceId
  /** Whom a device writes for; undefined where it is not introduced: nothing of it is shown. [SPEC A] */
  authorOf(device: DeviceId): UserId | undefined
  /** Elements of an own log that a server made durable. */
  acknowledged(document: DocumentName, log: Entry["log"]): number
  erasureOf(document: DocumentName, message: MessageId): Erasure | undefined
  /** How far an own message came at its readers. [SPEC P8] */
  receivedBy(node: Node): "delivered" | "read" | undefined
  isDurable(document: DocumentName, draft: Draft): boolean
  /** Whether this device has a segment of that number, read or not. */
  hasSegment(segment: number): boolean
}

/** What an entry is to the list: a message of it, a remark on one, an own erasure under way, or nothing to see. */
export type Part = "message" | "remark" | "erasure" | "nothing"

/** What is kept of an entry that was read: what its body says is beside it, and its hashes are in its id. */
export interface ReadEntry extends Pick<Entry, "log" | "device" | "position" | "seen"> {
  readonly head: Pick<Head, "class" | "clock">
}

/** One entry of class message, or an own erasure, with all copies of it that are known. */
export interface Node {
  readonly id: MessageId
  document: DocumentName
  /** The first copy in order: it decides the place. */
  entry: ReadEntry
  /** Undefined where it can't be read, or where its body is gone. */
  said: Said | undefined
  hasBody: boolean
  /** What an own erase entry erases. */
  readonly erases: MessageId | undefined
  draft: Draft | undefined
  rejection: RefusalCode | undefined
  part: Part
  /** Whether it stands in the list. */
  inOrder: boolean
  /** As it is shown; of messages only. */
  message: Message | undefined
}

/** What decides where a node stands. */
export type Place = Pick<Node, "entry" | "document">

/** The order of messages; entries of one place in two segments are told apart by the segment. [SPEC E8] */
export function compareNodes(a: Place, b: Place): number {
  return compareEntries(a.entry, b.entry) || compareText(a.document, b.document)
}

export function compareEntries(a: ReadEntry, b: ReadEntry): number {
  return a.head.clock - b.head.clock || compareText(a.log, b.log) || a.position - b.position
}

export function partOf(node: Node, erasure: Erasure | undefined): Part {
  if (node.entry.head.class === "erase") return "erasure"
  // What is erased is known by its record alone, so that whoever never saw the body shows the same. [SPEC M8]
  if (erasure !== undefined) return erasure.kind === "message" ? "message" : "nothing"
  switch (node.said?.kind) {
    case undefined:
    case "message":
      return "message"
    case "edit":
    case "reaction":
      return "remark"
    case "unknown":
      return "nothing"
  }
}

export function statusOf(
  { entry, draft, document, rejection }: Pick<Node, "entry" | "draft" | "document" | "rejection">,
  ports: ProjectionPorts,
): MessageStatus {
  if (rejection !== undefined) return "rejected"
  if (draft !== undefined) return ports.isDurable(document, draft) ? "saved" : "saving"
  if (entry.device !== ports.device) return "sent"
  return entry.position < ports.acknowledged(document, entry.log) ? "sent" : "saved"
}

/** The same of a message, whose readers say more: what one of them has was sent, whoever carried it. */
export function messageStatusOf(node: Node, own: boolean, ports: ProjectionPorts): MessageStatus {
  const isSealed = node.rejection === undefined && node.draft === undefined
  const received = own && isSealed ? ports.receivedBy(node) : undefined
  return received ?? statusOf(node, ports)
}

/** The root of the thread that a message belongs to. */
export function threadOf({ said }: Node): MessageId | undefined {
  return said?.kind === "message" ? said.thread?.id : undefined
}

/** The number in a segment's name. */
export function segmentNumber(document: DocumentName): number {
  return Number(document.slice(document.lastIndexOf("/") + 1))
}
