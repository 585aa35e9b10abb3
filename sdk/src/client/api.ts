import type { Doc } from "yjs"
import type { Env } from "../base/env.js"
import type { Subscribable } from "../base/store.js"
import type { Role } from "../authority/role.js"
import type { GivenMention } from "../conversation/mention.js"
import type { Unread } from "../conversation/unread.js"
import type { MessageReceipts } from "../conversation/receipts.js"
import type { Message, MessageList, MessageStatus, Version } from "../conversation/message.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { MessageId } from "../protocol/entry.js"
import type { ConversationId, DeviceId, UserId } from "../protocol/names.js"
import type { SearchResults } from "../search/live-search.js"
import type { Storage } from "../storage/storage.js"
import type { Governance, Membership, PinnedMessage } from "./governance-api.js"
import type { Account, ConversationSettings, OwnAct, TextDraft } from "./account-api.js"
import type { Provider } from "../sync/mirror.js"
import type { Presence } from "../sync/signals.js"
import type { Diagnosis } from "./diagnosis.js"
import type { SyncStatus } from "./status.js"

/** Who writes, and where to. */
export interface ClientOptions {
  /** Who writes here, as the server's tokens name them; 1 to 128 bytes. */
  readonly user: string
  /** WebSocket URLs of sync servers, in order of preference (`wss://chat.example.org`). None: local only. */
  readonly servers?: readonly string[]
  /**
   * Fetches a token for the server of this URL, as `status` names it (`wss://chat.example.org/sync`); called at every
   * connection and before one ends. Not needed for a development server.
   */
  readonly token?: (server: string) => Promise<string> | string
  /**
   * Whether a server may be used that an invite link names, and that was not given here; its URL is as `token` gets it. Who
   * runs it is told this user's token, and anybody can make a link that names it. By default only where no servers are
   * given at all.
   */
  readonly mayUseServer?: (server: string) => boolean
  /** Where to keep everything. By default IndexedDB in a browser; `@weft/sdk/node` gives LevelDB. */
  readonly storage?: Storage
  /** Name of the local database; by default one for each user. */
  readonly name?: string
  /**
   * What others may know of this user; all of it by default. `receipts`: what was read. `lastSeen`: that the user is
   * here, and when that was last.
   */
  readonly privacy?: { readonly receipts?: boolean; readonly lastSeen?: boolean }
  /**
   * A conversation of which nobody looked at more than the list shows for so long goes out of memory, and is read again
   * when somebody does; milliseconds, by default five minutes. `Infinity`: never.
   */
  readonly releaseAfterMs?: number
  /** How much of each conversation this device keeps on its disk; all of it by default. */
  readonly history?: HistoryOptions
  /** Time, timers and randomness; for tests and simulations. */
  readonly env?: Env
}

/** How much of each conversation a device keeps. */
export interface HistoryOptions {
  /**
   * At least so many of the newest messages stay on the disk, edits and reactions counted among them; a whole number from 1
   * on. Older ones, a thousand together, leave it a while after a server has all of them and they were read. They stay
   * counted and searchable, and come back from a server when somebody asks for them (`loadOlder`, `loadTo`, a quote); where
   * there is none, that rejects with SEGMENT_AWAY, and goes on when there is.
   */
  readonly keep: number
}

/** Which messages are searched, and how hits come. */
export interface SearchOptions {
  /** Only what this user wrote. */
  readonly author?: string | undefined
  /** Only in the conversation with this id. */
  readonly conversation?: string | undefined
  /** Only what was sent then or later; milliseconds since 1970. -Infinity: no bound. */
  readonly from?: number | undefined
  /** Only what was sent before. Infinity: no bound. */
  readonly before?: number | undefined
  /** What answers best first, or newest first; by default "relevance". */
  readonly order?: "relevance" | "time" | undefined
  /** At most so many hits; by default 100, at most 1,000. */
  readonly limit?: number | undefined
}

