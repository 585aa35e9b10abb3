import { createStore, type Subscribable } from "../base/store.js"
import type { Conversation, ConversationListItem } from "./api.js"

/** The conversations with all that a list of them shows; followed while somebody subscribes. [SPEC U12] */
export class ConversationList implements Subscribable<readonly ConversationListItem[]> {
  private readonly store = createStore<readonly ConversationListItem[]>([], (listeners) => {
    if (listeners > 0) this.follow()
    else this.stop()
  })
  private readonly followed = new Map<Conversation, () => void>()
  private rows = new Map<Conversation, ConversationListItem>()
  private stopConversations: (() => void) | undefined
  private refreshing = false

  /** `changed` hears of each row that is shown anew. */
  constructor(
    private readonly conversations: Subscribable<readonly Conversation[]>,
    private readonly changed: (conversation: Conversation) => void,
  ) {}

  get(): readonly ConversationListItem[] {
    // Without subscribers nobody else refreshes it.
    if (this.stopConversations === undefined) this.refresh()
    return this.store.get()
  }

  subscribe(listener: (items: readonly ConversationListItem[]) => void): () => void {
    return this.store.subscribe(listener)
  }

  /** Whether somebody looks at it. */
  get isWatched(): boolean {
    return this.stopConversations !== undefined
  }

  private follow(): void {
    if (this.stopConversations !== undefined) return
    this.stopConversations = this.conversations.subscribe(() => {
      this.followAll()
      this.refreshSoon()
    })
    this.followAll()
    this.refresh()
  }

  private followAll(): void {
    const present = new Set(this.conversations.get())
    for (const [conversation, stop] of this.followed) {
      if (present.has(conversation)) continue
      stop()
      this.followed.delete(conversation)
    }
    const changed = (): void => {
      this.refreshSoon()
    }
    for (const conversation of present) {
      if (this.followed.has(conversation)) continue
      const { info, unread, settings, draft } = conversation
      const stops = [info, unread, settings, draft].map((part: Subscribable<unknown>) => part.subscribe(changed))
      this.followed.set(conversation, () => {
        for (const stop of stops) stop()
      })
    }
  }

  private stop(): void {
    this.stopConversations?.()
    this.stopConversations = undefined
    for (const stop of this.followed.values()) stop()
    this.followed.clear()
  }

  /** At most one new list in a turn. */
  private refreshSoon(): void {
    if (this.refreshing) return
    this.refreshing = true
    queueMicrotask(() => {
      this.refreshing = false
      if (this.stopConversations !== undefined) this.refresh()
    })
  }

  private refresh(): void {
    const conversations = this.conversations.get()
    const shown = this.rows
    this.rows = new Map(conversations.map((conversation) => [conversation, this.row(conversation)]))
    for (const [conversation, row] of this.rows) if (shown.get(conversation) !== row) this.changed(conversation)
    // Stable: they come in the order of their last activity.
    const rows = Array.from(this.rows.values()).sort(
      (a, b) => Number(b.settings.pinned) - Number(a.settings.pinned) || b.info.lastActivity - a.info.lastActivity,
    )
    const before = this.store.get()
    if (rows.length !== before.length || rows.some((row, index) => row !== before[index])) this.store.set(rows)
  }

  /** The same object until something of it changes. */
  private row(conversation: Conversation): ConversationListItem {
    const [info, unread, settings] = [conversation.info.get(), conversation.unread.get(), conversation.settings.get()]
    const draft = conversation.draft.get()
    const before = this.rows.get(conversation)
    const same =
      before?.info === info && before.unread === unread && before.settings === settings && before.draft === draft
    return same ? before : { conversation, info, unread, settings, draft }
  }
}
