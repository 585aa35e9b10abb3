/** React bindings: a provider that owns a client, and hooks over its subscribables. React 18 and later. */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react"
import type { Subscribable } from "./base/store.js"
import type { Account, AccountState, ConversationSettings, TextDraft } from "./client/account-api.js"
import type {
  Client,
  ClientOptions,
  Conversation,
  ConversationInfo,
  ConversationListItem,
  SearchOptions,
} from "./client/api.js"
import type { Change, Invite } from "./client/governance-api.js"
import type { SyncStatus } from "./client/status.js"
import type { GivenMention } from "./conversation/mention.js"
import type { MessageList } from "./conversation/message.js"
import type { MessageReceipts } from "./conversation/receipts.js"
import { nothingUnread, type Unread } from "./conversation/unread.js"
import { createClient } from "./index.js"
import type { MessageId } from "./protocol/entry.js"
import type { UserId } from "./protocol/names.js"
import type { SearchResults } from "./search/live-search.js"
import type { Presence } from "./sync/signals.js"

const ClientContext = createContext<Client | undefined>(undefined)

/** A client from outside, and who sees it. */
export interface GivenClient {
  /** A client that somebody else opened, and closes. */
  readonly client: Client
  readonly children?: ReactNode
}

/** What to open a client with, and who sees it. */
export interface OwnClient {
  /**
   * What to open a client with. It is opened anew when `user`, `name` or `servers` change in value; the rest is read when
   * that happens, so an object literal will do.
   */
  readonly options: ClientOptions
  /** Shown until the client is open, and on a server. */
  readonly loading?: ReactNode
  /** Shown when the client can't be opened; without it the error goes to the next error boundary. `error` is a WeftError. */
  readonly failed?: (error: unknown, retry: () => void) => ReactNode
  readonly children?: ReactNode
}

/** Either a client, or what to open one with. */
export type WeftProviderProps = GivenClient | OwnClient

/** Gives a client to the hooks below it: the one in `client`, or one that it opens from `options` and closes at the end. */
export function WeftProvider(props: WeftProviderProps): ReactNode {
  if ("client" in props) return <ClientContext.Provider value={props.client}>{props.children}</ClientContext.Provider>
  return <ClientOwner {...props} />
}

type Opening =
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly client: Client }
  | { readonly kind: "failed"; readonly error: unknown }

const opening: Opening = { kind: "opening" }

function ClientOwner({ options, loading, failed, children }: OwnClient): ReactNode {
  const [attempt, setAttempt] = useState(0)
  const identity = JSON.stringify([options.user, options.name, options.servers, attempt])
  const [current, setCurrent] = useState<{ identity: string; state: Opening }>({ identity, state: opening })
  const newest = useRef(options)
  /** One client after the other: the next is opened when the one before it is closed. */
  const before = useRef<Promise<void>>(Promise.resolve())

  useEffect(() => {
    newest.current = options
  })

  useEffect(() => {
    let isCurrent = true
    // StrictMode ends the first run in the same task, before this opens anything.
    const client = before.current.then(() => (isCurrent ? createClient(newest.current) : undefined))
    client.then(
      (opened) => {
        if (isCurrent && opened !== undefined) setCurrent({ identity, state: { kind: "open", client: opened } })
      },
      (error: unknown) => {
        if (isCurrent) setCurrent({ identity, state: { kind: "failed", error } })
      },
    )
    return () => {
      isCurrent = false
      // That it could not be opened was told above; that it could not be closed must not keep the next one from opening.
      before.current = client.then((opened) => opened?.close()).catch(() => undefined)
    }
  }, [identity])

  // What belongs to other options is never shown, not even for one frame.
  const state = current.identity === identity ? current.state : opening
  switch (state.kind) {
    case "opening":
      return loading
    case "failed":
      if (failed === undefined) throw state.error
      return failed(state.error, () => {
        setAttempt(attempt + 1)
      })
    case "open":
      return <ClientContext.Provider value={state.client}>{children}</ClientContext.Provider>
  }
}

/** The client of the nearest `WeftProvider`; throws where there is none. */
export function useClient(): Client {
  const client = useContext(ClientContext)
  if (client === undefined) throw new Error("useClient needs a WeftProvider above it")
  return client
}

/** The value of any subscribable of the SDK: renders again when it changes. */
export function useSubscribable<T>(subscribable: Subscribable<T>): T {
  return useValue(subscribable)
}

/** Stands for what this device does not have. */
function never<T>(value: T): Subscribable<T> {
  return { get: () => value, subscribe: () => () => undefined }
}

const nothing = never<ConversationInfo | undefined>(undefined)
const noConversations = never<readonly Conversation[]>([])

/** All conversations of this device that the user belongs to, newest activity first. */
export function useConversations(): readonly Conversation[] {
  return useValue(useClient().conversations, noConversations)
}

