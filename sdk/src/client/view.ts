import { createQueue } from "../base/queue.js"
import { createStore } from "../base/store.js"
import { erasedMessages } from "../authority/gate.js"
import { Projection } from "../conversation/projection.js"
import type { Message, MessageList } from "../conversation/message.js"
import type { DocumentName, UserId } from "../protocol/names.js"
import { documentParts, type DeviceId } from "../protocol/names.js"
import type { MessageId } from "../protocol/entry.js"
import type { Acks } from "../sync/acks.js"
import type { ConversationChange, ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"

export interface ViewPorts {
  readonly conversation: ReplicaConversation
  readonly acks: Acks
  readonly user: UserId
  readonly device: DeviceId
}

/** The messages of one conversation as a list that changes: the newest segment, and older ones as they are asked for. */
export class ConversationView {
  readonly list = createStore<MessageList>({ state: "loading", items: [], complete: false })
  private readonly enqueue = createQueue()
  private readonly documents = new Map<DocumentName, ReplicaDocument>()
  private readonly stopListening: (() => void)[]
  private projection: Projection
  private erased = new Map<DocumentName, ReadonlySet<MessageId>>()
  private oldest = Infinity
  private publishing = false
  private closed = false

  constructor(private readonly ports: ViewPorts) {
    this.projection = this.createProjection()
    this.stopListening = [
      ports.conversation.changes.on((change) => {
        this.onChange(change)
      }),
      ports.acks.changes.on((document) => {
        if (this.documents.has(document)) this.review()
      }),
    ]
  }

  /** Reads the newest segment; more of them while they hold few messages. */
  async open(): Promise<void> {
    await this.enqueue(() => this.load())
  }

  async loadOlder(): Promise<void> {
    await this.enqueue(async () => {
      await this.addSegment(this.olderNumber())
      this.publish()
    })
  }

  message(id: MessageId): Message | undefined {
    return this.projection.get(id)
  }

  documentOf(id: MessageId): DocumentName | undefined {
    return this.projection.documentOf(id)
  }

  get waiting(): number {
    return this.projection.waiting
  }

  close(): void {
    this.closed = true
    for (const stop of this.stopListening) stop()
    for (const document of this.documents.values()) document.release()
    this.documents.clear()
  }

  private createProjection(): Projection {
    const { conversation, acks, user, device } = this.ports
    return new Projection({
      user,
      device,
      authorOf: (of) => {
        const known = conversation.state.devices.get(of)
        if (known?.certified === true) return known.user
        // What this device wrote is shown to its author before anybody else may see it.
        return of === device ? user : undefined
      },
      acknowledged: (document, log) => acks.count(document, log),
      isErased: (document, message) => this.erasedIn(document).has(message),
      isDurable: (document, draft) => conversation.isDurable(document, draft),
    })
  }

  private erasedIn(name: DocumentName): ReadonlySet<MessageId> {
    let erased = this.erased.get(name)
    if (erased === undefined) {
      const document = this.documents.get(name)
      erased = document === undefined ? new Set() : erasedMessages(document.summary)
      this.erased.set(name, erased)
    }
    return erased
  }

  private olderNumber(): number | undefined {
    return this.ports.conversation.segmentNumbers.filter((number) => number < this.oldest).at(-1)
  }

  private async load(): Promise<void> {
    const { conversation } = this.ports
    const target = this.oldest
    this.projection = this.createProjection()
    this.oldest = Infinity
    const newest = conversation.segmentNumbers.at(-1) ?? 1
    do await this.addSegment(this.olderNumber())
    while (
      this.olderNumber() !== undefined &&
      // As far back as before, and at least one screen.
      (this.oldest > target || (this.oldest >= newest - 1 && this.projection.items.length < 50))
    )
    this.addRefused()
    this.publish()
  }

  private addRefused(): void {
    for (const { document, refused } of this.ports.conversation.refused.values()) {
      this.projection.addRefused(document, refused.draft, refused.code)
    }
  }

  private async addSegment(number: number | undefined): Promise<void> {
    if (number === undefined || this.closed) return
    const document = await this.ports.conversation.segment(number)
    this.oldest = Math.min(this.oldest, number)
    if (!this.documents.has(document.name)) {
      await document.open()
      this.documents.set(document.name, document)
    }
    this.projection.add(document.name, document.openEntries())
    this.projection.addDrafts(document.name, document.drafts)
  }

  private onChange(change: ConversationChange): void {
    switch (change.kind) {
      case "control":
        this.projection.review(true)
        this.publishSoon()
        break
      case "refused":
        this.rebuild()
        break
      case "document":
        this.onDocument(change.document, change.change.kind, change)
    }
  }

  private onDocument(
    document: ReplicaDocument,
    kind: string,
    { change }: Extract<ConversationChange, { kind: "document" }>,
  ): void {
    const parts = documentParts(document.name)
    if (parts.kind !== "segment") return
    if (!this.documents.has(document.name)) {
      // A newer segment than those that are shown: it opened, here or elsewhere.
      if (parts.segment >= this.oldest || this.documents.size === 0) {
        this.run(async () => {
          if (!this.documents.has(document.name)) await this.addSegment(parts.segment)
          this.publish()
        })
        if (change.kind === "drafts") this.projection.addDrafts(document.name, change.added)
        this.publishSoon()
      }
      return
    }
    if (change.kind === "accepted") this.projection.add(document.name, change.entries)
    else if (change.kind === "drafts") {
      this.projection.addDrafts(document.name, change.added)
      this.projection.review()
    } else if (change.kind === "records") {
      this.erased.delete(document.name)
      this.projection.review(true)
    } else this.rebuild()
    if (kind !== "rewritten") this.publishSoon()
  }

  private review(): void {
    this.projection.review()
    this.publishSoon()
  }

  private rebuild(): void {
    this.erased = new Map()
    this.run(() => this.load())
  }

  private run(task: () => Promise<void>): void {
    this.enqueue(task).catch(() => {
      // A storage that can't be read is the replica's to tell; the list stays as it is.
    })
  }

  /** At most one new list in a turn, however many changes it saw. */
  private publishSoon(): void {
    if (this.publishing) return
    this.publishing = true
    queueMicrotask(() => {
      this.publishing = false
      if (!this.closed && this.list.get().state === "ready") this.publish()
    })
  }

  private publish(): void {
    if (this.closed) return
    const { items } = this.projection
    const complete = this.olderNumber() === undefined
    const before = this.list.get()
    if (before.items === items && before.complete === complete && before.state === "ready") return
    this.list.set({ state: "ready", items, complete })
  }
}
