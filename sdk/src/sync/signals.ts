import type { Env, Timer } from "../base/env.js"
import { createStore, type Store, type Subscribable } from "../base/store.js"
import { SIGNAL_OFFLINE, SIGNAL_TYPING, type Frame, type FrameOf } from "../protocol/frame.js"
import { MAX_HIDDEN, MAX_WATCHED, TYPING_MS } from "../protocol/limits.js"
import type { ConversationId, UserId } from "../protocol/names.js"

/** Whether somebody is here now, or when they were last; of whom nothing is known there is none. */
export type Presence =
  | { readonly kind: "online" }
  /** `at`: milliseconds since 1970. */
  | { readonly kind: "lastSeen"; readonly at: number }

export type SignalItems = FrameOf<"signals">["items"]

export interface SignalsPorts {
  readonly env: Env
  readonly user: UserId
  /** Who is in a conversation, as far as is known. */
  readonly membersOf: (conversation: ConversationId) => Iterable<UserId>
  /** Asks the tab that holds the connection, where this one does not. */
  readonly ask: (asked: AskedSignal) => void
  /** Tells the other tabs what came. */
  readonly pass: (items: SignalItems) => void
}

/** What a tab without a connection asks the one that holds it for. */
export type AskedSignal =
  | { readonly kind: "shows"; readonly tab: string; readonly conversations: readonly ConversationId[] }
  | { readonly kind: "typing"; readonly conversation: ConversationId; readonly on: boolean }

/** Who types is told anew before it ends by itself. */
const RENEW_MS = TYPING_MS / 2
/** Changes of what is shown go out together. */
const WATCH_MS = 50
/** How long a tab that said nothing more counts as showing something, and how often it says it. */
const TAB_MS = 30_000
const TAB_REPEAT_MS = 10_000

interface Shown {
  readonly typing: Store<readonly UserId[]>
  readonly presence: Store<ReadonlyMap<UserId, Presence>>
  /** What was told of everybody, of those who are not shown too: a block may end. */
  readonly told: Map<UserId, Presence>
  /** When each typist's word ends. */
  readonly until: Map<UserId, number>
  listeners: { typing: number; presence: number }
  timer: Timer
  /** When this user last said that they type here; undefined: they don't. */
  typedAt: number | undefined
}

const nobody: readonly UserId[] = []
const nothing: ReadonlyMap<UserId, Presence> = new Map()
const online: Presence = { kind: "online" }

/** Who types and who is here, in the conversations that this device shows: those that somebody subscribes to. [SPEC P9-P12] */
export class Signals {
  /** Of everybody in the conversations that are shown. */
  readonly presence = createStore(nothing)
  readonly #ports: SignalsPorts
  readonly #tab: string
  readonly #shown = new Map<ConversationId, Shown>()
  readonly #tabs = new Map<string, { readonly conversations: readonly ConversationId[]; readonly at: number }>()
  #send: ((frame: Frame) => void) | undefined
  #visible = true
  #hidden: ReadonlySet<UserId> = new Set()
  /** Whether all who are hidden from fit into what a server is told. */
  #mayBeSeen = true
  #timer: Timer
  #repeat: Timer
  #closed = false

  constructor(ports: SignalsPorts) {
    this.#ports = ports
    this.#tab = Array.from(ports.env.randomBytes(9), (byte) => byte.toString(36)).join("")
  }

  typing(conversation: ConversationId): Subscribable<readonly UserId[]> {
    return this.#of(conversation).typing
  }

  presenceIn(conversation: ConversationId): Subscribable<ReadonlyMap<UserId, Presence>> {
    return this.#of(conversation).presence
  }

  /** Whether others may see that this user is here, and users of whom nothing is shown, and who are shown nothing. */
  setPrivacy(visible: boolean, hidden: ReadonlySet<UserId>): void {
    this.#visible = visible
    this.#hidden = hidden
    this.#show(this.#shown.values())
    this.#watchSoon()
  }

