import type { Env } from "../base/env.js"
import { erasuresOf } from "../conversation/erasures.js"
import { Projection } from "../conversation/projection.js"
import { draftHash } from "../log/draft.js"
import { targetOf } from "../log/erasure.js"
import { digestOf } from "../log/summary.js"
import { hex } from "../protocol/bytes.js"
import { parseConversationId, type DeviceId, type UserId } from "../protocol/names.js"
import { deviceOf, documentParts } from "../protocol/names.js"
import type { SearchSource, SearchText, SegmentName, SegmentTexts } from "../search/search.js"
import { Turns } from "../search/turns.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import { recordOfDraft } from "../sync/erase-draft.js"
import type { Replica } from "../sync/replica.js"

/** Entries that are projected between two looks at the clock. */
const PORTION = 64

/** The texts of all conversations of a device, for the search. */
export function searchSource(replica: Replica, user: UserId, device: DeviceId, env: Env): SearchSource {
  const author = (conversation: ReplicaConversation, of: DeviceId): UserId | undefined => {
    const known = conversation.state.devices.get(of)
    return known?.certified === true ? known.user : of === device ? user : undefined
  }

  async function find({ conversation: id, segment }: SegmentName): Promise<[ReplicaConversation, ReplicaDocument]> {
    const parsed = parseConversationId(id)
    if (parsed === undefined) throw new TypeError("not a conversation's id")
    const conversation = await replica.conversation(parsed)
    return [conversation, await conversation.segment(segment)]
  }

  /** What its texts follow from: entries, records, drafts, and whom its devices write for. */
  const versionOf = (conversation: ReplicaConversation, document: ReplicaDocument): string => {
    const { summary, drafts } = document
    const authors = Array.from(summary.logs.values(), ({ log }) => author(conversation, deviceOf(log)) ?? "").sort()
    const isMember = conversation.state.members.has(user) || conversation.state.everMembers.has(user)
    return JSON.stringify([hex(digestOf(summary)), drafts.map(draftHash), Array.from(new Set(authors)), isMember])
  }

  async function read(name: SegmentName): Promise<SegmentTexts> {
    const [conversation, document] = await find(name)
    // before the entries: what comes meanwhile makes another version
    const version = versionOf(conversation, document)
    const drafts = document.drafts.flatMap((draft) => recordOfDraft(draft) ?? [])
    const erasures = erasuresOf([...document.summary.records.values(), ...drafts])
    const projection = new Projection({
      user,
      device,
      authorOf: (of) => author(conversation, of),
      acknowledged: () => 0,
      receivedBy: () => undefined,
      erasureOf: (_document, message) => erasures.get(message),
      isDurable: () => true,
      hasSegment: (segment) => conversation.hasSegment(segment),
    })
    const entries = await document.entries()
    const turns = new Turns(env)
    for (let from = 0; from < entries.length; from += PORTION) {
      projection.add(document.name, entries.slice(from, from + PORTION))
      await turns.next()
    }
    projection.addDrafts(document.name, document.drafts)
    const texts = projection.items.flatMap(({ id, author: by, sentAt, text }): SearchText[] =>
      text === undefined ? [] : [{ id, author: by, sentAt, text }],
    )
    return { ...name, version, texts }
  }

  return {
    segments: async () =>
      Array.from(replica.conversations.get().values())
        .flatMap((conversation) =>
          conversation.segmentNumbers.map((segment) => ({ conversation: conversation.id, segment })),
        )
        .sort((a, b) => b.segment - a.segment),
    version: async (name) => versionOf(...(await find(name))),
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
