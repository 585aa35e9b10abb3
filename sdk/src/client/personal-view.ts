import { createStore, type Subscribable } from "../base/store.js"
import type { Message, MessageList, Reaction, Replies } from "../conversation/message.js"
import { Counted, CountedList } from "../conversation/counted.js"
import {
  compareCopies,
  isRead,
  positionsOf,
  readBelow,
  readUpTo,
  unread,
  type PlacedCopy,
  type ReadCount,
  type ReadPositions,
  type Unread,
} from "../conversation/unread.js"
import { clockMs, type Clock, type MessageId } from "../protocol/entry.js"
import type { DocumentName, UserId } from "../protocol/names.js"
import type { AccountHandle } from "./account.js"
import type { AccountState } from "./account-api.js"
import { isShown } from "./visibility.js"

interface PersonalPorts {
  /** What was told to be unread the last time: it stands until it was counted. */
  readonly told: Unread
  readonly account: AccountHandle
  readonly user: UserId
  /** All messages, of one conversation or of several that are shown as one. */
  readonly list: Subscribable<MessageList>
  /** Where a message stands in logs: an array that grows with it. Own messages on their way stand in none yet. */
  placesOf(id: MessageId): readonly PlacedCopy[]
  /** Messages of segments before the list; the list's may be older. */
  earlier(): readonly Counted[]
  /** Whether those were looked at. */
  isEarlierCounted(): boolean
  /** Which of the conversations that are shown as one a document is of. */
  rankOf(document: DocumentName): number
  isListed(id: MessageId): boolean
  /** The thread below a message, of those of its messages that count. */
  replies(root: MessageId, counts: (message: Message) => boolean): Replies | undefined
  /** From here on the user wants to see everything as unread, outside of threads or in one. */
  markOf(thread: MessageId | undefined): MessageId | undefined
  /** Whether what stands there is for this user, by what is known of members now. [SPEC P8] */
  isFor(copy: PlacedCopy): boolean
  /** Whether what comes below what was read on this device meanwhile is read. */
  isCatchingUp(): boolean
  /** What was read so of the one conversation, whatever others are shown with it. */
  readonly readCountHere: ReadCount
  passOver(read: ReadPositions, thread: MessageId | undefined): void
  /** Somebody wants to know what is unread before the list. */
  lookEarlier(): void
}

/** Views that show several conversations as one share what they found: no two of them count alike. */
let authorities = 0

/** A conversation as its reader wants it: without what is hidden or by blocked people, and what of it is unread. [SPEC U10] */
export class PersonalView {
  readonly messages
  readonly unread: Subscribable<Unread>
  private readonly unreadStore
  /** Whether somebody is told of what is unread; else it is counted when it is asked for. */
  private watched = false
  private counted = false
  /** Of all that changed who is a member, and since when, the last. */
  private authority = 0
  private readonly listed: CountedList
  /** Messages that have to do with what the reader hides, as they are shown instead. */
  private readonly looks = new WeakMap<Message, Message>()
  private readonly stopListening: (() => void)[]

  constructor(private readonly ports: PersonalPorts) {
    this.listed = new CountedList((message) => ports.placesOf(message))
    this.messages = createStore<MessageList>(ports.list.get())
    this.unreadStore = createStore<Unread>({ ...ports.told, counted: false }, (listeners) => {
      this.watched = listeners > 0
      if (!this.watched) return
      this.ports.lookEarlier()
      this.count()
    })
    this.unread = {
      get: () => {
        if (!this.counted || !ports.isEarlierCounted()) this.count()
        return this.unreadStore.get()
      },
      subscribe: (listener) => this.unreadStore.subscribe(listener),
    }
    const refresh = (): void => {
      this.refresh()
    }
    this.stopListening = [ports.list.subscribe(refresh), ports.account.subscribe(refresh)]
  }

  /**
   * How far each log is read where everything up to a message was, outside of threads or in one; undefined where that is
   * none of the list.
   */
  positionsUpTo(upTo?: MessageId, root?: MessageId): ReadPositions | undefined {
    const { blocked } = this.ports.account.get()
    // What is hidden was seen once; what blocked people write never was.
    const inputs = this.all().filter(({ thread, author }) => thread === root && !blocked.has(author))
    // By default of all: there may be none, as where a list holds the replies of a thread alone.
    if (upTo === undefined) return positionsOf(inputs)
    if (!inputs.some(({ id }) => id === upTo)) return undefined
    return readUpTo(inputs, upTo, this.readNow())
  }

