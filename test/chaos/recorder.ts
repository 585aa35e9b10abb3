/*
 * The outside recorder: it knows what was typed, what clients saw acknowledged, and what they saw shown; nothing of how
 * any of it came about.
 */

/** A line of a list of messages, as a client showed it. */
export interface Shown {
  readonly author: string
  readonly text: string
}

interface Typed {
  readonly conversation: string
  readonly user: string
  /** Index of the client. */
  readonly client: number
  state: "typed" | "saved" | "sent" | "rejected"
  /** Its process died before it was durable: it may be there or not. */
  uncertain: boolean
  /** Some other client showed it. */
  seen: boolean
}

export class Recorder {
  /** Texts are unique. */
  private readonly typed = new Map<string, Typed>()
  readonly violations: string[] = []

  get counts(): Record<Typed["state"] | "uncertain", number> {
    const counts = { typed: 0, saved: 0, sent: 0, rejected: 0, uncertain: 0 }
    for (const { state, uncertain } of this.typed.values()) counts[uncertain ? "uncertain" : state]++
    return counts
  }

  type(text: string, conversation: string, client: number, user: string): void {
    if (this.typed.has(text)) throw new TypeError("texts are unique")
    this.typed.set(text, { conversation, client, user, state: "typed", uncertain: false, seen: false })
  }

  /** Its author's client said so. What was once acknowledged stays acknowledged, whatever is said later. */
  reach(text: string, state: "saved" | "sent" | "rejected"): void {
    const typed = this.typed.get(text)
    if (typed === undefined) {
      this.violate(`a status of what was never typed: ${brief(text)}`)
    } else if (state === "rejected" && typed.state === "sent") {
      this.violate(`acknowledged, then rejected: ${brief(text)}`)
    } else {
      if (typed.state !== "sent") typed.state = state
      typed.uncertain = false
    }
  }

  /** The process of these clients died: what they had not made durable may be gone. */
  died(clients: ReadonlySet<number>): void {
    for (const typed of this.typed.values()) {
      if (clients.has(typed.client) && typed.state === "typed") typed.uncertain = true
    }
  }

  /** What a client shows at some moment: part of the list, or all of it. */
  show(where: string, conversation: string, viewer: string, items: readonly Shown[]): void {
    const texts = new Set<string>()
    for (const { author, text } of items) {
      const typed = this.typed.get(text)
      if (typed === undefined || typed.conversation !== conversation || typed.user !== author) {
        this.violate(`${where} shows what nobody typed there: ${author}: ${brief(text)}`)
        continue
      }
      if (texts.has(text)) this.violate(`${where} shows twice: ${brief(text)}`)
      texts.add(text)
      if (author !== viewer) typed.seen = true
    }
  }

  /** After all has healed: the whole list of a conversation holds all that was acknowledged, or shown to others. */
  demandAll(where: string, conversation: string, viewer: string, items: readonly Shown[]): void {
    this.show(where, conversation, viewer, items)
    const texts = new Set(items.map(({ text }) => text))
    for (const [text, typed] of this.typed) {
      if (typed.conversation !== conversation || texts.has(text)) continue
      if (typed.state === "sent") this.violate(`${where} lacks what was acknowledged: ${brief(text)}`)
      else if (typed.seen) this.violate(`${where} lacks what others were shown: ${brief(text)}`)
    }
  }

  /** After all has healed: what was typed is acknowledged, or its author was told why not. */
  demandSettled(): void {
    for (const [text, { state, uncertain }] of this.typed) {
      if (!uncertain && (state === "typed" || state === "saved")) {
        this.violate(`neither acknowledged nor rejected, but ${state}: ${brief(text)}`)
      }
    }
  }

  violate(what: string): void {
    this.violations.push(what)
  }
}

/** Filler is for size, the start says which it is. */
function brief(text: string): string {
  return text.slice(0, 40)
}
