import {
  reachedByAll,
  receiptsOf,
  type Addressed,
  type MessageReceipts,
  type Place,
  type ReceiptBook,
} from "../conversation/receipts.js"
import type { Copy } from "../conversation/unread.js"
import { threadName } from "../log/thread-name.js"
import type { ControlId, MessageId } from "../protocol/entry.js"
import { clientIdOf, documentParts, type DocumentName, type UserId } from "../protocol/names.js"
import type { ReplicaConversation } from "./conversation.js"

/** A message of this user's that is sealed. */
export interface OwnMessage {
  /** Every place where it stands; at least one. */
  readonly copies: readonly Copy[]
  /** Control entries that it saw. */
  readonly seen: readonly ControlId[]
  /** Of the thread that it belongs to. */
  readonly root: MessageId | undefined
}

interface OwnReceiptsPorts {
  readonly conversation: Pick<ReplicaConversation, "state">
  readonly user: UserId
  readonly blocked: () => ReadonlySet<UserId>
}

type Reached = ReturnType<typeof reachedByAll>

/** What this user's messages came to at their readers. [SPEC P8] */
export class OwnReceipts {
  readonly #book: ReceiptBook
  readonly #ports: OwnReceiptsPorts
  /** Of each segment's document, by log, thread and what was seen; void with every change. */
  readonly #reached = new Map<DocumentName, Map<string, Reached>>()
  /** What was seen, as one text: entries share the lists. */
  readonly #names = new WeakMap<readonly ControlId[], string>()

  constructor(book: ReceiptBook, ports: OwnReceiptsPorts) {
    this.#book = book
    this.#ports = ports
  }

  /** Something of what that follows from is another now: what readers said of logs in these segments, or anything. */
  review(segments?: ReadonlySet<number>): void {
    if (segments === undefined) this.#reached.clear()
    else for (const name of this.#reached.keys()) if (segments.has(segmentOf(name))) this.#reached.delete(name)
  }

  /** How far a message came. */
  statusOf(message: OwnMessage): "delivered" | "read" | undefined {
    const { copies, root, seen } = message
    const [copy] = copies
    if (copy === undefined || copies.length > 1) return this.#statusOfAny(message)
    let ofDocument = this.#reached.get(copy.document)
    if (ofDocument === undefined) this.#reached.set(copy.document, (ofDocument = new Map<string, Reached>()))
    const name = `${copy.log} ${root ?? ""} ${this.#nameOf(seen)}`
    let all = ofDocument.get(name)
    if (all === undefined) {
      const { conversation, user, blocked } = this.#ports
      all = reachedByAll(placeOf(copy), addressed(message), user, this.#book, conversation.state, blocked())
      ofDocument.set(name, all)
    }
    return copy.position < all.read ? "read" : copy.position < all.delivered ? "delivered" : undefined
  }

  #nameOf(seen: readonly ControlId[]): string {
    let name = this.#names.get(seen)
    if (name === undefined) this.#names.set(seen, (name = seen.join()))
    return name
  }

  /** One may have it from here, and another from there. */
  #statusOfAny(message: OwnMessage): "delivered" | "read" | undefined {
    const { delivered, read, waiting } = this.of(message)
    if (waiting.length > 0 || delivered.length === 0) return undefined
    return read.length < delivered.length ? "delivered" : "read"
  }

  /** Who has it and who read it. */
  of(message: OwnMessage): MessageReceipts {
    const { conversation, user, blocked } = this.#ports
    return receiptsOf(addressed(message), user, this.#book, conversation.state, blocked())
  }
}

function placeOf({ document, log, position }: Copy): Place {
  return { segment: segmentOf(document), client: clientIdOf(document, log), position }
}

function segmentOf(document: DocumentName): number {
  const parts = documentParts(document)
  return parts.kind === "segment" ? parts.segment : 0
}

function addressed({ copies, root, seen }: OwnMessage): Addressed {
  return { copies: copies.map(placeOf), thread: root && threadName(root), seen }
}
