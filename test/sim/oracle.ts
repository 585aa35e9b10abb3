import type { Conversation, OutgoingMessage } from "../../sdk/src/client/api.js"
import type { ControlId, ConversationId, MessageId } from "@weft/sdk/protocol"
import type { Process } from "./process.js"
import type { SimDevice } from "./sim-device.js"

/** What a message's writer was told of it, at best. */
type Promised = "nothing" | "saved" | "sent"

/** A message that somebody wrote, and what was said to its writer since. */
export interface Saying {
  readonly id: MessageId
  readonly conversation: ConversationId
  readonly text: string
  readonly user: string
  readonly device: string
  promised: Promised
  rejected: boolean
  /** Its device lost what it had before it could be sent: a restored backup, a crash before it was saved. */
  mayBeLost: boolean
  /** Its device was set back after it was sent: only servers, and others, have it now. */
  setBack: boolean
  /** How often it was edited. */
  edits: number
  /** The first message of its thread. */
  readonly thread: MessageId | undefined
  /** Who wrote it first, where it was forwarded. */
  readonly forwardedFrom: string | undefined
  /** Places in the text that name somebody; null: everybody. */
  readonly mentions: readonly { readonly start: number; readonly length: number; readonly user: string | null }[]
  /** Who asked for its erasure. */
  readonly erasedBy: Set<string>
  /** Members, as its device knew them when it was written; undefined where that had not read the conversation. */
  readonly known: ReadonlySet<string> | undefined
}

/** Somebody was removed, or left; as far as the caller was told. */
export interface Removal {
  readonly conversation: ConversationId
  readonly user: string
  /** Messages of the user that the remover had on the screen: these stay. */
  readonly seen: ReadonlySet<MessageId>
  /** The same when the call had done its work: no others stay. Undefined where it was refused, or under way. */
  held: ReadonlySet<MessageId> | undefined
  /** The program that asked for it lived on for a second. */
  lasted: boolean
  /** What the caller was told. */
  outcome: "unknown" | "written" | "refused"
  /** Somebody was asked to add the user again since. */
  undone: boolean
}

/** A link into a conversation. */
export interface Way {
  readonly conversation: ConversationId
  readonly id: ControlId
  readonly link: string
  readonly uses: number | undefined
  /** Its end; milliseconds since the world began. */
  readonly endsAt: number | undefined
  /** Its maker lived on for a while. */
  isSaved: boolean
  /** Somebody was asked to close it. */
  wasRevoked: boolean
  readonly revocations: Revocation[]
}

/** Somebody closed a link, and was told that this is done. */
interface Revocation {
  /** Members on the screen of who did, when it was asked for, and when it was done. */
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  /** The device lived on for a while. */
  isSaved: boolean
}

/** Somebody used a link. */
export interface Join {
  readonly way: Way
  readonly user: string
  readonly device: string
  /** Milliseconds since the world began. */
  readonly at: number
  /** The device lived on for a while. */
  isSaved: boolean
}

export class Violation extends Error {
  constructor(
    readonly invariant: string,
    text: string,
  ) {
    super(`${invariant}: ${text}`)
    this.name = "Violation"
  }
}

interface Watched {
  readonly saying: Saying
  readonly outgoing: OutgoingMessage
  readonly process: Process
}

/** Knows what clients were told and saw, and nothing else. */
export class Oracle {
  readonly sayings = new Map<MessageId, Saying>()
  readonly removals: Removal[] = []
  readonly ways: Way[] = []
  readonly joins: Join[] = []
  /** Two users who opened a conversation with one another, as `ann bob`. */
  readonly directs = new Set<string>()
  /** Whom something else than a link let into a conversation, or was asked to, as `<conversation> <user>`. */
  readonly letIn = new Set<string>()
  /** The clock of a server was behind. */
  serverWasBehind = false
  /** A server lost its disk, or was set back: what it alone had is gone. */
  serverLostData = false
  /** So did a device. */
  deviceLostData = false
  /** Called when a writer is told for the first time that a message is on a server. */
  onSent: ((saying: Saying) => void) | undefined
  private readonly watched = new Map<string, Watched[]>()

  said(
    device: SimDevice,
    conversation: Conversation,
    outgoing: OutgoingMessage,
    text: string,
    about: Pick<Saying, "thread" | "forwardedFrom" | "mentions" | "known">,
  ): void {
    if (this.sayings.has(outgoing.id)) throw new Violation("I3", `one name for two messages: ${outgoing.id}`)
    const saying: Saying = {
      id: outgoing.id,
      conversation: conversation.id,
      text,
      user: device.user,
      device: device.name,
      promised: "nothing",
      rejected: false,
      mayBeLost: false,
      setBack: false,
      edits: 0,
      ...about,
      erasedBy: new Set(),
    }
    this.sayings.set(outgoing.id, saying)
    const tab = device.tabs.find(({ client }) => client?.conversation(conversation.id) === conversation)
    if (tab === undefined) throw new TypeError("a message from nowhere")
    const list = this.watched.get(device.name) ?? []
    this.watched.set(device.name, list)
    list.push({ saying, outgoing, process: tab.process })
  }

  /** Writes down what a device tells its user by now. */
  look(device: SimDevice): void {
    const list = this.watched.get(device.name)
    if (list === undefined) return
    const still = list.filter(({ saying, outgoing, process }) => {
      if (!process.alive) return false
      switch (outgoing.status) {
        case "saving":
          return true
        case "saved":
          if (saying.promised === "nothing") saying.promised = "saved"
          return true
        case "sent":
        case "delivered":
        case "read":
          if (saying.promised !== "sent") this.onSent?.(saying)
          saying.promised = "sent"
          saying.rejected = false
          return false
        case "rejected":
          saying.rejected = true
          return true
      }
    })
    this.watched.set(device.name, still)
  }

  /** The device goes down, having told what it told: what was not saved may be lost. */
  died(device: SimDevice): void {
    for (const { saying } of this.watched.get(device.name) ?? [])
      if (saying.promised === "nothing") saying.mayBeLost = true
    this.watched.delete(device.name)
  }

  /** The device has an older disk now. */
  setBack(device: SimDevice): void {
    this.deviceLostData = true
    for (const saying of this.sayings.values()) {
      if (saying.device !== device.name) continue
      if (saying.promised === "sent") saying.setBack = true
      else saying.mayBeLost = true
    }
  }
}