  /** The clock of a message of the list; Infinity where it stands in no log yet. */
  clockOf(id: MessageId): Clock {
    return this.all().find((message) => message.id === id)?.first?.clock ?? (Infinity as Clock)
  }

  /** The clock of the last message, outside of threads, that was read on this device while it caught up; 0: none was. */
  get readHereUpTo(): Clock {
    const isReadHere = (message: Counted): boolean => isRead(message, this.ports.readCountHere)
    const last = this.all()
      .filter((message) => message.thread === undefined && isReadHere(message))
      .at(-1)
    return last?.first?.clock ?? (0 as Clock)
  }

  /** Messages as their reader wants them: without those that are hidden; the same array where nothing is. [SPEC U11] */
  shown(items: readonly Message[]): readonly Message[] {
    const state = this.ports.account.get()
    if (hidesNothing(state)) return items
    const shown = shownOf(items, state)
    const looks = shown.map((message) => this.look(message))
    return looks.every((message, index) => message === shown[index]) ? shown : looks
  }

  /** A message without what its reader hides: in its thread's count, its quote, its reactions; or itself. [SPEC U11] */
  look(message: Message): Message {
    const state = this.ports.account.get()
    if (hidesNothing(state)) return message
    const look = isShown(message, state) ? this.without(message, state) : hiddenLook(message)
    if (look === message) return message
    const before = this.looks.get(message)
    if (before !== undefined && equal(before, look)) return before
    this.looks.set(message, look)
    return look
  }

  private without(message: Message, state: AccountState): Message {
    const { id, quote, reactions } = message
    const replies = message.replies && this.ports.replies(id, (reply) => isShown(reply, state))
    const isQuoteShown = quote?.state !== "ready" || isShown(quote, state)
    const given = reactions.some(({ users }) => users.some((user) => state.blocked.has(user)))
      ? reactions.flatMap((reaction) => withoutUsers(reaction, state.blocked))
      : reactions
    if (sameReplies(message.replies, replies) && isQuoteShown && given === reactions) return message
    return { ...message, replies, reactions: given, quote: isQuoteShown ? quote : { state: "hidden", id: quote.id } }
  }

  /** Whether somebody is told of what is unread. */
  get isWatched(): boolean {
    return this.watched
  }

  /** Whether all that this device has was looked at for what was told last. */
  get isCounted(): boolean {
    return this.unreadStore.get().counted
  }

  /** Counts again, as what is before the list changed. */
  recount(): void {
    if (this.ports.isCatchingUp()) this.passOver()
    this.countAgain()
  }

  /** Counts again, as something may be for this user that was not, or the other way. */
  reviewAuthority(): void {
    this.authority = ++authorities
    this.countAgain()
  }

  private countAgain(): void {
    this.counted = false
    if (this.watched) this.count()
  }

  /** What came below what was read on this device while it caught up is read, in threads too. [SPEC U10] */
  passOver(): void {
    const { blocked } = this.ports.account.get()
    const all = this.all()
    const read = readBelow(blocked.size === 0 ? all : all.filter(({ author }) => !blocked.has(author)), {
      isRead: this.readNow(),
      isReadHere: (message) => isRead(message, this.ports.readCountHere),
    })
    for (const [thread, positions] of read) this.ports.passOver(positions, thread)
  }

  close(): void {
    for (const stop of this.stopListening) stop()
  }

  /** Whether a message was read, on any device, as of now. */
  private readNow(): (message: Counted) => boolean {
    const { account } = this.ports
    const { readVersion } = account
    const readCount: ReadCount = (...place) => account.readCount(...place)
    return (message) => message.isRead(readCount, readVersion)
  }

