import type { MessageId } from "../protocol/entry.js"
import type { KeptText } from "./edits.js"
import { segmentNumber, type Node } from "./node.js"

/** Everything that points at one message, whether that is there or not. */
export interface About {
  readonly edits: Set<Node>
  readonly reactions: Set<Node>
  /** Own erasures of it that are under way. */
  readonly erasures: Set<Node>
  /** Messages of the thread below it. */
  readonly thread: Set<Node>
  /** Messages that reply to it. */
  readonly quotes: Set<Node>
  /** Its text after several edits, as it was last shown. */
  text: KeptText | undefined
}

const nothing: readonly MessageId[] = []

/** Which entries point at which message. */
export class Pointers {
  private readonly targets = new Map<MessageId, About>()
  /** Messages whose quotes are in a segment, by its number. */
  private readonly quoting = new Map<number, Set<Node>>()

  get(id: MessageId): About | undefined {
    return this.targets.get(id)
  }

  /** Segments that quotes point into. */
  get segments(): Iterable<number> {
    return this.quoting.keys()
  }

  quotesInto(segment: number): Iterable<Node> {
    return this.quoting.get(segment) ?? []
  }

  /** Adds what a node points at, or takes it out; returns the messages that it points at and changes. */
  point(node: Node, on: boolean): readonly MessageId[] {
    const { said, part } = node
    if (part === "message" && said?.kind === "message" && !said.replyTo && !said.thread) return nothing
    const change = (set: Set<Node>): void => void (on ? set.add(node) : set.delete(node))
    if (part === "erasure" && node.erases !== undefined) {
      change(this.at(node.erases).erasures)
      return [node.erases]
    }
    if (said === undefined || said.kind === "unknown") return nothing
    if (said.kind !== "message") {
      if (part !== "remark") return nothing
      change(said.kind === "edit" ? this.at(said.of).edits : this.at(said.of).reactions)
      return [said.of]
    }
    if (part !== "message") return nothing
    if (said.replyTo !== undefined) {
      change(this.at(said.replyTo.id).quotes)
      let into = this.quoting.get(said.replyTo.segment)
      if (into === undefined) this.quoting.set(said.replyTo.segment, (into = new Set()))
      change(into)
      if (into.size === 0) this.quoting.delete(said.replyTo.segment)
    }
    if (said.thread === undefined) return nothing
    change(this.at(said.thread.id).thread)
    return [said.thread.id]
  }

  private at(id: MessageId): About {
    let about = this.targets.get(id)
    if (about === undefined) {
      const sets = { edits: new Set<Node>(), reactions: new Set<Node>(), erasures: new Set<Node>() }
      about = { ...sets, thread: new Set(), quotes: new Set(), text: undefined }
      this.targets.set(id, about)
    }
    return about
  }
}

/** Whether a thread's message belongs to that root: it must say its segment rightly. */
export function isReplyIn(node: Node, root: Node): boolean {
  return node.said?.kind === "message" && node.said.thread?.segment === segmentNumber(root.document)
}
