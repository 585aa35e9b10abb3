import { createStore } from "../base/store.js"
import type { ConversationId } from "../protocol/names.js"
import type { AccountHandle } from "./account.js"
import type { Conversation } from "./api.js"
import { ConversationList } from "./conversation-list.js"
import type { ConversationHandle } from "./conversation.js"

/** The conversations that are shown: all, those that the user wants listed, and the others. [SPEC U12] */
export class ShownConversations {
  readonly all = createStore<readonly Conversation[]>([])
  readonly list: ConversationList
  readonly unlisted: ConversationList
  private readonly listedStore = createStore<readonly Conversation[]>([])
  private readonly unlistedStore = createStore<readonly Conversation[]>([])
  /** Those that the user was seen to be out of. */
  private readonly out = new Set<ConversationId>()

  /** `changed` hears of each whose row is another now. */
  constructor(changed: (id: ConversationId) => void) {
    const rowChanged = ({ id }: Conversation): void => {
      changed(id)
    }
    this.list = new ConversationList(this.listedStore, rowChanged)
    this.unlisted = new ConversationList(this.unlistedStore, rowChanged)
  }

  show(shown: readonly ConversationHandle[], account: Pick<AccountHandle, "get">): void {
    const state = account.get()
    const groups = [
      [this.all, shown],
      [this.listedStore, shown.filter((handle) => handle.isListed(state))],
      [this.unlistedStore, shown.filter((handle) => !handle.isListed(state))],
    ] as const
    for (const [store, handles] of groups) {
      const before = store.get()
      if (before.length !== handles.length || handles.some((handle, index) => handle !== before[index]))
        store.set(handles)
    }
  }

  /** Who is a member again has it listed again. */
  relist(shown: readonly ConversationHandle[], account: Pick<AccountHandle, "forgetUnlisted">): void {
    for (const { id, info, settings } of shown) {
      const { membership } = info.get()
      if (membership === "left" || membership === "removed") this.out.add(id)
      // What this device never saw the user out of may just have been left on another.
      else if (membership === "member" && this.out.delete(id) && settings.get().listed === false)
        account.forgetUnlisted(id)
    }
  }
}