  /** Other people are in some conversation now. */
  reviewMembers(): void {
    if (this.#hidden.size > MAX_HIDDEN) this.#watchSoon()
  }

  /** This user types in a conversation, or stopped. Call it with every key: it says so every few seconds. */
  setTyping(conversation: ConversationId, on: boolean): void {
    const shown = this.#of(conversation)
    const now = this.#ports.env.now()
    const { typedAt } = shown
    if (on ? typedAt !== undefined && Math.abs(now - typedAt) < RENEW_MS : typedAt === undefined) return
    const isTold = this.#shows(shown) && this.#timer === undefined
    shown.typedAt = on ? now : undefined
    // A server takes a word only about what it was told is shown.
    if (!isTold) this.#watch()
    this.#say(conversation, on)
    if (!on) this.#watchSoon()
  }

  #say(conversation: ConversationId, on: boolean): void {
    if (this.#send === undefined) this.#ports.ask({ kind: "typing", conversation, on })
    else this.#tellTyping(conversation, on)
  }

  #tellTyping(conversation: ConversationId, on: boolean): void {
    // Who can't be hidden from is not told either.
    if (this.#mayBeSeen) this.#send?.({ kind: "typing", conversation, on })
  }

  /** A connection is there. */
  connected(send: (frame: Frame) => void): void {
    this.#send = send
    this.#watch()
  }

  /** What was known of others is known no more. */
  disconnected(): void {
    this.#send = undefined
    for (const shown of this.#shown.values()) this.#forget(shown)
  }

  /** Another tab asks. */
  asked(asked: AskedSignal): void {
    if (this.#send === undefined) return
    if (asked.kind === "typing") {
      this.#tellTyping(asked.conversation, asked.on)
      return
    }
    this.#tabs.set(asked.tab, { conversations: asked.conversations, at: this.#ports.env.now() })
    this.#watchSoon()
  }

  /** What the server tells, or the tab that it told. */
  take(items: SignalItems, passed = false): void {
    if (!passed) this.#ports.pass(items)
    const { env, user: own } = this.#ports
    const now = env.now()
    const changed = new Set<Shown>()
    for (const { conversation, user, state, at } of items) {
      const shown = this.#shown.get(conversation)
      if (shown === undefined || user === own) continue
      changed.add(shown)
      if (state === SIGNAL_TYPING) shown.until.set(user, now + TYPING_MS)
      else shown.until.delete(user)
      if (state !== SIGNAL_OFFLINE && at === 1) shown.told.set(user, online)
      else if (state === SIGNAL_OFFLINE && at > 1) shown.told.set(user, { kind: "lastSeen", at })
      else if (state === SIGNAL_OFFLINE) shown.told.delete(user)
    }
    this.#show(changed)
  }

  /** The server dropped something, for being too fast: what is shown is said again. */
  declined({ code, retryAfterMs, device }: FrameOf<"declined">): void {
    if (device.length === 0 && code === "RATE_LIMITED") this.#watchSoon(Math.max(retryAfterMs, 1_000))
  }

  close(): void {
    this.#closed = true
    this.#ports.env.clearTimer(this.#timer)
    this.#ports.env.clearTimer(this.#repeat)
    for (const { timer } of this.#shown.values()) this.#ports.env.clearTimer(timer)
  }

  #of(conversation: ConversationId): Shown {
    const present = this.#shown.get(conversation)
    if (present !== undefined) return present
    const count = (kind: "typing" | "presence") => (listeners: number) => {
      const before = this.#shows(shown)
      shown.listeners[kind] = listeners
      if (this.#shows(shown) === before) return
      if (before) this.#forget(shown)
      this.#watchSoon()
    }
    const shown: Shown = {
      typing: createStore(nobody, count("typing")),
      presence: createStore(nothing, count("presence")),
      told: new Map(),
      until: new Map(),
      listeners: { typing: 0, presence: 0 },
      timer: undefined,
      typedAt: undefined,
    }
    this.#shown.set(conversation, shown)
    return shown
  }

  #shows({ listeners, typedAt }: Shown): boolean {
    return listeners.typing + listeners.presence > 0 || typedAt !== undefined
  }

  #forget(shown: Shown): void {
    shown.until.clear()
    shown.told.clear()
    this.#show([shown])
  }

  /** What was told, but of those who are hidden. */
  #show(changed: Iterable<Shown>): void {
    for (const shown of changed) {
      this.#showTyping(shown)
      const known = Array.from(shown.told).filter(([user]) => !this.#hidden.has(user))
      const before = shown.presence.get()
      const same = known.length === before.size && known.every(([user, one]) => before.get(user) === one)
      if (!same) shown.presence.set(new Map(known))
    }
    this.#showPresence()
  }

  /** Who types now; looks again when the next word ends. */
  #showTyping(shown: Shown): void {
    const { env } = this.#ports
    const now = env.now()
    // A word that reaches further than it can was given under a clock that went back.
    for (const [user, until] of shown.until) if (until <= now || until > now + TYPING_MS) shown.until.delete(user)
    const typists = Array.from(shown.until.keys())
      .filter((user) => !this.#hidden.has(user))
      .sort()
    const before = shown.typing.get()
    if (typists.length !== before.length || typists.some((user, index) => user !== before[index])) {
      shown.typing.set(typists.length === 0 ? nobody : typists)
    }
    env.clearTimer(shown.timer)
    shown.timer = undefined
    if (shown.until.size === 0 || this.#closed) return
    const next = Math.min(...shown.until.values())
    shown.timer = env.setTimer(next - now + 1, () => {
      this.#showTyping(shown)
    })
  }

  #showPresence(): void {
    const all = new Map<UserId, Presence>()
    for (const { presence } of this.#shown.values()) {
      for (const [user, one] of presence.get()) {
        const other = all.get(user)
        if (one.kind === "online" || other === undefined || (other.kind === "lastSeen" && other.at < one.at)) {
          all.set(user, one)
        }
      }
    }
    const before = this.presence.get()
    const same = all.size === before.size && Array.from(all).every(([user, one]) => before.get(user) === one)
    if (!same) this.presence.set(all)
  }

  #watchSoon(ms = WATCH_MS): void {
    if (this.#closed) return
    this.#timer ??= this.#ports.env.setTimer(ms, () => {
      this.#watch()
    })
  }