/** A user's device: its conversations, and their way to the servers. */
export interface Client {
  readonly user: UserId
  readonly device: DeviceId
  /** Live: connection, what is pending and why, storage health. */
  readonly status: Subscribable<SyncStatus>
  /** All conversations of this device that the user belongs to, newest activity first: those that the list leaves out, too. */
  readonly conversations: Subscribable<readonly Conversation[]>
  /**
   * The same with all that a list shows of them: pinned ones first, then newest activity first. From disk, offline too:
   * what was shown the last time is there before any conversation is read.
   */
  readonly list: Subscribable<readonly ConversationListItem[]>
  /**
   * What `list` leaves out, by the last activity: direct conversations with blocked people, groups that such people brought
   * this user into since, and what the user took out after leaving or being removed.
   */
  readonly unlisted: Subscribable<readonly ConversationListItem[]>
  /** What this user's devices share privately: blocks, privacy, settings of conversations. */
  readonly account: Account
  /** Who is here, of those in conversations whose `presence` or `typing` somebody subscribes to. */
  readonly presence: Subscribable<ReadonlyMap<UserId, Presence>>
  /**
   * Opens a conversation; works offline. Throws BAD_ARGUMENT for names that are none, and for more than 4,096 members;
   * BODY_TOO_LARGE where their names and the title do not fit into 64 KiB, which are some 3,000 of 10 letters: add the others later.
   */
  createConversation(options: { title: string; members?: readonly string[] }): Promise<Conversation>
  /**
   * The one conversation with another user: the present one, or a new one. Works offline, on both sides at once: the two
   * that there are then become one, here and there. Throws BAD_ARGUMENT.
   */
  openDirect(user: string): Promise<Conversation>
  /**
   * Comes into a conversation by a link. Works offline: `info` says `joining` until a server lets this user in, or
   * `refused`, and why. The server that a link names is used where `mayUseServer` lets it, else those that are there. Throws
   * BAD_ARGUMENT for a text that is no such link, NOT_ALLOWED for one who was removed.
   */
  join(link: string): Promise<Conversation>
  /** The conversation with this id, where this device has it. */
  conversation(id: string): Conversation | undefined
  /** The same, also where this device has nothing of it yet: a carrier that is attached may fill it. Throws BAD_ARGUMENT. */
  openConversation(id: string): Promise<Conversation>
  /**
   * Searches all messages of this device, offline too, while somebody subscribes: newest segments first, and again when
   * something changes. Words answer by their beginnings and with small mistakes; all of them must. Without a text, what the
   * filters leave is listed, newest first. What this user hides is not found. Throws BAD_ARGUMENT.
   */
  search(text: string, options?: SearchOptions): Subscribable<SearchResults>
  /** Adds a server; the first one begins to connect at once. */
  addServer(url: string): void
  /** Stops connecting and closes the connection, until `goOnline`. Writing goes on. */
  goOffline(): void
  /** Connects again; at once where the network is there. */
  goOnline(): void
  /** Resolves when every server that is connected holds what this device holds, and the reverse. */
  synced(): Promise<void>
  /**
   * Says what is full, slow, skewed or waiting, as a plain object that may be shown or sent to whoever helps: it holds no
   * text, no name and no key. Rejects with CLIENT_CLOSED.
   */
  doctor(): Promise<Diagnosis>
  /** Saves what is under way, closes connection and storage. */
  close(): Promise<void>
}

/** A conversation as a list of them shows it. A new object for every change. */
export interface ConversationListItem {
  readonly conversation: Conversation
  /** Its title, its last message, when that was. */
  readonly info: ConversationInfo
  readonly unread: Unread
  readonly settings: ConversationSettings
  /** What is typed and not sent yet; "" where there is nothing. */
  readonly draft: string
}

/** A member of a conversation. */
export interface Member {
  readonly user: UserId
  readonly role: Role
}

/** What a conversation is, beside its messages. A new object for every change. */
export interface ConversationInfo {
  /** Empty in a direct conversation that nobody named. */
  readonly title: string
  readonly topic: string
  /** With whom it is, where it is a direct conversation; also after one of the two left it. */
  readonly direct: UserId | undefined
  readonly membership: Membership
  /** Why the last link lets this user in nowhere, where `membership` is `refused`. */
  readonly refusal: RefusalCode | undefined
  /** Who brought this user in; this user, who created it or came by a link. Undefined for one who is no member. */
  readonly addedBy: UserId | undefined
  /** Whether this user may write messages, as things stand. */
  readonly mayWrite: boolean
  /** Whether this user may react to messages: also where only moderators and above write. */
  readonly mayReact: boolean
  /** Whether only moderators and above write messages. */
  readonly announcementsOnly: boolean
  /** What was pinned last comes first; at most 32. */
  readonly pinned: readonly PinnedMessage[]
  readonly members: readonly Member[]
  /** This user's role; undefined after being removed. */
  readonly role: Role | undefined
  /** Milliseconds since 1970 of the newest message here, or of the creation. */
  readonly lastActivity: number
  readonly lastMessage: Message | undefined
}

