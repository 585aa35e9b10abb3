import {
  MAX_SIGNALS,
  SIGNAL_OFFLINE,
  SIGNAL_ONLINE,
  SIGNAL_STOPPED,
  SIGNAL_TYPING,
  type ConversationId,
  type Frame,
  type FrameOf,
  type Timer,
  type UserId,
} from "@weft/sdk/protocol"
import type { Readers } from "../document/change.js"
import type { UserConversations } from "../document/user-index.js"
import type { ServerEnv } from "../env.js"
import { encodeSignals, type Signal } from "./signal-frames.js"

/** A connection that shows conversations, or another server on behalf of those of its own. */
export interface Watcher {
  readonly kind: "device" | "peer"
  /** The user, or the peer's key. */
  readonly name: string
  pass(frame: Uint8Array): void
  send(frame: Frame): void
}

export interface PresencePorts {
  readonly env: ServerEnv
  conversations(user: UserId): Promise<UserConversations>
  members(conversation: ConversationId): Promise<Readers>
  onFrames(count: number): void
}

/** Signals are told together, so often at most. [SPEC P10] */
const SIGNAL_TICK_MS = 100
/** Of more than this, "several people are typing" is all that anybody would show. */
const MAX_TYPING_EACH = 32
const MAX_LAST_SEEN = 50_000
/** What servers watch at one another. */
const MAX_PEER_WATCHED = 4096

interface Watch {
  conversations: ReadonlySet<ConversationId>
  visible: boolean
  hidden: ReadonlySet<UserId>
}

interface Known {
  readonly online: boolean
  readonly at: number
  readonly hidden: ReadonlySet<UserId>
}

/** What is to be told of a user in one conversation. `typing` undefined: only that they came or went. */
interface News {
  readonly typing: boolean | undefined
  /** Of this server's own connections: peers are told too. */
  readonly local: boolean
  /** From whom they hid, where nobody knows that any more. */
  readonly hidden?: ReadonlySet<UserId>
}

const nobody: ReadonlySet<UserId> = new Set()
const nothing: ReadonlySet<ConversationId> = new Set()
const unseen: Known = { online: false, at: 0, hidden: nobody }

/**
 * Who is here, and who types, for those who look. Everything lives in memory, bounded by connections and what they
 * show; the cost of one change is one entry in the next frame of each connection that shows the conversation. [SPEC P9-P12]
 */
export class Presence {
  readonly #ports: PresencePorts
  readonly #watches = new Map<Watcher, Watch>()
  readonly #users = new Map<UserId, Set<Watcher>>()
  readonly #peers = new Map<string, Set<Watcher>>()
  readonly #watchers = new Map<ConversationId, Set<Watcher>>()
  /** By user, the latest last. */
  readonly #lastSeen = new Map<UserId, Known>()
  /** What peers said, of conversations that are shown here. */
  readonly #remote = new Map<string, Map<ConversationId, Map<UserId, Known>>>()
  #news = new Map<ConversationId, Map<UserId, News>>()
  #timer: Timer
  #peersToTell = false
  /** What connections to peers were asked for last. */
  readonly #asked = new WeakMap<Watcher, string>()

  constructor(ports: PresencePorts) {
    this.#ports = ports
  }

  /** Conversations that somebody shows. */
  get watchedCount(): number {
    return this.#watchers.size
  }

