import type { InitialMember } from "../authority/fields.js"
import { systemEnv, type Env, type Timer } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import type { Subscribable } from "../base/store.js"
import { KeyGate, type Verify } from "../identity/verify.js"
import { settingKey } from "../log/keys.js"
import { equalBytes, utf8 } from "../protocol/bytes.js"
import type { MessageId } from "../protocol/entry.js"
import { MAX_CONTROL_ITEMS } from "../protocol/limits.js"
import {
  conversationOf,
  deviceIdOf,
  documentParts,
  parseConversationId,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type UserId,
} from "../protocol/names.js"
import { LiveSearch, type SearchResults } from "../search/live-search.js"
import type { SearchHit, SearchIndex, SearchQuery } from "../search/search.js"
import { LazyIndex } from "../search/lazy-index.js"
import type { Storage, WriteOptions } from "../storage/storage.js"
import { AccountReplica } from "../sync/account-replica.js"
import { Acks } from "../sync/acks.js"
import { Replica } from "../sync/replica.js"
import { Retention } from "../sync/retention.js"
import { Session } from "../sync/session.js"
import { Signals } from "../sync/signals.js"
import type { Transport } from "../transport/transport.js"
import { AccountHandle } from "./account.js"
import type { AccountState } from "./account-api.js"
import { noCredentials, readCredentials, storeCredentials, type Credentials } from "./credentials.js"
import type { Client, ClientOptions, Conversation, SearchOptions } from "./api.js"
import type { ConversationList } from "./conversation-list.js"
import { readRows, type StoredRow } from "./stored-rows.js"
import { isWhole } from "./direct.js"
import type { Diagnosis } from "./diagnosis.js"
import { Doctor } from "./doctor.js"
import { demandTitle, demandUser } from "./governor.js"
import { byActivity, ConversationHandles } from "./handles.js"
import { introduce, trustName } from "./introduce.js"
import { Joins } from "./joins.js"
import { parseLink, type InviteLink } from "./link.js"
import { searchQuery } from "./search.js"
import { erasedInIndex, searchSource } from "./search-source.js"
import { OwnStatus } from "./own-status.js"
import { ShownConversations } from "./shown-conversations.js"
import { TabTalk } from "./tab-talk.js"
import type { SyncStatus } from "./status.js"
import type { TabPort } from "./tab-port.js"

// What a key is worth does not depend on who asks: all clients of a process share what was found out.
const keys = new KeyGate()

/** What a platform brings to a client. */
export interface Platform {
  readonly storage: Storage
  readonly transport: Transport
  readonly verify: Verify
  readonly tabs: TabPort
  /** Messages after which this device opens the next segment of a conversation; fewer than by default in simulations. */
  readonly segmentMessages?: number
  /** The search's index, in another thread where there is one; by default in this one. */
  searchIndex?(storage: Storage): SearchIndex
  /** Calls back when the network, or the tab, comes or goes; returns what stops it. */
  watchNetwork(events: { readonly online: () => void; readonly offline: () => void }): () => void
}

const USER = settingKey("user")
/** Where there are more conversations than these, their list and the status are looked at so often at most. */
const MANY = 50
const REFRESH_MS = 30
/** An application shows what was stored before the rest is read. */
const PAINT_MS = 100
/**
 * How long nobody had to do with older messages that go; sooner where conversations leave memory sooner: they are looked at
 * while they are there, and go at the third look at the latest. [SPEC U15]
 */
const LET_GO_MS = 30_000

/** Opens a client on a platform. Throws BAD_ARGUMENT, CRYPTO_UNAVAILABLE, STORE_*. */
export async function openClient(options: ClientOptions, platform: Platform): Promise<Client> {
  const user = demandUser(options.user)
  const servers = (options.servers ?? []).map(demandServer)
  demandKeep(options.history?.keep)
  const { storage, segmentMessages } = platform
  const env = options.env ?? systemEnv
  const guard = (): WriteOptions["guard"] => replica.writeGuard
  const report = (error: unknown): void => {
    replica.report(error)
  }
  const refusesKey = (key: Uint8Array): boolean => keys.refuses(key)
  const acks = new Acks(storage, guard)
  const [replica, account, rows] = await Promise.all([
    storage.keyPair().then((signer) =>
      Replica.open({
        ...{ storage, env, user, signer, verify: platform.verify, refusesKey },
        ...(segmentMessages !== undefined && { segmentMessages }),
      }),
    ),
    AccountReplica.open({ storage, env, user, guard, report }),
    readRows(storage),
    demandOwner(storage, user),
  ])
  const client = new WeftClient({ options, platform, user, servers, env, replica, account, acks })
  await client.open(rows)
  return client
}