export interface Conversation extends Governance {
  readonly id: ConversationId
  readonly info: Subscribable<ConversationInfo>
  /**
   * The newest messages first, older ones with `loadOlder`. `loading` until the conversation was read: in the background, at
   * once where somebody subscribes.
   */
  readonly messages: Subscribable<MessageList>
  /** Who types now, by name; ends by itself. While somebody subscribes to this or to `presence`, the server tells of both. */
  readonly typing: Subscribable<readonly UserId[]>
  /** Who is here, and when others last were; nobody of whom nothing is known. */
  readonly presence: Subscribable<ReadonlyMap<UserId, Presence>>
  /** This user types, or stopped: call it with every key, the network hears of it every few seconds. Throws CLIENT_CLOSED. */
  setTyping(on?: boolean): void
  /** Who has an own message, who has read it, and since when; nobody of another's message, or of one that is not loaded. */
  receipts(id: MessageId): Subscribable<MessageReceipts>
  /**
   * Makes older messages part of `messages`; resolves when they are. Rejects with SEGMENT_AWAY where `history` let go of
   * them, and no server gives them now: try again when there is one. So do `loadTo` and `loadToDate`.
   */
  loadOlder(): Promise<void>
  /**
   * Lets go of older messages that were loaded, when nobody looks at them any more: `messages` begins with the newest ones
   * again, or with a thread that somebody subscribes to. Resolves when it does.
   */
  releaseOlder(): Promise<void>
  /**
   * Makes everything from a message on part of `messages`: to jump to a quote, a pin, a search hit, the first unread. Resolves
   * with whether it is. `segment`, where it is known, spares reading back through all that lies between.
   */
  loadTo(id: MessageId, segment?: number): Promise<boolean>
  /**
   * The same from a time on, milliseconds since 1970; resolves with the first message at or after it
   * that is in no thread, if there is one.
   */
  loadToDate(time: number): Promise<MessageId | undefined>
  /**
   * Writes a message: at once, whatever the network does. Throws BAD_ARGUMENT for an empty text, BODY_TOO_LARGE beyond
   * 64 KiB, NOT_ALLOWED where this user may not write here, CLOCK_OUT_OF_RANGE, CLIENT_CLOSED.
   */
  send(text: string, options?: SendOptions): OutgoingMessage
  /**
   * Gives an own message another text. Edits that two devices wrote without knowing of one another are merged by words.
   * Until a server has it, the edit stands in the message's `unsent`. Throws as `send` does; BAD_ARGUMENT for a message that
   * is not loaded or has no text, NOT_ALLOWED for one of another user, or that was forwarded.
   */
  edit(id: MessageId, text: string, options?: { readonly mentions?: readonly GivenMention[] }): OutgoingEdit
  /**
   * Erases a message and its edits for everyone: an own one, or as a moderator. Hidden at once; the bytes go from every
   * device and server that hears of it. Resolves when that is durable here. Rejects with NOT_ALLOWED, BAD_ARGUMENT; with
   * STORE_* where it can't be written: it stays hidden, and is written as soon as that works, or at the next call.
   */
  erase(id: MessageId): Promise<void>
  /** Whether `erase` is for this user to do, as things stand; false of a message that is not loaded, was erased or was rejected. */
  mayErase(id: MessageId): boolean
  /** Reacts with one emoji; BAD_ARGUMENT for anything else, and on a message that was rejected. Undefined where this user does already: nothing is written then. Throws as `edit` does. */
  react(id: MessageId, emoji: string): OutgoingMessage | undefined
  /** Takes a reaction back. Undefined where there is none of this user's: nothing is written then. Throws as `edit` does. */
  unreact(id: MessageId, emoji: string): OutgoingMessage | undefined
  /** Writes a message of this or another conversation here, in this user's name; it says who wrote it first. */
  forward(message: Message): OutgoingMessage
  /** A message that is loaded: in `messages`, or for a quote. */
  message(id: MessageId): Message | undefined
  /** The texts that a loaded message had, the first one first; none of an erased one. */
  history(id: MessageId): readonly Version[]
  /** The messages of the thread below a message, without that: live, complete while somebody subscribes. */
  thread(root: MessageId): Subscribable<MessageList>
  /** Hex of SHA-256 over all that is sealed here: two devices or servers with one digest hold the same, byte for byte. */
  digest(): Promise<string>
  /** What is typed and not sent yet; `send` clears it where that is what was sent. */
  readonly draft: TextDraft
  /** The same of the thread below a message. */
  threadDraft(root: MessageId): TextDraft
  /** Muted, archived, pinned: the same on all own devices. */
  readonly settings: Subscribable<ConversationSettings>
  /** Until a time, milliseconds since 1970; by default until unmuted. */
  mute(until?: number): void
  /** Ends it. */
  unmute(): void
  /**
   * Whether it is put away; it stays so when messages come. `client.account.undo` takes back what this returns; undefined
   * where it was so already.
   */
  setArchived(archived: boolean): OwnAct | undefined
  /** Whether it stands before the others in the list. */
  setPinned(pinned: boolean): void
  /**
   * Whether it is in the list at all. False takes out a conversation that this user left, or was removed from, until the user
   * is a member again; NOT_ALLOWED for others: those are archived. True brings it back, and keeps a group that a blocked
   * person brought this user into. `client.account.undo` takes back what this returns; undefined where it was so already.
   */
  setListed(listed: boolean): OwnAct | undefined
  /**
   * How many messages are unread, which mention this user, which came late, of all that this device has, loaded or not;
   * `threads` of what is loaded. What is not loaded is looked for while somebody subscribes: until it was found `counted`
   * is false, and the number the last one that was told.
   */
  readonly unread: Subscribable<Unread>
  /** Everything up to this message was read, but what is in threads; never takes back what was. By default up to the newest. */
  markRead(upTo?: MessageId): void
  /** The same of the thread below a message. */
  markThreadRead(root: MessageId, upTo?: MessageId): void
  /** Shows everything from this message on as unread, until something is marked read: of its thread, where it is in one. */
  markUnread(from: MessageId): void
  /**
   * Hides a message from this user, on all own devices. `client.account.undo` takes back what this returns; undefined where
   * it was hidden already.
   */
  eraseForMe(id: MessageId): OwnAct | undefined
  /** Writes a rejected message, edit or reaction again, as a new one; returns it. Called twice in a row it is written once. */
  retry(id: MessageId): OutgoingMessage
  /** Forgets what was rejected. */
  discard(id: MessageId): Promise<void>
  /**
   * Lets any stock Yjs provider or persistence carry this conversation: `factory` gets each document's name and a mirror
   * of it, and returns the provider. What arrives in the mirror goes through the check; a mirror that holds anything else is
   * destroyed and made anew; where five of a document did, its provider is not asked for again. Call the result to detach.
   * What a provider throws when it is destroyed is told by `status`, as what fails in the background, and keeps nothing else
   * from ending.
   */
  attach(factory: ProviderFactory): () => Promise<void>
}

/** What a message is, beside its text. */
export interface SendOptions {
  /** A loaded message that this one answers: shown as its `quote`. One that was rejected is none. */
  readonly replyTo?: MessageId
  /** A loaded message below which this one stands in a thread. */
  readonly thread?: MessageId
  /** Ascending, not overlapping, at most 64. */
  readonly mentions?: readonly GivenMention[]
}

/** A Yjs provider, as far as a mirror needs one. `mirror` is a `Y.Doc`. */
export type ProviderFactory = (name: string, mirror: Doc) => Provider

/** An edit that this device just wrote; `client.account.undo` takes back its `act`. */
export interface OutgoingEdit extends OutgoingMessage {
  readonly act: OwnAct
}

/**
 * A message that this device just wrote. Where it is no longer loaded, its status is the last that was known; whoever
 * subscribes, or waits in `reached`, hears how it goes on.
 */
export interface OutgoingMessage extends Subscribable<MessageStatus> {
  readonly id: MessageId
  readonly status: MessageStatus
  readonly rejection: RefusalCode | undefined
  /** Resolves when the message has come that far or farther. Rejects with MESSAGE_REJECTED, or CLIENT_CLOSED. */
  reached(status: "saved" | "sent" | "delivered" | "read"): Promise<void>
}
