import { inBackground, type Env, type Timer } from "../base/env.js"
import { isDamage } from "../base/errors.js"
import { settingKey } from "../log/keys.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import type { ConversationId, DocumentName } from "../protocol/names.js"
import type { ReplicaConversation } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import type { Replica } from "./replica.js"

export interface RetentionPorts {
  readonly replica: Replica
  readonly env: Pick<Env, "now" | "setTimer" | "clearTimer">
  /** How many of the newest messages of each conversation stay on the disk, at least. */
  readonly keep: number
  /** How long nobody had to do with a segment that goes; milliseconds. */
  readonly idleMs: number
  /** Whether nobody may want it: all of it was read, and can be found without it. */
  mayLetGo(conversation: ConversationId, document: ReplicaDocument): boolean
  /** Tells other tabs that it goes, or went: those that show it say so. */
  announce(name: DocumentName): void
}

/** Of what was let go of so far: the number of messages that were to stay. */
const KEPT = settingKey("history")
/** A server that did not hold the same is asked again after so long. */
const AGAIN_MS = 10 * 60_000
/** Conversations that nobody asked for are read for it, so many at a time. */
const TOGETHER = 4

/** Decides which segments leave this device's disk, where the application wants few of them to stay. [SPEC U15] */
export class Retention {
  private confirm: ((name: DocumentName) => void) | undefined
  /** When a server was last asked whether it holds the same. */
  private readonly asked = new Map<DocumentName, number>()
  /** When other tabs were told of one; none of them has said since that it shows it. */
  private readonly announced = new Map<DocumentName, number>()
  /** Conversations that were read since this setting is another; undefined where that is long ago. */
  private swept: Set<ConversationId> | undefined
  private timer: Timer

  constructor(private readonly ports: RetentionPorts) {}

  /** A server is there: `confirm` asks it whether it holds a document as it is here. */
  begin(confirm: (name: DocumentName) => void): void {
    this.confirm = confirm
    this.asked.clear()
    this.announced.clear()
    this.lookSoon()
  }

  end(): void {
    this.confirm = undefined
    this.ports.env.clearTimer(this.timer)
    this.timer = undefined
  }

  /** Whether a segment may go, as soon as a server has it. */
  mayLetGo(conversation: ReplicaConversation, document: ReplicaDocument): boolean {
    return this.isAgreed(document.name) && this.isIdle(conversation, document)
  }

  private isAgreed(name: DocumentName): boolean {
    const { env, idleMs } = this.ports
    return env.now() - (this.announced.get(name) ?? Infinity) >= idleMs
  }

  private isIdle(conversation: ReplicaConversation, document: ReplicaDocument): boolean {
    if (document.isAway || document.drafts.length > 0 || !conversation.mayLetGo) return false
    const { env, idleMs } = this.ports
    return env.now() - document.lastUsed >= idleMs && this.ports.mayLetGo(conversation.id, document)
  }

  private lookSoon(): void {
    const { env, idleMs, replica } = this.ports
    const timer = (this.timer ??= inBackground(
      env.setTimer(idleMs, () => {
        this.look()
          .catch((error: unknown) => {
            replica.report(error)
          })
          .finally(() => {
            // A connection that came meanwhile has a timer of its own.
            if (this.timer !== timer) return
            this.timer = undefined
            if (this.confirm !== undefined) this.lookSoon()
          })
      }),
    ))
  }

  private async look(): Promise<void> {
    const { replica } = this.ports
    for (const conversation of Array.from(replica.conversations.get().values()))
      await replica.attempt(() => this.lookAt(conversation))
    await this.sweep()
  }

  private async lookAt(conversation: ReplicaConversation): Promise<void> {
    if (!conversation.mayLetGo) return
    const { env, keep } = this.ports
    for (const number of await conversation.segmentsBefore(keep)) {
      const document = await conversation.segment(number)
      const last = this.asked.get(document.name)
      if (!this.isIdle(conversation, document) || (last !== undefined && env.now() - last < AGAIN_MS)) continue
      if (!this.announced.has(document.name)) {
        this.announced.set(document.name, env.now())
        this.ports.announce(document.name)
      }
      if (!this.isAgreed(document.name)) continue
      this.asked.set(document.name, env.now())
      this.confirm?.(document.name)
    }
  }

  /** Another tab shows it, or something here needed it when the server had answered: it is looked at as if it was not asked for. */
  needed(name: DocumentName): void {
    this.announced.delete(name)
    this.asked.delete(name)
  }

  /** It went: a tab that began to show it meanwhile says so. */
  left(name: DocumentName): void {
    this.announced.delete(name)
    this.asked.delete(name)
    this.ports.announce(name)
  }

  /** Where the setting is another than the last time, also what nobody asks for is looked at, once. */
  private async sweep(): Promise<void> {
    const { replica, keep } = this.ports
    const { storage } = replica.ports
    if (this.swept === undefined) {
      const kept = await storage.get(KEPT)
      if (kept !== undefined && utf8Text(kept) === String(keep)) return
      this.swept = new Set()
    }
    const { swept } = this
    const rest = replica.ids.filter((id) => !swept.has(id) && replica.segmentsOf(id).length > 1)
    for (const id of rest.slice(0, TOGETHER)) {
      if (this.confirm === undefined) return
      try {
        await replica.using(id, (conversation) => this.lookAt(conversation))
      } catch (error) {
        // Another failure passes: it is looked at again.
        if (!isDamage(error)) throw error
        replica.report(error)
      }
      swept.add(id)
    }
    const guard = replica.writeGuard
    if (rest.length > 0 || guard === undefined) return
    await storage.write([{ kind: "put", key: KEPT, value: utf8(String(keep)) }], { durability: "relaxed", guard })
    this.swept = undefined
  }
}