const emptyList = never<readonly ConversationListItem[]>([])

/** The conversations with preview, unread count, settings and draft: pinned ones first, then newest activity first. */
export function useConversationList(): readonly ConversationListItem[] {
  return useValue(useClient().list, emptyList)
}

/** What that list leaves out: with blocked people, brought by such people, or taken out after leaving. */
export function useUnlistedConversations(): readonly ConversationListItem[] {
  return useValue(useClient().unlisted, emptyList)
}

/** A conversation and what is known of it now. A new object for every change. */
export interface ConversationView extends ConversationInfo {
  readonly conversation: Conversation
}

/** The conversation; undefined as long as this device does not have it (it may still arrive). */
export function useConversation(conversationOrId: Conversation | string | undefined): ConversationView | undefined {
  const conversation = useKnown(conversationOrId)
  const info = useValue<ConversationInfo | undefined>(conversation?.info ?? nothing, nothing)
  return useMemo(
    () => (conversation === undefined || info === undefined ? undefined : { conversation, ...info }),
    [conversation, info],
  )
}

export interface LoadedMessages extends MessageList {
  /** Makes older messages part of `items`; resolves when they are. Calls while one is under way share its result. */
  readonly loadOlder: () => Promise<void>
  readonly isLoadingOlder: boolean
}

const noMessages = never<MessageList>({ state: "loading", items: [], complete: false })

/** The messages of a conversation, loaded while it is used; `state` is "loading" as long as this device does not have it. */
export function useMessages(conversationOrId: Conversation | string | undefined): LoadedMessages {
  const conversation = useKnown(conversationOrId)
  const list = useValue(conversation?.messages ?? noMessages, noMessages)
  const [loadingOf, setLoadingOf] = useState<Conversation>()
  const underWay = useRef<{ conversation: Conversation; done: Promise<void> }>(undefined)
  const loadOlder = useCallback((): Promise<void> => {
    if (conversation === undefined) return Promise.resolve()
    if (underWay.current?.conversation === conversation) return underWay.current.done
    const done = conversation.loadOlder().finally(() => {
      if (underWay.current?.conversation !== conversation) return
      underWay.current = undefined
      setLoadingOf(undefined)
    })
    underWay.current = { conversation, done }
    setLoadingOf(conversation)
    return done
  }, [conversation])
  const isLoadingOlder = loadingOf !== undefined && loadingOf === conversation
  return useMemo(() => ({ ...list, loadOlder, isLoadingOlder }), [list, loadOlder, isLoadingOlder])
}

/** The thread below a message, without that: complete while it is used; "loading" as long as this device does not have it. */
export function useThread(
  conversationOrId: Conversation | string | undefined,
  root: MessageId | undefined,
): MessageList {
  const conversation = useKnown(conversationOrId)
  const thread = useMemo(
    () => (conversation === undefined || root === undefined ? noMessages : conversation.thread(root)),
    [conversation, root],
  )
  return useValue(thread, noMessages)
}

const nobodyCounts = never(nothingUnread)

/** How many messages are unread, which mention this user, which came late. */
export function useUnread(conversationOrId: Conversation | string | undefined): Unread {
  return useValue(useKnown(conversationOrId)?.unread ?? nobodyCounts, nobodyCounts)
}

const noDraft = never("")
const nobodyNamed = never<readonly GivenMention[]>([])

/**
 * What is typed and not sent yet, in the conversation or in the thread below a message, a function that changes it, as
 * `TextDraft.set` does: at once, so it fits a controlled field; and who is named in it. It may change by itself, as the
 * user's other devices write in it too.
 */
export function useDraft(
  conversationOrId: Conversation | string | undefined,
  thread?: MessageId,
): readonly [text: string, setText: TextDraft["set"], mentions: readonly GivenMention[]] {
  const conversation = useKnown(conversationOrId)
  const draft = useMemo(
    () => (thread === undefined ? conversation?.draft : conversation?.threadDraft(thread)),
    [conversation, thread],
  )
  const setText = useCallback(
    (...change: Parameters<TextDraft["set"]>) => {
      draft?.set(...change)
    },
    [draft],
  )
  return [useValue(draft ?? noDraft, noDraft), setText, useValue(draft?.mentions ?? nobodyNamed, nobodyNamed)]
}

const defaultSettings = never<ConversationSettings>({
  mutedUntil: undefined,
  archived: false,
  pinned: false,
  listed: undefined,
  unreadFrom: undefined,
  threadsUnreadFrom: {},
})

/** Whether the user muted, archived or pinned the conversation, on any device. */
export function useConversationSettings(conversationOrId: Conversation | string | undefined): ConversationSettings {
  return useValue(useKnown(conversationOrId)?.settings ?? defaultSettings, defaultSettings)
}

