import type { ConversationId } from "@weft/sdk/protocol"
import type { Client, Conversation } from "../../sdk/src/client/api.js"
import type { Replica } from "../../sdk/src/sync/replica.js"

/**
 * Members, as a device knows them now: of the conversation that takes what is written, where several are shown as one.
 * Undefined where it was not read.
 */
export function knownMembers(client: Client, conversation: Conversation): ReadonlySet<string> | undefined {
  const { isOpen, group } = conversation as unknown as {
    readonly isOpen: boolean
    readonly group: readonly ConversationId[]
  }
  const { replica } = (client as unknown as { readonly parts: { readonly replica: Replica } }).parts
  const held = replica.conversations.get().get(group[0] ?? conversation.id)
  return isOpen && held !== undefined ? new Set(held.state.members.keys()) : undefined
}
