import { WIRE_DIGEST_BYTES, equalBytes, type ConversationId, type DocumentName, type FrameOf } from "@weft/sdk/protocol"
import { compareDocuments, type DigestTable } from "../document/digest-table.js"
import type { UserConversations } from "../document/user-index.js"

type Documents = FrameOf<"documents">

const noRegisters = new Uint8Array(WIRE_DIGEST_BYTES)

/** What a reader of everything, or a user, may compare. */
export interface Comparable {
  /** Undefined: not theirs, or not here; nobody is told which. */
  standing(conversation: ConversationId): "member" | "former" | undefined
  conversations(): Iterable<ConversationId>
}

export function comparableOf(list: UserConversations | undefined, digests: DigestTable): Comparable {
  if (list === undefined) return { standing: () => "member", conversations: () => digests.conversations() }
  return { standing: (id) => list.get(id), conversations: () => list.keys() }
}

/** What is held of a conversation, for whom that concerns. A former member sees the control document only. */
export function describe(
  conversation: ConversationId,
  standing: "member" | "former" | undefined,
  digests: DigestTable,
): Documents {
  const documents = standing === undefined ? [] : digests.documents(conversation)
  const items = standing === "former" ? documents.filter(({ document }) => document.endsWith("/control")) : documents
  const registers = standing === "member" ? digests.registers(conversation) : noRegisters
  return { kind: "documents", conversation, registers, items }
}

/** One round of digests, page by page; it ends with what the other side did not name. [SPEC S4] */
export class Comparison {
  readonly #named = new Set<ConversationId>()

  get named(): number {
    return this.#named.size
  }

  *compare(frame: FrameOf<"digests">, with_: Comparable, digests: DigestTable): Iterable<Documents> {
    for (const { conversation, digest } of frame.items) {
      this.#named.add(conversation)
      const standing = with_.standing(conversation)
      const own = standing === "member" ? digests.root(conversation) : undefined
      if (own === undefined || !equalBytes(own, digest)) yield describe(conversation, standing, digests)
    }
    if (!frame.last) return
    for (const conversation of with_.conversations()) {
      if (this.#named.has(conversation) || with_.standing(conversation) !== "member") continue
      if (digests.root(conversation) !== undefined) yield describe(conversation, "member", digests)
    }
    this.#named.clear()
  }
}

/** Documents that differ between what is here and what the other side named: authority first, segments in order. */
export function differing(frame: Documents, digests: DigestTable): DocumentName[] {
  const own = new Map(digests.documents(frame.conversation).map(({ document, digest }) => [document, digest]))
  const different = new Set(own.keys())
  for (const { document, digest } of frame.items) {
    const mine = own.get(document)
    if (mine !== undefined && equalBytes(mine, digest)) different.delete(document)
    else different.add(document)
  }
  return Array.from(different).sort(compareDocuments)
}
