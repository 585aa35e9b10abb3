import type { Client, Conversation, Message } from "@weft/sdk/node"
import type { Random } from "../support/seed.ts"
import { People, type PeopleCounts } from "./people.ts"
import { Readers } from "./readers.ts"
import { clientOf, roomOf, type Room } from "./room.ts"

export interface MixCounts extends PeopleCounts {
  reactions: number
  edits: number
  erasures: number
  /** Times that a device went offline, to come back some lines later. */
  spells: number
  /** Times that somebody marked something as read. */
  reads: number
}

const emoji = ["👍", "🎉", "😂", "❤️", "🙏"]
/** Lines until a device is back, at most. */
const MAX_SPELL = 40

/**
 * What people do between the lines of a log: react, edit, erase, read, come and go, and lose their connection. The same for the
 * same seed, as far as what one sees of the others is.
 */
export class Mix {
  readonly readers: Readers
  private readonly people: People
  private readonly said = { reactions: 0, edits: 0, erasures: 0, spells: 0 }
  /** Offline devices, and the line at which they come back. */
  private readonly away = new Map<Client, number>()
  private readonly erasing = new Set<Promise<void>>()

  constructor(
    private readonly random: Random,
    private readonly room: Room,
  ) {
    this.readers = new Readers(random)
    this.people = new People(
      random,
      room,
      (name) => this.back(clientOf(room, name)),
      (name) => this.isAway(clientOf(room, name)),
    )
  }

  get counts(): MixCounts {
    return { ...this.said, ...this.people.counts, reads: this.readers.marks }
  }

  /** Before a line of somebody's. `written`: the messages of each so far. */
  async act(line: number, name: string, written: ReadonlyMap<string, readonly Message["id"][]>): Promise<void> {
    const { room } = this
    for (const [gone, until] of this.away) if (until <= line) this.back(gone)
    await this.people.enter(name)
    const client = clientOf(room, name)
    const conversation = roomOf(room, name)
    // Never while others wait for what it sent.
    if (this.random.oneIn(12) && !this.away.has(client) && client.status.get().pending.length === 0) {
      client.goOffline()
      this.away.set(client, line + 1 + this.random.below(MAX_SPELL))
      this.said.spells++
    }
    const recent = conversation.messages.get().items.slice(-60)
    if (this.random.oneIn(4)) this.react(conversation, recent)
    if (this.random.oneIn(8)) this.edit(conversation, recent)
    if (this.random.oneIn(15)) this.erase(conversation, recent)
    if (this.random.oneIn(6)) await this.readers.mark(...this.random.pick(Array.from(room.conversations)))
    if (this.random.oneIn(20)) await this.people.change(written)
    // It may have been this one who left.
    await this.people.enter(name)
  }

  isAway(client: Client): boolean {
    return this.away.has(client)
  }

  back(client: Client): void {
    if (this.away.delete(client)) client.goOnline()
  }

  /** Everybody is in the room and online again, and what was begun is written. */
  async end(): Promise<void> {
    for (const client of Array.from(this.away.keys())) this.back(client)
    await this.people.end()
    await Promise.all(this.erasing)
  }

  private react(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ form }) => form === "text")
    if (message === undefined) return
    const reaction = this.random.pick(emoji)
    const written = this.random.oneIn(3)
      ? conversation.unreact(message.id, reaction)
      : conversation.react(message.id, reaction)
    if (written !== undefined) this.said.reactions++
  }

  private edit(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ own, form }) => own && form === "text")
    if (message?.text === undefined) return
    const words = message.text.split(" ")
    words.splice(this.random.below(words.length + 1), this.random.below(2), `(${this.random.below(1000)})`)
    conversation.edit(message.id, words.join(" "))
    this.said.edits++
  }

  /** Only what was sent: the others would be gone without a trace, and the lines are counted at the end. */
  private erase(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ own, form, status }) => own && form === "text" && status === "sent")
    if (message === undefined) return
    this.erasing.add(conversation.erase(message.id))
    this.said.erasures++
  }

  private pick(from: readonly Message[], passes: (message: Message) => boolean): Message | undefined {
    const some = from.filter(passes)
    return some.length === 0 ? undefined : this.random.pick(some)
  }
}