  private refresh(): void {
    const list = this.ports.list.get()
    const items = this.shown(list.items)
    const same = items === list.items
    const before = this.messages.get()
    if (same) this.messages.set(list)
    else if (before.state !== list.state || before.complete !== list.complete || !sameItems(before.items, items)) {
      this.messages.set({ ...list, items })
    }
    this.recount()
  }

  private count(): void {
    const next = this.next()
    this.counted = true
    if (!sameUnread(next, this.unreadStore.get())) this.unreadStore.set(next)
  }

  private next(): Unread {
    const { account, user } = this.ports
    const counted = this.ports.isEarlierCounted()
    // A part is no answer: the number stands that was told.
    if (!counted) return { ...this.unreadStore.get(), counted }
    const state = account.get()
    const isFor = (copy: PlacedCopy): boolean => this.ports.isFor(copy)
    const found = unread(this.join(this.ports.earlier(), this.all()), {
      user,
      isRead: this.readNow(),
      isFor: (message) => message.isFor(isFor, this.authority),
      isShown: (message) => isShown(message, state),
      markOf: (thread) => this.ports.markOf(thread),
    })
    return { ...found, counted }
  }

  /** Each message once, in order, wherever it stands: people may write into an older segment while others are in the next. */
  private join(earlier: readonly Counted[], listed: readonly Counted[]): readonly Counted[] {
    if (earlier.length === 0) return listed
    const twice = new Set(earlier.flatMap(({ id }) => (this.ports.isListed(id) ? id : [])))
    if (twice.size === 0) return this.inOrder(earlier.concat(listed))
    const once = listed.filter(({ id }) => !twice.has(id))
    const joined = earlier.map((message) => {
      if (!twice.has(message.id)) return message
      return new Counted(message, [...message.copies, ...this.ports.placesOf(message.id)])
    })
    return this.inOrder(joined.concat(once))
  }

  /** As the list would show them. */
  private inOrder(messages: readonly Counted[]): readonly Counted[] {
    const rankOf = (document: DocumentName): number => this.ports.rankOf(document)
    const compare = (a: Counted, b: Counted): number => {
      const [one, other] = [a.first, b.first]
      // Own messages on their way are nobody's to read.
      if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined)
      const apart = clockMs(one.clock) - clockMs(other.clock) || rankOf(one.document) - rankOf(other.document)
      return apart || compareCopies(one, other)
    }
    const isSorted = messages.every((message, index) => {
      const before = messages[index - 1]
      return before === undefined || compare(before, message) <= 0
    })
    return isSorted ? messages : Array.from(messages).sort(compare)
  }

  /** Of the list, with what is hidden or by blocked people. */
  private all(): readonly Counted[] {
    return this.listed.of(this.ports.list.get().items)
  }
}

/** Those that are not hidden, nor by blocked people: the same array where all of them are. */
function shownOf<T extends Pick<Message, "id" | "author">>(items: readonly T[], state: AccountState): readonly T[] {
  if (hidesNothing(state)) return items
  const shown = items.filter((item) => isShown(item, state))
  return shown.length === items.length ? items : shown
}

function hidesNothing({ hidden, blocked }: AccountState): boolean {
  return hidden.size === 0 && blocked.size === 0
}

/** Of an erased one nothing is left to hide. */
function hiddenLook(message: Message): Message {
  if (message.form === "erased") return message
  const { id, author, device, sentAt, own, status, rejection, thread, replies, unsent } = message
  const kept = { id, author, device, sentAt, own, status, rejection, thread, replies, unsent }
  const gone = { text: undefined, erasedBy: undefined, edited: undefined, quote: undefined, forwardedFrom: undefined }
  return { ...kept, ...gone, form: "hidden", mentions: [], mentionsMe: false, reactions: [] }
}

function withoutUsers(reaction: Reaction, blocked: ReadonlySet<UserId>): Reaction | [] {
  const users = reaction.users.filter((user) => !blocked.has(user))
  return users.length === 0 ? [] : { ...reaction, users }
}

function sameReplies(a: Replies | undefined, b: Replies | undefined): boolean {
  return a?.count === b?.count && a?.lastAt === b?.lastAt
}

function sameItems(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

export function sameUnread(a: Unread, b: Unread): boolean {
  return equal([a, Array.from(a.threads)], [b, Array.from(b.threads)])
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