/** One database belongs to one user: two users of a browser never see one another's, nor share a device key. [SPEC K1] */
async function demandOwner(storage: Storage, user: UserId): Promise<void> {
  const value = utf8(user)
  const held = (await storage.get(USER)) ?? (await claim(storage, value))
  if (held !== undefined && !equalBytes(held, value))
    throw new WeftError("BAD_ARGUMENT", "this storage belongs to another user")
}

/** Undefined: it was nobody's. Else whose another tab has made it meanwhile. */
async function claim(storage: Storage, user: Uint8Array): Promise<Uint8Array | undefined> {
  const guard = { key: USER, value: undefined }
  try {
    await storage.write([{ kind: "put", key: USER, value: user }], { durability: "strict", guard })
    return undefined
  } catch (error) {
    if (error instanceof WeftError && error.code === "STORE_FENCED") return storage.get(USER)
    throw error
  }
}

function demandKeep(keep: number | undefined): void {
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 1) && keep !== Infinity)
    throw new WeftError("BAD_ARGUMENT", "a device keeps one message at least, of whole ones")
}

function demandServer(url: string): string {
  if (typeof url !== "string" || !/^wss?:\/\/[^\s/?#]/.test(url)) {
    throw new WeftError("BAD_ARGUMENT", "a server is a ws: or wss: URL")
  }
  const base = url.replace(/\/+$/, "")
  return base.endsWith("/sync") ? base : `${base}/sync`
}

interface ClientParts {
  readonly options: ClientOptions
  readonly platform: Platform
  readonly user: UserId
  readonly servers: string[]
  readonly env: Env
  readonly replica: Replica
  readonly account: AccountReplica
  readonly acks: Acks
}

class WeftClient implements Client {
  readonly user: UserId
  readonly device: DeviceId
  readonly status: Subscribable<SyncStatus>
  readonly account: AccountHandle
  private readonly own: OwnStatus
  private readonly talk: TabTalk
  private readonly shown = new ShownConversations((id) => {
    this.handles.changed(id)
  })
  private readonly handles: ConversationHandles
  readonly presence: Client["presence"]
  private readonly retention: Retention | undefined
  private readonly session: Session
  private readonly joins: Joins
  private readonly signals: Signals
  private readonly liveSearch: LiveSearch
  private readonly ownDoctor: Doctor
  private readonly stops: (() => void)[] = []
  /** Direct conversations that are being made. */
  private readonly opening = new Map<UserId, Promise<Conversation>>()
  private hiding: Pick<AccountState, "blocked" | "hidden">
  private credentials = noCredentials
  private refreshTimer: Timer
  private paintTimer: Timer
  private painted: Promise<void> = Promise.resolve()
  /** Until all that is stored is open nothing is shown: each conversation would be a look at all before it. */
  private refreshing = true
  /** Whether what the writer before left could not be read. */
  private takeOverFailed = false
  private closed: Promise<void> | undefined
  /** Whether the application gave a server; else all of `servers` are of links. */
  private hasOwnServers: boolean

  constructor(private readonly parts: ClientParts) {
    const { replica, acks, env, platform, options, user } = parts
    this.hasOwnServers = parts.servers.length > 0
    this.user = user
    this.signals = new Signals({
      env,
      user,
      membersOf: (id) =>
        this.handles
          .get(id)
          ?.info.get()
          .members.map((member) => member.user) ?? [],
      ask: (asked) => {
        platform.tabs.tell({ kind: "asks", asked })
      },
      pass: (items) => {
        platform.tabs.tell({ kind: "signals", items })
      },
    })
    this.presence = this.signals.presence
    this.device = deviceIdOf(replica.ports.signer.publicKey)
    this.account = new AccountHandle({
      replica: parts.account,
      storage: platform.storage,
      user,
      device: this.device,
      isClosed: () => this.closed !== undefined,
      broughtBy: (by) =>
        this.handles.all.flatMap(({ id, info }) => {
          const { addedBy, direct } = info.get()
          return addedBy === by && direct === undefined ? id : []
        }),
      takeBack: (act) => this.handles.hold(act.conversation).takeBack(act),
    })
    this.hiding = this.account.get()
    this.applyPrivacy()
    this.stops.push(
      this.account.subscribe((state) => {
        this.onAccount(state)
      }),
    )
    this.session = new Session({
      replica,
      account: parts.account,
      acks,
      env,
      transport: platform.transport,
      signals: this.signals,
      retention: (this.retention = this.createRetention()),
      user,
      servers: () => parts.servers,
      // A development server takes the name for the token.
      token: options.token ?? (() => user),
      welcomed: (credentials) => this.welcomed(credentials),
      trusted: (trust) => this.welcomed({ certificate: this.credentials.certificate, trust }),
    })
    this.joins = new Joins(replica, platform.storage, (conversation) => {
      platform.tabs.tell({ kind: "join", conversation })
    })
    this.handles = new ConversationHandles({
      ...{ replica, acks, env, user, device: this.device, account: this.account, signals: this.signals },
      joins: this.joins,
      storage: platform.storage,
      releaseAfterMs: options.releaseAfterMs,
      server: () => parts.servers[0],
      trust: () => trustName(this.credentials.trust),
      tellRead: (conversation, vector, root, fresh) => {
        if (replica.writing.get()) return false
        platform.tabs.tell({ kind: "read", conversation, vector, root, fresh })
        return true
      },
      isListWatched: () => this.list.isWatched,
      isClosed: () => this.closed !== undefined,
      changed: () => {
        this.refreshSoon()
      },
    })
    const index = platform.searchIndex?.(platform.storage) ?? new LazyIndex(platform.storage, env)
    replica.compactor.useDerived(erasedInIndex(replica, index))
    this.liveSearch = new LiveSearch({
      source: searchSource(replica, { user, device: this.device, env }),
      reader: {
        narrow: (query) => this.narrow(query),
        show: (hit) => this.show(hit),
      },
      index,
      env,
      isWriter: () => replica.writing.get(),
      failed: (error) => {
        replica.report(error)
      },
    })
    this.ownDoctor = new Doctor({
      replica,
      session: this.session,
      storage: platform.storage,
      env,
      status: () => this.own.read(),
      waitingSince: () => this.handles.all.map(({ waitingSince }) => waitingSince),
    })
    this.own = new OwnStatus({
      replica,
      session: this.session,
      servers: () => parts.servers,
      conversations: () => this.handles.all,
    })
    this.status = this.own.status
    this.talk = new TabTalk({
      ...{ replica, acks, tabs: platform.tabs, signals: this.signals, account: parts.account, status: this.own },
      recover: async () => platform.storage.recover?.(),
      endCatchUp: (id) => this.endCatchUp(id, true),
      lookForLink: (id) => this.lookForLink(id),
      keep: (document) => {
        this.keepFor(document)
      },
      setOnline: (online) => {
        if (online) this.goOnline(true)
        else this.goOffline(true)
      },
    })
  }

  private createRetention(): Retention | undefined {
    const { replica, env, options, platform } = this.parts
    const { history: { keep = Infinity } = {}, releaseAfterMs = Infinity } = options
    if (keep === Infinity) return undefined
    return new Retention({
      ...{ replica, env, keep },
      idleMs: Math.min(LET_GO_MS, releaseAfterMs / 8),
      mayLetGo: (id, document) => {
        const parts = documentParts(document.name)
        const segment = parts.kind === "segment" ? parts.segment : 0
        const isFound = this.liveSearch.isInLine({ conversation: id, segment })
        return isFound && this.handles.get(id)?.mayLetGo(document) === true
      },
      announce: (document) => {
        platform.tabs.tell({ kind: "leaves", document })
      },
    })
  }

  get conversations(): Subscribable<readonly Conversation[]> {
    return this.shown.all
  }

  get list(): ConversationList {
    return this.shown.list
  }

  get unlisted(): ConversationList {
    return this.shown.unlisted
  }

  /** `rows`: what was shown the last time. */
  async open(rows: ReadonlyMap<ConversationId, StoredRow>): Promise<void> {
    const { replica, platform, acks, env } = this.parts
    const [credentials] = await Promise.all([readCredentials(platform.storage), this.joins.load()])
    this.credentials = credentials
    this.background(async () => {
      this.own.persisted = (await platform.storage.estimate()).persisted
      this.refreshSoon()
    })
    this.stops.push(
      replica.conversations.subscribe(() => {
        this.handles.openRead()
      }),
      replica.changes.on(({ conversation, change }) => {
        if (change.kind === "control") this.onControl(conversation.id)
        if (change.kind === "compared") this.background(() => this.endCatchUp(conversation.id, false))
        // The row went with what was erased. [SPEC U13]
        if (change.kind === "document" && change.change.kind === "records") this.handles.erased(conversation.id)
        this.refreshSoon()
      }),
      replica.stores.on((id) => {
        this.handles.changed(id)
      }),
      replica.health.subscribe(({ kind }) => {
        this.refreshSoon()
        if (kind !== "ok") return
        // What could not be read can be now, perhaps.
        if (this.handles.readingFailed) this.background(() => this.handles.openStale())
        if (this.takeOverFailed && this.mayKeep) this.background(() => this.takeOver())
      }),
      replica.writing.subscribe(() => {
        // Whom this tab asked it asks no more.
        replica.wanted.setReachable(false)
        if (replica.writing.get()) this.background(() => this.takeOver())
        else {
          // What becomes of it is no news of the device's any more.
          this.session.stop()
          this.background(() => this.talk.followAnew())
        }
        this.refreshSoon()
      }),
      this.session.status.subscribe(() => {
        this.talk.tellConnection()
        this.refreshSoon()
      }),
      ...this.talk.listen(),
      acks.changes.on((document) => {
        this.refreshSoon()
        // What waited for that kept its row away.
        this.handles.changed(conversationOf(document))
      }),
      platform.watchNetwork({
        online: () => {
          this.own.networkUp = true
          this.connect()
          this.session.hurry()
        },
        offline: () => {
          this.own.networkUp = false
          this.refreshSoon()
        },
      }),
    )
    await this.handles.openStored(rows)
    this.refreshing = false
    this.refresh()
    if (this.handles.isAllOpen) await this.start()
    else {
      // What is shown already is to be painted first, and nobody waits for the rest.
      this.painted = new Promise((resolve) => {
        this.paintTimer = env.setTimer(PAINT_MS, resolve)
      })
      this.background(() => this.start())
    }
  }

  /** Meets the other tabs, and becomes the writer where there is none. */
  private async start(): Promise<void> {
    const { replica, platform } = this.parts
    let leading = Promise.resolve()
    await platform.tabs.start({
      lead: () => {
        if (this.handles.isAllOpen) return this.lead()
        // A writer reads first what may be half done.
        leading = this.painted.then(() => this.lead())
        this.background(() => leading)
        return Promise.resolve()
      },
      follow: () => {
        replica.loseWriter()
      },
      heard: (message) => {
        this.background(() => this.talk.heard(message))
        this.refreshSoon()
      },
      gone: () => {
        this.background(() => this.talk.lookForUntold())
        this.background(() => this.lookForLinks())
      },
    })
    platform.tabs.tell({ kind: "joined" })
    // What another tab wrote after this one read it, and before this one heard of anything.
    this.background(() => this.parts.account.reload())
    await this.painted
    // What it found out of what is stored is not looked for twice.
    await leading.catch(() => undefined)
    this.background(() => this.handles.openStale())
    this.background(() => this.liveSearch.start())
  }

  /** This tab is the writer now. */
  private async lead(): Promise<void> {
    this.own.remote = undefined
    await this.parts.replica.becomeWriter()
    await this.parts.account.becomeWriter()
    this.refreshSoon()
  }

  /** The storage is this tab's: what the one before learned comes first, then the connection. */
  private async takeOver(): Promise<void> {
    // What another tab told of its connection ends with that one's turn.
    this.own.remote = undefined
    this.takeOverFailed = false
    try {
      await this.parts.acks.reload()
      const { credentials } = this
      const stored = await readCredentials(this.parts.platform.storage)
      // What a server said meanwhile is newer.
      if (this.credentials === credentials) this.credentials = stored
      this.connect()
      this.background(() => this.lookForLinks())
      this.refreshSoon()
      this.handles.takeOver()
      // Those who went while this one read what there is.
      await this.talk.lookForUntold()
    } catch (error) {
      this.takeOverFailed = true
      throw error
    }
  }

  private connect(): void {
    const { wantsOnline, networkUp } = this.own
    if (wantsOnline && networkUp && this.mayKeep) this.session.start()
  }

  /** What others may know of this user, as this client was opened and as all devices agreed; who is blocked sees nothing. */
  private applyPrivacy(): void {
    const { privacy, blocked } = this.account.get()
    const { receipts = true, lastSeen = true } = this.parts.options.privacy ?? {}
    this.parts.replica.shareReads(receipts && privacy.receipts)
    this.parts.replica.setBlocked(blocked)
    this.signals.setPrivacy(lastSeen && privacy.lastSeen, blocked)
  }

  private onAccount({ blocked, hidden }: AccountState): void {
    this.applyPrivacy()
    this.handles.review()
    if (blocked === this.hiding.blocked && hidden === this.hiding.hidden) return
    this.hiding = { blocked, hidden }
    this.liveSearch.review()
    this.refreshSoon()
  }

  /** Another tab shows a segment: it does not leave. */
  private keepFor(name: DocumentName): void {
    this.retention?.needed(name)
    this.handles.get(conversationOf(name))?.noteInterest()
  }

  private background(task: () => Promise<unknown>): void {
    task().catch((error: unknown) => {
      this.parts.replica.report(error)
    })
  }

  async createConversation(options: { title: string; members?: readonly string[] }): Promise<Conversation> {
    this.demandOpen()
    const title = demandTitle(options.title)
    const others = new Set((options.members ?? []).map(demandUser))
    others.delete(this.user)
    if (others.size > MAX_CONTROL_ITEMS) {
      throw new WeftError("BAD_ARGUMENT", `a conversation begins with at most ${String(MAX_CONTROL_ITEMS)} others`)
    }
    const members = Array.from(others, (user) => ({ user, role: "member" as const }))
    try {
      return await this.create(title, members)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const text = "the names that a conversation begins with take at most 64 KiB: add the others later"
      throw new WeftError("BODY_TOO_LARGE", text, { cause: error })
    }
  }

  /** Throws RangeError where that does not fit into one entry. */
  private async create(title: string, members: readonly InitialMember[], direct = false): Promise<Conversation> {
    const conversation = await this.parts.replica.create(title, members, this.credentials.trust, direct)
    await introduce(conversation, this, this.credentials)
    const handle = await this.handles.open(conversation.id)
    this.refresh()
    return handle
  }

  async openDirect(other: string): Promise<Conversation> {
    this.demandOpen()
    const user = demandUser(other)
    if (user === this.user) throw new WeftError("BAD_ARGUMENT", "a direct conversation is with somebody else")
    const [present] = this.handles.directWith(user)
    if (present !== undefined) return present
    // Who asks again meanwhile, as by a second click, gets the one that is on its way.
    const opening = this.opening.get(user) ?? this.create("", [{ user, role: "owner" }], true)
    this.opening.set(user, opening)
    return opening.finally(() => this.opening.delete(user))
  }

  private narrow(query: SearchQuery): SearchQuery {
    const { hidden, blocked } = this.account.get()
    const groups = query.conversations?.flatMap((id): readonly string[] => {
      return this.handles.get(id as ConversationId)?.group ?? [id]
    })
    return {
      ...query,
      ...(groups !== undefined && { conversations: groups }),
      ...(hidden.size + blocked.size > 0 && { without: { ids: hidden, authors: blocked } }),
    }
  }

  private show(hit: SearchHit): SearchHit | undefined {
    if (this.isHidden(hit)) return undefined
    const shown = this.handles.get(hit.conversation as ConversationId)?.first ?? hit.conversation
    return shown === hit.conversation ? hit : { ...hit, conversation: shown }
  }

  private isHidden({ id, author }: SearchHit): boolean {
    const { hidden, blocked } = this.account.get()
    return hidden.has(id as MessageId) || blocked.has(author as UserId)
  }

  async join(text: string): Promise<Conversation> {
    this.demandOpen()
    const link = parseLink(text)
    if (link === undefined) throw new WeftError("BAD_ARGUMENT", "this is no link into a conversation")
    const handle = await this.handles.open(link.conversation)
    const { membership } = handle.info.get()
    // Who fell with what let them in was removed by nobody.
    if (membership === "removed" && (await handle.wasMember())) {
      throw new WeftError("NOT_ALLOWED", "no link brings back who was removed")
    }
    if (membership === "left") await handle.undoLeave()
    if (membership === "member" || membership === "left") {
      // A blocked person may have brought this user in; now the user wants to be there.
      if (!handle.isListed(this.account.get())) handle.setListed(true)
      return handle
    }
    this.addServerOf(link)
    await this.joins.add(text)
    // What became of another link is of no interest any more.
    const refused = handle.changes.get().filter(({ kind, status }) => kind === "join" && status === "refused")
    for (const { id } of refused) await handle.dismissChange(id)
    if (this.mayKeep) await this.useLinks()
    handle.review()
    this.refresh()
    return handle
  }

  private addServerOf({ server: url }: InviteLink): void {
    if (url === undefined || !/^wss?:/.test(url)) return
    const server = demandServer(url)
    if (this.mayUse(server)) this.useServer(server)
  }

  /** A link is signed by nobody, and its server would be told the user's token. [SPEC A19] */
  private mayUse(server: string): boolean {
    return this.parts.options.mayUseServer?.(server) ?? !this.hasOwnServers
  }

  /** The writer alone: it meets the servers that links name, and is certified by one. [SPEC A19] */
  private async useLinks(): Promise<void> {
    for (const link of this.joins.all) this.addServerOf(link)
    await this.joins.write(this.credentials.certificate)
  }

  /** Those that a tab took in which nobody told of. [SPEC W3] */
  private async lookForLinks(): Promise<void> {
    if (!this.mayKeep) return
    await this.joins.load()
    await this.useLinks()
  }

  /** Another tab took in a link, or used one: the entry that it used it by is read by then. */
  private async lookForLink(id: ConversationId): Promise<void> {
    await this.talk.reloaded
    await this.joins.look(id)
    if (this.closed !== undefined) return
    if (this.mayKeep) await this.useLinks()
    this.handles.get(id)?.review()
    this.refreshSoon()
  }

  conversation(id: string): Conversation | undefined {
    const parsed = parseConversationId(id)
    const handle = parsed === undefined ? undefined : this.handles.get(parsed)
    const partner = handle !== undefined && isWhole(handle.info.get()) ? handle.info.get().direct : undefined
    // One of several with the same person stands for all.
    const shown = handle && this.handles.get(handle.first)
    const [first = shown] = partner === undefined ? [] : this.handles.directWith(partner)
    return this.shown.all.get().find((conversation) => conversation === first)
  }

  async openConversation(id: string): Promise<Conversation> {
    this.demandOpen()
    const parsed = parseConversationId(id)
    if (parsed === undefined) throw new WeftError("BAD_ARGUMENT", "a conversation's id has 24 letters")
    return this.handles.open(parsed)
  }

  search(text: string, options: SearchOptions = {}): Subscribable<SearchResults> {
    this.demandOpen()
    return this.liveSearch.search(searchQuery(text, options))
  }

  addServer(url: string): void {
    this.demandOpen()
    const server = demandServer(url)
    if (!this.hasOwnServers) this.leaveServersOfLinks(server)
    this.useServer(server)
  }

  /** The application gives its first server: those of links stay only where it says so. */
  private leaveServersOfLinks(given: string): void {
    const { servers } = this.parts
    this.hasOwnServers = true
    const kept = servers.filter((server) => server === given || this.mayUse(server))
    if (kept.length === servers.length) return
    this.session.stop()
    servers.splice(0, servers.length, ...kept)
    this.connect()
  }

  private useServer(server: string): void {
    if (this.parts.servers.includes(server)) return
    this.parts.servers.push(server)
    this.connect()
    this.refresh()
  }

  goOffline(heard = false): void {
    this.own.wantsOnline = false
    this.session.stop()
    if (!heard) this.parts.platform.tabs.tell({ kind: "online", online: false })
    this.refresh()
  }

  goOnline(heard = false): void {
    this.own.wantsOnline = true
    this.connect()
    this.session.hurry()
    if (!heard) this.parts.platform.tabs.tell({ kind: "online", online: true })
    this.refresh()
  }

  synced(): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop = (): void => undefined
      const look = (): boolean => {
        const { connection, pending } = this.own.status.get()
        if (this.closed !== undefined) reject(new WeftError("CLIENT_CLOSED", "this client was closed"))
        else if (connection.kind === "online" && connection.synced && pending.length === 0) resolve()
        else return false
        stop()
        return true
      }
      this.refresh()
      if (!look()) stop = this.status.subscribe(look)
    })
  }

  async doctor(): Promise<Diagnosis> {
    this.demandOpen()
    return this.ownDoctor.diagnose()
  }

  close(): Promise<void> {
    this.closed ??= this.end()
    return this.closed
  }

  private async end(): Promise<void> {
    const { platform, replica } = this.parts
    this.parts.env.clearTimer(this.paintTimer)
    // The status tells those who wait for it.
    queueMicrotask(() => {
      this.refresh()
    })
    await this.session.close()
    replica.wanted.setReachable(false)
    this.signals.close()
    await this.liveSearch.close()
    this.ownDoctor.close()
    for (const stop of this.stops) stop()
    this.parts.env.clearTimer(this.refreshTimer)
    await this.handles.close()
    await replica.close()
    await this.account.close()
    await this.parts.account.close()
    await platform.tabs.stop()
    await platform.storage.close()
  }

  private demandOpen(): void {
    if (this.closed !== undefined) throw new WeftError("CLIENT_CLOSED", "this client was closed")
  }

  private async welcomed(credentials: Credentials): Promise<void> {
    const { replica } = this.parts
    this.credentials = credentials
    // A disk that takes nothing more keeps no device from what others wrote, nor what it holds from them.
    await replica.attempt(() => storeCredentials(this.parts.platform.storage, credentials))
    // Those that were not read are introduced; but an owner adds other keys than those of the last time.
    const name = trustName(credentials.trust)
    for (const { id, unreadRow } of this.handles.all) {
      const known = unreadRow?.basis?.trust ?? ""
      if (known !== "" && known !== name) await replica.attempt(() => this.handles.open(id))
    }
    for (const id of replica.conversations.get().keys()) {
      await replica.attempt(() => replica.using(id, (conversation) => introduce(conversation, this, credentials)))
    }
    await this.joins.write(credentials.certificate)
  }

  /** Here, and in the other tabs once they have read what came before. */
  private async endCatchUp(id: ConversationId, lagged: boolean): Promise<void> {
    await this.talk.reloaded
    if (this.closed !== undefined) return
    await this.handles.hold(id).endCatchUp(lagged)
    // Whoever was told has nobody to tell.
    if (!lagged && this.mayKeep) this.parts.platform.tabs.tell({ kind: "caughtUp", conversation: id })
  }

  private onControl(id: ConversationId): void {
    const { replica } = this.parts
    if (!replica.writing.get()) return
    this.background(() => replica.using(id, (conversation) => introduce(conversation, this, this.credentials)))
  }

  private refreshSoon(): void {
    if (this.refreshing) return
    this.refreshing = true
    const refresh = (): void => {
      this.refreshing = false
      this.refresh()
    }
    // A look at many is paid once for all that happens in a moment.
    if (this.handles.size <= MANY) queueMicrotask(refresh)
    else this.refreshTimer = this.parts.env.setTimer(REFRESH_MS, refresh)
  }

  private refresh(): void {
    const { folded, changed } = this.handles.fold()
    if (this.mayKeep) for (const [handle, first] of folded) this.account.handOver(handle.id, first.id)
    if (changed) this.liveSearch.review()
    const shown = this.handles.all.filter((handle) => handle.isShown && !folded.has(handle))
    shown.sort(byActivity)
    this.shown.show(shown, this.account)
    if (this.mayKeep) this.shown.relist(shown, this.account)
    this.own.refresh(this.closed !== undefined)
  }

  /** Whether this tab looks after what is stored. */
  private get mayKeep(): boolean {
    return this.closed === undefined && this.parts.replica.writing.get()
  }
}
