import type { AccountReplica } from "../sync/account-replica.js"
import type { Acks } from "../sync/acks.js"
import type { DocumentChange } from "../sync/document.js"
import { conversationOf, type ConversationId, type DocumentName } from "../protocol/names.js"
import type { ConversationRegisters } from "../sync/registers.js"
import type { Replica } from "../sync/replica.js"
import type { Signals } from "../sync/signals.js"
import type { OwnStatus } from "./own-status.js"
import type { TabMessage, TabPort } from "./tab-port.js"

interface TalkPorts {
  readonly tabs: Pick<TabPort, "tell">
  readonly replica: Replica
  readonly account: AccountReplica
  readonly acks: Acks
  readonly signals: Signals
  readonly status: OwnStatus
  /** Carries out what tabs left behind that are gone. Rejects with STORE_*. */
  recover(): Promise<void>
  /** Another tab, the writer, has all of a conversation that a server had. */
  endCatchUp(id: ConversationId): Promise<void>
  /** Another tab took in a link into a conversation, or used it. */
  lookForLink(id: ConversationId): Promise<void>
  /** Another tab shows a segment: it does not leave. */
  keep(document: DocumentName): void
  /** The application wants, or does not want, a connection, as another tab was told. */
  setOnline(online: boolean): void
}

/** What the tabs of one device tell one another, and what each makes of it. */
export class TabTalk {
  /** What other tabs told of so far was read. */
  reloaded: Promise<void> = Promise.resolve()

  constructor(private readonly ports: TalkPorts) {}

  /** Tells what changes from now on. Returns what stops it. */
  listen(): (() => void)[] {
    const { replica, account, acks, tabs } = this.ports
    return [
      replica.changes.on(({ change }) => {
        if (change.kind === "document" && isStored(change.change)) {
          tabs.tell({ kind: "changed", document: change.document.name })
        }
      }),
      replica.wanted.asked.on((document) => {
        if (!replica.writing.get()) tabs.tell({ kind: "wants", document })
      }),
      replica.shows.on((document) => {
        if (!replica.writing.get()) tabs.tell({ kind: "shows", document })
      }),
      replica.registerChanges.on(({ conversation }) => {
        if (replica.writing.get()) tabs.tell({ kind: "registers", conversation })
      }),
      replica.skew.subscribe(() => {
        this.tellTime()
      }),
      account.saves.on((key) => {
        tabs.tell({ kind: "account", key })
      }),
      acks.saves.on(() => {
        tabs.tell({ kind: "acks" })
      }),
    ]
  }

  /** The writer's connection is the device's. */
  tellConnection(): void {
    const { replica, tabs, status } = this.ports
    if (replica.writing.get()) tabs.tell({ kind: "connection", connection: status.connection })
  }

  /** What is written in another tab gets clocks that fit the servers' time, too. [SPEC W4] */
  private tellTime(): void {
    const { replica, tabs } = this.ports
    const skewMs = replica.skew.get()
    if (replica.writing.get() && skewMs !== undefined) tabs.tell({ kind: "time", skewMs })
  }

  /** Resolves when all came of it. Rejects with STORE_*. */
  async heard(message: TabMessage): Promise<void> {
    const { replica, acks, account, signals, status } = this.ports
    const isWriter = replica.writing.get()
    switch (message.kind) {
      case "changed": {
        const reloading = this.reload(message.document)
        // Without what came of them: each would hold all before it.
        this.reloaded = Promise.allSettled([this.reloaded, reloading]).then(() => undefined)
        await reloading
        break
      }
      case "caughtUp":
        // This tab may have begun to read when the other had it all, and marked what it knew by then.
        await this.ports.endCatchUp(message.conversation)
        break
      case "join":
        await this.ports.lookForLink(message.conversation)
        break
      case "acks":
        if (!isWriter) await acks.reload()
        break
      case "account":
        await account.heard(message.key)
        break
      case "registers":
        if (!isWriter) await this.withRegisters(message.conversation, (registers) => registers.reload())
        break
      case "read":
        if (isWriter) await this.passOn(message)
        break
      case "signals":
        signals.take(message.items, true)
        break
      case "wants":
        if (isWriter) await this.fetch(message.document)
        break
      case "away":
        if (!isWriter) replica.wanted.failed(message.document)
        break
      case "leaves": {
        const { document } = message
        const isShown = replica.conversations.get().get(conversationOf(document))?.isShown(document) === true
        if (isShown && !isWriter) this.ports.tabs.tell({ kind: "needs", document })
        break
      }
      case "shows":
        if (isWriter) this.ports.keep(message.document)
        break
      case "needs":
        if (!isWriter) break
        this.ports.keep(message.document)
        await this.bringBack(message.document)
        break
      case "asks":
        signals.asked(message.asked)
        break
      case "connection":
        if (isWriter) break
        status.remote = message.connection
        replica.wanted.setReachable(message.connection.kind === "online")
        if (message.connection.kind !== "online") signals.disconnected()
        break
      case "time":
        replica.followTime(message.skewMs)
        break
      case "joined":
        // In this order: who knows of the connection knows the time.
        this.tellTime()
        this.tellConnection()
        break
      case "online":
        this.ports.setOnline(message.online)
        break
    }
  }

