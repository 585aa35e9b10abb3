import { WIRE_DIGEST_BYTES, equalBytes, type ConversationId, type DocumentName, type FrameOf } from "@weft/sdk/protocol"
import { compareDocuments, type DigestRow, type DigestTable } from "../document/digest-table.js"
import type { UserConversations } from "../document/user-index.js"

type Documents = FrameOf<"documents">

const noRegisters = new Uint8Array(WIRE_DIGEST_BYTES)

/** What a reader of everything, or a user, may compare. */
export interface Comparable {
  /** Undefined: not theirs, or not here; nobody is told which. */
  standing(conversation: ConversationId): "member" | "former" | undefined
  /** What is here of all that is theirs, but for the ones named. */
  others(named: ReadonlySet<ConversationId>): AsyncIterable<DigestRow>
}

export function comparableOf(list: UserConversations | undefined, digests: DigestTable): Comparable {
  if (list === undefined) {
    return {
      standing: () => "member",
      async *others(named) {
        for await (const row of digests.all()) if (!named.has(row.conversation)) yield row
      },
    }
  }
  return {
    standing: (id) => list.get(id),
    async *others(named) {
      for (const [id, standing] of list) if (standing === "member" && !named.has(id)) yield await digests.of(id)
    },
  }
}

/** What is held of a conversation, for whom that concerns. A former member sees the control document only. */
export function describe(row: DigestRow, standing: "member" | "former"): Documents {
  const { conversation, documents } = row
  const items = standing === "former" ? documents.filter(({ document }) => document.endsWith("/control")) : documents
  return { kind: "documents", conversation, registers: standing === "member" ? row.registers : noRegisters, items }
}

/** One round of digests, page by page; it ends with what the other side did not name. [SPEC S4] */
export class Comparison {
  /** Of what is theirs: however much a device names, there are no more than that. */
  readonly #named = new Set<ConversationId>()

  async *compare(frame: FrameOf<"digests">, with_: Comparable, digests: DigestTable): AsyncIterable<Documents> {
    for (const { conversation, digest } of frame.items) {
      const standing = with_.standing(conversation)
      if (standing === undefined) {
        yield { kind: "documents", conversation, registers: noRegisters, items: [] }
        continue
      }
      this.#named.add(conversation)
      const row = await digests.of(conversation)
      const own = standing === "member" ? row.root : undefined
      if (own === undefined || !equalBytes(own, digest)) yield describe(row, standing)
    }
    if (!frame.last) return
    for await (const row of with_.others(this.#named)) if (row.root !== undefined) yield describe(row, "member")
    this.#named.clear()
  }
}

/** Documents that differ between what is here and what the other side named: authority first, segments in order. */
export function differing(frame: Documents, row: DigestRow): DocumentName[] {
  const own = new Map(row.documents.map(({ document, digest }) => [document, digest]))
  const different = new Set(own.keys())
  for (const { document, digest } of frame.items) {
    const mine = own.get(document)
    if (mine !== undefined && equalBytes(mine, digest)) different.delete(document)
    else different.add(document)
  }
  return Array.from(different).sort(compareDocuments)
}
