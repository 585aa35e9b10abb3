import { targetOf } from "../log/erasure.js"
import { equalBytes } from "../protocol/bytes.js"
import { documentParts, parseConversationId, segmentDocument } from "../protocol/names.js"
import { indexRanges } from "../search/record.js"
import type { SearchIndex, SearchSource, SearchText, SegmentName, SegmentTexts } from "../search/search.js"
import type { Derived } from "../sync/compactor.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import type { Replica } from "../sync/replica.js"
import type { DocumentImprint } from "../sync/imprint.js"
import { segmentVersion, shortVersion } from "../sync/segment-version.js"
import { projectSegment, type SegmentReader } from "./segment-projection.js"

/** Takes what was erased out of a document's index, and says where that is stored. [SPEC X7] */
export function erasedInIndex(replica: Replica, index: SearchIndex): Derived {
  return async (name) => {
    const parts = documentParts(name)
    if (parts.kind !== "segment") return []
    const { document } = await replica.document(name)
    const erased = Array.from(document.summary.records.values(), (record) => targetOf(record))
    if (erased.length > 0) await index.erase(parts, erased)
    return indexRanges(parts.conversation)
  }
}

/** The texts of all conversations of a device, for the search. */
export function searchSource(replica: Replica, reader: SegmentReader): SearchSource {
  async function find({ conversation: id, segment }: SegmentName): Promise<[ReplicaConversation, ReplicaDocument]> {
    const parsed = parseConversationId(id)
    if (parsed === undefined) throw new TypeError("not a conversation's id")
    const conversation = await replica.conversation(parsed)
    return [conversation, await conversation.segment(segment)]
  }

  /** Of a segment that was not read. */
  function imprintOf({ conversation: id, segment }: SegmentName): DocumentImprint | undefined {
    const parsed = parseConversationId(id)
    return parsed && replica.imprintOf(parsed)?.documents.get(segmentDocument(parsed, segment))
  }

  async function read(name: SegmentName): Promise<SegmentTexts | undefined> {
    const [conversation, document] = await find(name)
    if (document.isAway) return undefined
    // before the entries: what comes meanwhile makes another version
    const version = segmentVersion(conversation, document, reader)
    const { projection } = await projectSegment(conversation, document, reader)
    const texts = projection.items.flatMap(({ id, author: by, sentAt, text }): SearchText[] =>
      text === undefined ? [] : [{ id, author: by, sentAt, text }],
    )
    return { ...name, version, texts }
  }

  return {
    segments: async () =>
      replica.ids
        .flatMap((conversation) => replica.segmentsOf(conversation).map((segment) => ({ conversation, segment })))
        .sort((a, b) => b.segment - a.segment),
    isInLine: async (name, version) => {
      const imprint = imprintOf(name)
      if (imprint !== undefined) return equalBytes(imprint.version, shortVersion(version))
      return segmentVersion(...(await find(name)), reader) === version
    },
    read,
    watch: (changed) =>
      replica.changes.on(({ conversation, change }) => {
        if (change.kind === "control") {
          for (const segment of conversation.segmentNumbers) changed({ conversation: conversation.id, segment }, [])
        }
        if (change.kind !== "document") return
        const parts = documentParts(change.document.name)
        if (parts.kind !== "segment") return
        const erased = change.change.kind === "records" ? change.change.records.map((record) => targetOf(record)) : []
        changed({ conversation: conversation.id, segment: parts.segment }, erased)
      }),
  }
}