/** What the user's devices share, and where it is changed. A new object for every change. */
export interface AccountView extends AccountState {
  readonly account: Account
}

const emptyAccount = never<AccountState>({
  blocked: new Set(),
  hidden: new Set(),
  privacy: { receipts: true, lastSeen: true },
  conversations: new Map(),
  drafts: new Map(),
})

/** Blocks, privacy, drafts and settings of conversations. */
export function useAccount(): AccountView {
  const { account } = useClient()
  const state = useValue<AccountState>(account, emptyAccount)
  return useMemo(() => ({ account, ...state }), [account, state])
}

const noChanges = never<readonly Change[]>([])

/** Own changes of membership and settings: on their way, ended, and refused ones with why. Newest last. */
export function useChanges(conversationOrId: Conversation | string | undefined): readonly Change[] {
  return useValue(useKnown(conversationOrId)?.changes ?? noChanges, noChanges)
}

const noInvites = never<readonly Invite[]>([])

/** Ways into the conversation that are open, as far as is known here. */
export function useInvites(conversationOrId: Conversation | string | undefined): readonly Invite[] {
  return useValue(useKnown(conversationOrId)?.invites ?? noInvites, noInvites)
}

const nobody = never<readonly UserId[]>([])

/** Who types in the conversation now, and what to call with every key of this user. */
export function useTyping(
  conversationOrId: Conversation | string | undefined,
): readonly [users: readonly UserId[], setTyping: (on?: boolean) => void] {
  const conversation = useKnown(conversationOrId)
  const setTyping = useCallback((on = true) => conversation?.setTyping(on), [conversation])
  return [useValue(conversation?.typing ?? nobody, nobody), setTyping]
}

const nobodyHere = never<ReadonlyMap<UserId, Presence>>(new Map())

/** Who of the conversation is here, and when others last were: of those who let it be known. */
export function usePresence(conversationOrId: Conversation | string | undefined): ReadonlyMap<UserId, Presence> {
  return useValue(useKnown(conversationOrId)?.presence ?? nobodyHere, nobodyHere)
}

const noReceipts = never<MessageReceipts>({ delivered: [], read: [], waiting: [] })

/** Who has an own message, who has read it, and since when. */
export function useReceipts(
  conversationOrId: Conversation | string | undefined,
  id: MessageId | undefined,
): MessageReceipts {
  const conversation = useKnown(conversationOrId)
  const receipts = useMemo(
    () => (conversation === undefined || id === undefined ? noReceipts : conversation.receipts(id)),
    [conversation, id],
  )
  return useValue(receipts, noReceipts)
}

const nothingFound = never<SearchResults>({ state: "ready", hits: [], complete: true })

/**
 * Hits in all messages of this device, while it is used; none for a blank text without a filter. An object literal will do
 * for `options`.
 */
export function useSearch(text: string, options: SearchOptions = {}): SearchResults {
  const client = useClient()
  const { author, conversation, from = -Infinity, before = Infinity, order, limit } = options
  const results = useMemo(() => {
    const isEmpty = author === undefined && conversation === undefined && from === -Infinity && before === Infinity
    if (text.trim() === "" && isEmpty) return nothingFound
    return client.search(text, { author, conversation, from, before, order, limit })
  }, [client, text, author, conversation, from, before, order, limit])
  return useValue(results, nothingFound)
}

const unknownStatus = never<SyncStatus>({
  connection: { kind: "offline" },
  pending: [],
  storage: { kind: "ok", persisted: false },
  tab: "follower",
})

/** Connection, what is pending and why, storage health. */
export function useSyncStatus(): SyncStatus {
  return useValue(useClient().status, unknownStatus)
}

function useKnown(conversationOrId: Conversation | string | undefined): Conversation | undefined {
  const client = useClient()
  // Also tells when a conversation arrives, or comes back after this user was added again.
  const conversations = useConversations()
  return useMemo(() => {
    if (typeof conversationOrId !== "string") return conversationOrId
    const id = conversationOrId
    return conversations.find((conversation) => conversation.id === id) ?? client.conversation(id)
  }, [client, conversations, conversationOrId])
}

/**
 * `onServer` stands in on a server, and in the browser's first render of what a server rendered: what a device knows that
 * has just begun. So the two agree, whatever each of them holds.
 */
function useValue<T>(subscribable: Subscribable<T>, onServer: Subscribable<T> = subscribable): T {
  const subscribe = useCallback(
    (changed: () => void) =>
      subscribable.subscribe(() => {
        changed()
      }),
    [subscribable],
  )
  const get = useCallback((): T => subscribable.get(), [subscribable])
  const getOnServer = useCallback((): T => onServer.get(), [onServer])
  return useSyncExternalStore(subscribe, get, getOnServer)
}
