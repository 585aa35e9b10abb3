import type { MessageId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import type { Message } from "./message.js"
import { compareCopies, isRead, type PlacedCopy, type ReadCount, type UnreadInput } from "./unread.js"

/** A message as it is counted. That it was read is remembered: it stays so. */
export class Counted implements UnreadInput {
  readonly id: MessageId
  readonly author: UserId
  readonly mentionsMe: boolean
  readonly thread: MessageId | undefined
  private wasRead = false
  /** When it was last found unread: the version of what was read, and how many copies there were. */
  private version = -1
  private copiesSeen = 0
  /** Whether it is for its reader, as of a version of authority, and of so many copies. */
  private isMeant = true
  private authority = -1
  private copiesMeant = 0

  /** `copies` may grow. */
  constructor(
    { id, author, mentionsMe, thread }: Pick<Message, "id" | "author" | "mentionsMe" | "thread">,
    readonly copies: readonly PlacedCopy[],
  ) {
    this.id = id
    this.author = author
    this.mentionsMe = mentionsMe
    this.thread = thread
  }

  /** The copy that decides its place; undefined where it stands in no log yet. */
  get first(): PlacedCopy | undefined {
    const { copies } = this
    return copies.length > 1 ? copies.reduce((a, b) => (compareCopies(b, a) < 0 ? b : a)) : copies[0]
  }

  /** `version` is another one whenever `readCount` may say something else. */
  isRead(readCount: ReadCount, version: number): boolean {
    if (this.wasRead) return true
    if (this.version === version && this.copiesSeen === this.copies.length) return false
    this.version = version
    this.copiesSeen = this.copies.length
    this.wasRead = isRead(this, readCount)
    return this.wasRead
  }

  /** Whether one of its copies is for its reader; `version` is another one whenever `isFor` may say something else. [SPEC P8] */
  isFor(isFor: (copy: PlacedCopy) => boolean, version: number): boolean {
    if (this.authority === version && this.copiesMeant === this.copies.length) return this.isMeant
    this.authority = version
    this.copiesMeant = this.copies.length
    this.isMeant = this.copies.some(isFor)
    return this.isMeant
  }
}

/** The counted messages of a list that changes: what stays in it is not made again. */
export class CountedList {
  private messages: readonly Message[] = []
  private counted: readonly Counted[] = []

  constructor(private readonly copiesOf: (id: MessageId) => readonly PlacedCopy[]) {}

  of(messages: readonly Message[]): readonly Counted[] {
    if (messages === this.messages) return this.counted
    const before = this.messages
    const limit = Math.min(before.length, messages.length)
    let start = 0
    while (start < limit && before[start] === messages[start]) start++
    let end = 0
    while (end < limit - start && before[before.length - 1 - end] === messages[messages.length - 1 - end]) end++
    const changed = messages.slice(start, messages.length - end)
    this.counted = this.counted.slice(0, start).concat(
      changed.map((message) => new Counted(message, this.copiesOf(message.id))),
      this.counted.slice(before.length - end),
    )
    this.messages = messages
    return this.counted
  }
}
