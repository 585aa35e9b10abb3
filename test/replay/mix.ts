import type { Client, Conversation, Message } from "@weft/sdk/node"
import type { Random } from "../support/seed.ts"

export interface MixCounts {
  reactions: number
  edits: number
  erasures: number
  /** Times that a device went offline, to come back some lines later. */
  spells: number
}

const emoji = ["👍", "🎉", "😂", "❤️", "🙏"]
/** Lines until a device is back, at most. */
const MAX_SPELL = 40

/** What people do between the lines of a log: react, edit, erase, and lose their connection. The same for the same seed. */
export class Mix {
  readonly counts: MixCounts = { reactions: 0, edits: 0, erasures: 0, spells: 0 }
  /** Offline devices, and the line at which they come back. */
  private readonly away = new Map<Client, number>()
  private readonly erasing = new Set<Promise<void>>()

  constructor(private readonly random: Random) {}

  /** Before a line: its author's device, that of somebody else, and what both see. */
  act(line: number, client: Client, conversation: Conversation): void {
    for (const [gone, until] of this.away) if (until <= line) this.back(gone)
    // Never while others wait for what it sent.
    if (this.random.oneIn(12) && !this.away.has(client) && client.status.get().pending.length === 0) {
      client.goOffline()
      this.away.set(client, line + 1 + this.random.below(MAX_SPELL))
      this.counts.spells++
    }
    const recent = conversation.messages.get().items.slice(-60)
    if (this.random.oneIn(4)) this.react(conversation, recent)
    if (this.random.oneIn(8)) this.edit(conversation, recent)
    if (this.random.oneIn(15)) this.erase(conversation, recent)
  }

  isAway(client: Client): boolean {
    return this.away.has(client)
  }

  back(client: Client): void {
    if (this.away.delete(client)) client.goOnline()
  }

  /** Everybody is online again, and what was begun is written. */
  async end(): Promise<void> {
    for (const client of Array.from(this.away.keys())) this.back(client)
    await Promise.all(this.erasing)
  }

  private react(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ form }) => form === "text")
    if (message === undefined) return
    const reaction = this.random.pick(emoji)
    const written = this.random.oneIn(3)
      ? conversation.unreact(message.id, reaction)
      : conversation.react(message.id, reaction)
    if (written !== undefined) this.counts.reactions++
  }

  private edit(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ own, form }) => own && form === "text")
    if (message?.text === undefined) return
    const words = message.text.split(" ")
    words.splice(this.random.below(words.length + 1), this.random.below(2), `(${this.random.below(1000)})`)
    conversation.edit(message.id, words.join(" "))
    this.counts.edits++
  }

  /** Only what was sent: the others would be gone without a trace, and the lines are counted at the end. */
  private erase(conversation: Conversation, recent: readonly Message[]): void {
    const message = this.pick(recent, ({ own, form, status }) => own && form === "text" && status === "sent")
    if (message === undefined) return
    this.erasing.add(conversation.erase(message.id))
    this.counts.erasures++
  }

  private pick(from: readonly Message[], passes: (message: Message) => boolean): Message | undefined {
    const some = from.filter(passes)
    return some.length === 0 ? undefined : this.random.pick(some)
  }
}
