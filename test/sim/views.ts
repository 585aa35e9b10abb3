import { conversationOf, equalBytes, type ConversationId, type MessageId, type UserId } from "@weft/sdk/protocol"
import type { Client, Conversation } from "../../sdk/src/client/api.js"
import type { ConversationView } from "../../sdk/src/client/view.js"
import type { Message, MessageList } from "../../sdk/src/conversation/message.js"
import { segmentNumber } from "../../sdk/src/conversation/node.js"
import type { Subscribable } from "../../sdk/src/base/store.js"
import type { LiveSearch } from "../../sdk/src/search/live-search.js"
import type { AccountReplica } from "../../sdk/src/sync/account-replica.js"
import type { Replica } from "../../sdk/src/sync/replica.js"
import { serverDocuments } from "./contents.js"
import type { SimDevice, SimTab } from "./sim-device.js"
import type { Stage } from "./stage.js"

/** A conversation on the screen of a member. */
export interface View {
  readonly device: SimDevice
  readonly tab: SimTab
  readonly client: Client
  readonly conversation: Conversation
  /** All that is said in it, also what its reader hides. */
  readonly items: readonly Message[]
}

/** The conversation on all screens of its members, but for devices that nobody can let in any more. */
export function viewsOf(stage: Stage, id: ConversationId): View[] {
  return stage.devices.flatMap((device) =>
    device.tabs.flatMap((tab) => {
      const { client } = tab
      const conversation = client?.conversation(id)
      if (client === undefined || conversation?.info.get().role === undefined) return []
      if (isShutOut(stage, client, id)) return []
      return [{ device, tab, client, conversation, items: allItems(conversation) }]
    }),
  )
}

/**
 * Whether nobody can introduce a device in a conversation: all servers lost the keys that it trusts, and no device of an
 * owner's is introduced that could add those of now. What it writes there waits. [SPEC A, limits]
 */
export function isShutOut({ servers }: Stage, client: Client, id: ConversationId): boolean {
  const held = replicaOf(client).conversations.get().get(id)
  if (held === undefined || held.isIntroduced || !held.isMember) return false
  const { trust, devices, members } = held.state
  const keys = servers.flatMap(({ core }) => core?.publicKey ?? [])
  const isTrusted = keys.some((key) => trust.some((other) => equalBytes(key, other)))
  const mayTrust = Array.from(devices.values()).some(
    ({ user, certified }) => certified && members.get(user)?.role === "owner",
  )
  return !isTrusted && !mayTrust && keys.length === servers.length
}

/** Those that anybody opened, as far as a server, or who opened it, knows of it. */
export function conversationsOf(stage: Stage): ConversationId[] {
  const ids = new Set(stage.conversations)
  for (const { disk } of stage.servers) for (const name of serverDocuments(disk)) ids.add(conversationOf(name))
  return Array.from(ids)
}

/** What is shown of a conversation, without asking for more than is. */
export function shownItems(conversation: Conversation): readonly Message[] {
  return isRead(conversation) ? conversation.messages.get().items : []
}

/** Whether it was read, and not only listed. */
export function isRead(conversation: Conversation): boolean {
  return (conversation as unknown as { readonly isOpen: boolean }).isOpen
}

/** Reads all that are shown as one with it: they come one after the other. */
export async function readGroup(client: Client, conversation: Conversation): Promise<void> {
  const { handles } = client as unknown as { readonly handles: { open(id: ConversationId): Promise<unknown> } }
  await Promise.all(groupOf(conversation).map((id) => handles.open(id)))
}

/** All that are shown as one with it; the first takes what is written. */
function groupOf(conversation: Conversation): readonly ConversationId[] {
  return (conversation as unknown as { readonly group: readonly ConversationId[] }).group
}

/** What is loaded of a conversation before anything is hidden from its reader. */
export function allItems(conversation: Conversation): readonly Message[] {
  const { inner } = conversation as unknown as {
    readonly inner?: { readonly merged: { readonly list: Subscribable<MessageList> } }
  }
  return inner?.merged.list.get().items ?? []
}

/** The first segment of a conversation's list. */
export function listedFrom(conversation: Conversation): number {
  return viewOf(conversation)?.oldestListed ?? Infinity
}

/** The segment that a message that was read stands in. */
export function segmentOf(conversation: Conversation, id: MessageId): number {
  const node = viewOf(conversation)?.projection.node(id)
  return node === undefined ? Infinity : segmentNumber(node.document)
}

/** Whether what a message's author knew of somebody turned out to be otherwise: who was added, or removed, was not, or was. */
export function isRevised({ client, conversation }: View, id: MessageId, user: UserId): boolean {
  return groupOf(conversation).some((one) => {
    const state = replicaOf(client).conversations.get().get(one)?.state
    const handle = client.conversation(one)
    const seen = handle && viewOf(handle)?.projection.node(id)?.entry.seen
    if (state === undefined || seen === undefined) return false
    return state.standingIn(user, seen)?.kind !== state.standingAlone(user, seen)?.kind
  })
}

function viewOf(conversation: Conversation): ConversationView | undefined {
  return (conversation as unknown as { readonly inner?: { readonly view: ConversationView } }).inner?.view
}

/** Whether several conversations are shown as this one. */
export function isMerged(conversation: Conversation): boolean {
  return groupOf(conversation).length > 1
}

/** Whether its list shows all that is known, after it was read, and waits for no segment that is away. */
export function isShown(conversation: Conversation): boolean {
  const { inner } = conversation as unknown as {
    readonly inner?: {
      readonly siblings: readonly {
        readonly view: { readonly isSettled: boolean; readonly awaited: ReadonlySet<number> }
      }[]
    }
  }
  return inner?.siblings.every(({ view }) => view.isSettled && view.awaited.size === 0) === true
}

export function replicaOf(client: Client): Replica {
  return (client as unknown as { readonly parts: { readonly replica: Replica } }).parts.replica
}

/** Whether what was changed in who may do what there is on the disk: while that is full it is in memory alone, and says so. */
export function isAuthoritySaved(client: Client, id: ConversationId): boolean {
  return replicaOf(client).conversations.get().get(id)?.controlDocument.hasUnsaved !== true
}

export function accountOf(client: Client): AccountReplica {
  return (client as unknown as { readonly parts: { readonly account: AccountReplica } }).parts.account
}

/** Whether its search index may hold what was erased: what a full disk did not take is tried again. */
export function indexHoldsErased(client: Client): boolean {
  return (client as unknown as { readonly liveSearch: LiveSearch }).liveSearch.holdsErased
}
