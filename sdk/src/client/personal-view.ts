import { createStore, type Subscribable } from "../base/store.js"
import type { Message, MessageList } from "../conversation/message.js"
import {
  readUpTo,
  unread,
  type Copy,
  type ReadPositions,
  type Unread,
  type UnreadInput,
} from "../conversation/unread.js"
import type { MessageId } from "../protocol/entry.js"
import type { ConversationId, UserId } from "../protocol/names.js"
import type { AccountHandle } from "./account.js"
import type { AccountState, ConversationSettings } from "./account-api.js"

interface PersonalPorts {
  readonly account: AccountHandle
  readonly user: UserId
  /** All messages, of one conversation or of several that are shown as one. */
  readonly list: Subscribable<MessageList>
  /** Where a message stands in logs. */
  placesOf(id: MessageId): readonly Copy[]
}

const nothing: Unread = { count: 0, mentions: 0, late: [], first: undefined }

/** A conversation as its reader wants it: without what is hidden or by blocked people, and what of it is unread. [SPEC U10] */
export class PersonalView {
  readonly messages
  readonly settings
  readonly unread: Subscribable<Unread>
  private readonly unreadStore
  /** Whether somebody is told of what is unread; else it is counted when it is asked for. */
  private watched = false
  private counted = false
  private readonly stopListening: (() => void)[]

  constructor(
    private readonly id: ConversationId,
    private readonly ports: PersonalPorts,
  ) {
    this.messages = createStore<MessageList>(ports.list.get())
    this.settings = createStore<ConversationSettings>(ports.account.settings(id))
    this.unreadStore = createStore<Unread>(nothing, (listeners) => {
      this.watched = listeners > 0
      if (this.watched) this.count()
    })
    this.unread = {
      get: () => {
        if (!this.counted) this.count()
        return this.unreadStore.get()
      },
      subscribe: (listener) => this.unreadStore.subscribe(listener),
    }
    const refresh = (): void => {
      this.refresh()
    }
    this.stopListening = [ports.list.subscribe(refresh), ports.account.subscribe(refresh)]
  }

  /** Returns how far each log was read by that. */
  markRead(upTo?: MessageId): ReadPositions {
    const inputs = this.inputs(this.ports.list.get().items)
    const last = upTo ?? inputs.at(-1)?.id
    const read: ReadPositions = last === undefined ? new Map() : readUpTo(inputs, last)
    if (last !== undefined) this.ports.account.markRead(this.id, read)
    return read
  }

  close(): void {
    for (const stop of this.stopListening) stop()
  }

  private refresh(): void {
    const { account } = this.ports
    const list = this.ports.list.get()
    const state = account.get()
    const items = list.items.filter((message) => isShown(message, state))
    const same = items.length === list.items.length
    const before = this.messages.get()
    if (same) this.messages.set(list)
    else if (before.state !== list.state || before.complete !== list.complete || !sameItems(before.items, items)) {
      this.messages.set({ ...list, items })
    }
    const settings = account.settings(this.id)
    if (!equal(settings, this.settings.get())) this.settings.set(settings)
    this.counted = false
    if (this.watched) this.count()
  }

  private count(): void {
    const { account, user } = this.ports
    const next = unread(this.inputs(this.messages.get().items), {
      user,
      readCount: (document, log) => account.readCount(document, log),
      mark: this.settings.get().unreadFrom,
    })
    this.counted = true
    if (!equal(next, this.unreadStore.get())) this.unreadStore.set(next)
  }

  /** Own messages on their way stand in no log yet. */
  private inputs(items: readonly Message[]): UnreadInput[] {
    return items.map(({ id, author, mentionsMe }) => ({ id, author, mentionsMe, copies: this.ports.placesOf(id) }))
  }
}

function isShown({ id, author }: Message, { hidden, blocked }: AccountState): boolean {
  return !hidden.has(id) && !blocked.has(author)
}

function sameItems(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