  join(watcher: Watcher): void {
    this.#watches.set(watcher, { conversations: nothing, visible: false, hidden: nobody })
    if (watcher.kind === "device") add(this.#users, watcher.name as UserId, watcher)
    else {
      add(this.#peers, watcher.name, watcher)
      this.#tellPeers()
    }
  }

  async leave(watcher: Watcher): Promise<void> {
    const watch = this.#watches.get(watcher)
    if (watch === undefined) return
    this.#watches.delete(watcher)
    for (const conversation of watch.conversations) this.#unwatch(watcher, conversation)
    if (watcher.kind === "peer") {
      remove(this.#peers, watcher.name, watcher)
      // Its other connection knows nothing yet of what is shown here.
      if (this.#peers.has(watcher.name)) this.#tellPeers()
      else this.#forgetPeer(watcher.name)
      return
    }
    const user = watcher.name as UserId
    remove(this.#users, user, watcher)
    if (watch.visible && !this.#isOnline(user)) await this.#gone(user, watch.hidden)
  }

  /** What a connection shows from now on. `mayRead`: those of its user's. */
  async watch(watcher: Watcher, frame: FrameOf<"watch">, mayRead: ReadonlySet<ConversationId>): Promise<void> {
    const watch = this.#watches.get(watcher)
    if (watch === undefined) return
    const fresh: ConversationId[] = []
    for (const conversation of mayRead) {
      if (watch.conversations.has(conversation)) continue
      fresh.push(conversation)
      add(this.#watchers, conversation, watcher)
    }
    for (const conversation of watch.conversations) {
      if (!mayRead.has(conversation)) this.#unwatch(watcher, conversation)
    }
    watch.conversations = mayRead
    this.#tellPeers()
    if (watcher.kind === "device") await this.#show(watcher, watch, frame)
    for (const conversation of fresh) await this.#describe(watcher, conversation)
  }

  async #show(watcher: Watcher, watch: Watch, { visible, hidden }: FrameOf<"watch">): Promise<void> {
    const user = watcher.name as UserId
    const before = this.#isOnline(user)
    const hides = new Set(hidden)
    const changed = hides.size !== watch.hidden.size || hidden.some((other) => !watch.hidden.has(other))
    watch.visible = visible
    watch.hidden = hides
    const now = this.#isOnline(user)
    if (before && !now) {
      // Kept to oneself from now on, when it was too.
      this.#lastSeen.delete(user)
      await this.#announce(user)
    } else if (now && (!before || changed)) await this.#announce(user)
  }

  /** False where the connection does not show that conversation. */
  typing(watcher: Watcher, { conversation, on }: FrameOf<"typing">): boolean {
    if (this.#watches.get(watcher)?.conversations.has(conversation) !== true) return false
    this.#tell(conversation, watcher.name as UserId, { typing: on, local: true })
    return true
  }

  /** What another server says of its users. It goes to this one's devices, and no further. [SPEC P11] */
  signals(watcher: Watcher, { items }: FrameOf<"signals">): void {
    for (const { conversation, user, state, at, hidden } of items) {
      if (!this.#watchers.has(conversation)) continue
      let conversations = this.#remote.get(watcher.name)
      if (conversations === undefined)
        this.#remote.set(watcher.name, (conversations = new Map<ConversationId, Map<UserId, Known>>()))
      let users = conversations.get(conversation)
      if (users === undefined) conversations.set(conversation, (users = new Map<UserId, Known>()))
      users.delete(user)
      users.set(user, { online: state !== SIGNAL_OFFLINE, at, hidden: new Set(hidden) })
      if (users.size > MAX_SIGNALS * 4) for (const oldest of users.keys()) if (users.delete(oldest)) break
      const typing = state === SIGNAL_TYPING ? true : state === SIGNAL_STOPPED ? false : undefined
      this.#tell(conversation, user, { typing, local: false })
    }
  }

  /** Tells nothing more. */
  stop(): void {
    this.#ports.env.clearTimer(this.#timer)
  }

  /** These users may not read this conversation any more. */
  letOut(conversation: ConversationId, users: readonly UserId[]): void {
    for (const user of users) {
      for (const watcher of this.#users.get(user) ?? []) {
        const watch = this.#watches.get(watcher)
        if (watch?.conversations.has(conversation) !== true) continue
        watch.conversations = new Set(Array.from(watch.conversations).filter((other) => other !== conversation))
        this.#unwatch(watcher, conversation)
      }
      this.#news.get(conversation)?.delete(user)
    }
  }

  /** These users are members since just now: who shows the conversation sees whether they are here. */
  letIn(conversation: ConversationId, users: readonly UserId[]): void {
    for (const user of users) {
      if (this.#isOnline(user)) this.#tell(conversation, user, { typing: undefined, local: true })
    }
  }

  #isOnline(user: UserId): boolean {
    for (const watcher of this.#users.get(user) ?? []) if (this.#watches.get(watcher)?.visible === true) return true
    return false
  }

  async #gone(user: UserId, hidden: ReadonlySet<UserId>): Promise<void> {
    this.#lastSeen.delete(user)
    this.#lastSeen.set(user, { online: false, at: Math.floor(this.#ports.env.now()), hidden })
    if (this.#lastSeen.size > MAX_LAST_SEEN)
      for (const oldest of this.#lastSeen.keys()) if (this.#lastSeen.delete(oldest)) break
    await this.#announce(user)
  }

  /** Somebody came or went: those who show a conversation of theirs are told. */
  async #announce(user: UserId): Promise<void> {
    for (const [conversation, standing] of await this.#ports.conversations(user)) {
      if (standing !== "member" || !this.#watchers.has(conversation)) continue
      this.#tell(conversation, user, { typing: undefined, local: true })
    }
  }

  #tell(conversation: ConversationId, user: UserId, news: News): void {
    if (!this.#watchers.has(conversation)) return
    let users = this.#news.get(conversation)
    if (users === undefined) this.#news.set(conversation, (users = new Map<UserId, News>()))
    const before = users.get(user)
    const typing = news.typing ?? before?.typing
    if (typing !== undefined && before === undefined) {
      let typists = 0
      for (const other of users.values()) if (other.typing !== undefined) typists++
      if (typists >= MAX_TYPING_EACH) return
    }
    const hidden = news.hidden ?? before?.hidden
    users.set(user, { typing, local: news.local || before?.local === true, ...(hidden && { hidden }) })
    this.#tick()
  }

  #tick(): void {
    this.#timer ??= this.#ports.env.setTimer(SIGNAL_TICK_MS, () => {
      this.#timer = undefined
      if (this.#peersToTell) this.#watchAtPeers()
      this.#flush()
    })
  }

  /** One frame for each connection, whatever changed in all that it shows. */
  #flush(): void {
    const news = this.#news
    this.#news = new Map()
    const told = new Map<Watcher, Signal[]>()
    for (const [conversation, users] of news) {
      for (const watcher of this.#watchers.get(conversation) ?? []) {
        const signals = Array.from(users).flatMap(([user, one]) => this.#signal(watcher, conversation, user, one) ?? [])
        if (signals.length > 0) told.set(watcher, [...(told.get(watcher) ?? []), ...signals])
      }
    }
    let frames = 0
    for (const [watcher, signals] of told) {
      for (const frame of encodeSignals(signals)) {
        watcher.pass(frame)
        frames++
      }
    }
    this.#ports.onFrames(frames)
  }

  /** What a watcher is told of a user; undefined: nothing. */
  #signal(watcher: Watcher, conversation: ConversationId, user: UserId, news: News): Signal | undefined {
    const { typing, local } = news
    const isPeer = watcher.kind === "peer"
    if (isPeer ? !local : watcher.name === user) return undefined
    const { online, at, hidden } = isPeer ? this.#knownHere(user) : this.#known(conversation, user)
    const reader = watcher.name as UserId
    if (!isPeer && (hidden.has(reader) || news.hidden?.has(reader) === true)) return undefined
    const state =
      typing === true ? SIGNAL_TYPING : !online ? SIGNAL_OFFLINE : typing === false ? SIGNAL_STOPPED : SIGNAL_ONLINE
    return {
      conversation,
      user,
      state,
      at: state === SIGNAL_OFFLINE ? at : online ? 1 : 0,
      hidden: isPeer ? Array.from(hidden) : [],
    }
  }

  /** By this server's own connections. */
  #knownHere(user: UserId): Known {
    const connections = this.#users.get(user)
    if (connections === undefined) return this.#lastSeen.get(user) ?? unseen
    const hidden = new Set<UserId>()
    for (const watcher of connections) for (const other of this.#watches.get(watcher)?.hidden ?? []) hidden.add(other)
    const online = this.#isOnline(user)
    return { online, at: online ? 0 : (this.#lastSeen.get(user)?.at ?? 0), hidden }
  }

  #known(conversation: ConversationId, user: UserId): Known {
    let { online, at, hidden } = this.#knownHere(user)
    for (const conversations of this.#remote.values()) {
      const other = conversations.get(conversation)?.get(user)
      if (other === undefined) continue
      online ||= other.online
      at = Math.max(at, other.at)
      if (other.hidden.size > 0) hidden = new Set([...hidden, ...other.hidden])
    }
    return { online, at, hidden }
  }

  /** What there is to tell to who begins to show a conversation. */
  async #describe(watcher: Watcher, conversation: ConversationId): Promise<void> {
    const members = await this.#ports.members(conversation)
    if (watcher.kind === "device" && !members.has(watcher.name as UserId)) {
      // Let out between the look at what its user may read and the moment from which it is told.
      this.letOut(conversation, [watcher.name as UserId])
      return
    }
    const news: News = { typing: undefined, local: true }
    const signals: Signal[] = []
    const last: Signal[] = []
    for (const user of members.keys()) {
      const signal = this.#signal(watcher, conversation, user, news)
      if (signal?.state === SIGNAL_ONLINE) signals.push(signal)
      else if (signal !== undefined && signal.at > 0) last.push(signal)
      if (signals.length >= MAX_SIGNALS) break
    }
    const frames = encodeSignals([...signals, ...last].slice(0, MAX_SIGNALS))
    for (const frame of frames) watcher.pass(frame)
    this.#ports.onFrames(frames.length)
  }

  #unwatch(watcher: Watcher, conversation: ConversationId): void {
    remove(this.#watchers, conversation, watcher)
    if (this.#watchers.has(conversation)) return
    for (const conversations of this.#remote.values()) conversations.delete(conversation)
    this.#tellPeers()
  }

  #tellPeers(): void {
    if (this.#peers.size === 0) return
    this.#peersToTell = true
    this.#tick()
  }

  /** Asks the peers for what this server's devices show. */
  #watchAtPeers(): void {
    this.#peersToTell = false
    const conversations: ConversationId[] = []
    for (const [conversation, watchers] of this.#watchers) {
      if (conversations.length === MAX_PEER_WATCHED) break
      for (const { kind } of watchers) {
        if (kind !== "device") continue
        conversations.push(conversation)
        break
      }
    }
    const list = conversations.join()
    for (const [first] of this.#peers.values()) {
      // What a peer shows changes nothing of that: else two servers would tell each other the same for ever.
      if (first === undefined || (this.#asked.get(first) ?? "") === list) continue
      this.#asked.set(first, list)
      first.send({ kind: "watch", conversations, visible: false, hidden: [] })
    }
  }

  /** A peer is out of reach: whom it alone saw is gone for all that is known here. */
  #forgetPeer(name: string): void {
    const conversations = this.#remote.get(name)
    this.#remote.delete(name)
    for (const [conversation, users] of conversations ?? []) {
      for (const [user, { online, hidden }] of users) {
        if (online) this.#tell(conversation, user, { typing: undefined, local: false, hidden })
      }
    }
  }
}

function add<K>(map: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  const set = map.get(key)
  if (set === undefined) map.set(key, new Set([watcher]))
  else set.add(watcher)
}

function remove<K>(map: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  const set = map.get(key)
  set?.delete(watcher)
  if (set?.size === 0) map.delete(key)
}