  /**
   * Other tabs may be gone: what they stored and did not live to tell the writer takes in, and tells to the rest. Rejects
   * with STORE_*. [SPEC W3]
   */
  async lookForUntold(): Promise<void> {
    const { replica, account, tabs } = this.ports
    // Who is not the writer yet looks when it is.
    if (!replica.writing.get()) return
    await replica.attempt(() => this.ports.recover())
    for (const document of await replica.untoldDrafts()) {
      // One that can't be read keeps nobody from the others. [SPEC U13]
      await replica.attempt(async () => {
        await this.heard({ kind: "changed", document })
        tabs.tell({ kind: "changed", document })
      })
    }
    await account.readUntold()
  }

  /**
   * What the next writer told while this tab still took itself for it was passed over: it is read again, and asked for. Rejects
   * with STORE_*.
   */
  async followAnew(): Promise<void> {
    const { replica, acks, tabs } = this.ports
    tabs.tell({ kind: "joined" })
    await acks.reload()
    for (const id of replica.conversations.get().keys())
      await replica.attempt(() => this.withRegisters(id, (registers) => registers.reload()))
  }

  /** Another tab changed what is stored. */
  private async reload(name: DocumentName): Promise<void> {
    const { replica } = this.ports
    await replica.using(conversationOf(name), (conversation) => conversation.reload(name))
    await replica.wakeAll()
  }

  /** What was read in a tab that does not write. */
  private passOn({ conversation: id, vector, root, fresh }: Extract<TabMessage, { kind: "read" }>): Promise<void> {
    const { replica } = this.ports
    return replica.using(id, async (conversation) => {
      await conversation.catchUp.noteRead(fresh, root)
      await replica.registersOf(conversation).advanceRead(vector, root)
    })
  }

  private withRegisters(id: ConversationId, task: (registers: ConversationRegisters) => Promise<void>): Promise<void> {
    const { replica } = this.ports
    return replica.using(id, (conversation) => task(replica.registersOf(conversation)))
  }

  /** It left while another tab showed it, which heard of that too late. */
  private async bringBack(name: DocumentName): Promise<void> {
    const { replica } = this.ports
    await replica.using(conversationOf(name), async (conversation) => {
      const { isAway } = await conversation.document(name)
      if (isAway) replica.wanted.want(name)
    })
  }

  /** Another tab wants a segment that is away, as far as it knows. */
  private async fetch(name: DocumentName): Promise<void> {
    const { replica, tabs } = this.ports
    await replica.using(conversationOf(name), async (conversation) => {
      const { isAway } = await conversation.document(name)
      try {
        // That it comes the other tab hears as of any change.
        if (isAway) await conversation.fetch(name)
        else tabs.tell({ kind: "changed", document: name })
      } catch {
        tabs.tell({ kind: "away", document: name })
      }
    })
  }
}

/** Whether a change is one that other tabs find in the storage, and do not know yet. */
function isStored(change: DocumentChange): boolean {
  if (change.kind === "drafts") return change.added.length === 0
  return change.kind !== "rewritten" || !change.reloaded
}