  #watch(): void {
    const { env } = this.#ports
    env.clearTimer(this.#timer)
    this.#timer = undefined
    env.clearTimer(this.#repeat)
    const now = env.now()
    const own: ConversationId[] = []
    for (const [conversation, shown] of this.#shown) {
      // Who types no more, but did not say so.
      if (shown.typedAt !== undefined && now - shown.typedAt > 2 * TYPING_MS) shown.typedAt = undefined
      if (this.#shows(shown)) own.push(conversation)
    }
    if (this.#send === undefined) {
      this.#ports.ask({ kind: "shows", tab: this.#tab, conversations: own })
      if (own.length > 0 && !this.#closed) {
        this.#repeat = env.setTimer(TAB_REPEAT_MS, () => {
          this.#watch()
        })
      }
      return
    }
    for (const [tab, { at }] of this.#tabs) if (now - at > TAB_MS) this.#tabs.delete(tab)
    const all = new Set(own)
    for (const { conversations } of this.#tabs.values()) for (const conversation of conversations) all.add(conversation)
    // The ones that came last are in front of somebody's eyes.
    const conversations = Array.from(all).slice(-MAX_WATCHED)
    const hidden = this.#hiddenIn(conversations)
    this.#mayBeSeen = hidden.length <= MAX_HIDDEN
    const visible = this.#visible && this.#mayBeSeen
    this.#send({ kind: "watch", conversations, visible, hidden: hidden.slice(0, MAX_HIDDEN) })
  }

  /** Where more are hidden than a frame names: those who could see something. [SPEC P12] */
  #hiddenIn(conversations: readonly ConversationId[]): UserId[] {
    const hidden = Array.from(this.#hidden)
    if (hidden.length <= MAX_HIDDEN) return hidden
    const present = new Set(conversations.flatMap((id) => Array.from(this.#ports.membersOf(id))))
    return hidden.filter((user) => present.has(user))
  }
}
