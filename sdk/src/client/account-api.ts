import type { Subscribable } from "../base/store.js"
import type { GivenMention } from "../conversation/mention.js"
import type { ControlId, MessageId } from "../protocol/entry.js"
import type { ConversationId, UserId } from "../protocol/names.js"

/** What a user's devices share, and nobody else sees. A new object for every change. */
export interface AccountState {
  /** Their messages, reactions, presence and receipts are not shown, and they are told nothing of this user. */
  readonly blocked: ReadonlySet<UserId>
  /** Messages that were erased for this user alone. */
  readonly hidden: ReadonlySet<MessageId>
  readonly privacy: Privacy
  /** Of conversations that are muted, archived, pinned or marked unread. */
  readonly conversations: ReadonlyMap<ConversationId, ConversationSettings>
  /** Drafts that are not empty, by conversation, or `<conversation>/<id of a thread's first message>`. */
  readonly drafts: ReadonlyMap<string, string>
}

/** What others are told of this user. */
export interface Privacy {
  /** Whether others are told what was read. Default true. */
  readonly receipts: boolean
  /** Whether others are told when this user was last here. Default true. */
  readonly lastSeen: boolean
}

/** How the user keeps a conversation. */
export interface ConversationSettings {
  /** Milliseconds since 1970; Infinity: until unmuted; undefined: not muted. It may be over by now. */
  readonly mutedUntil: number | undefined
  readonly archived: boolean
  readonly pinned: boolean
  /** False: taken out of the list; true: wanted there, whoever brought this user in. */
  readonly listed: boolean | undefined
  /** From this message on the user wants to see everything as unread. */
  readonly unreadFrom: MessageId | undefined
  /** The same of threads, by their first messages. */
  readonly threadsUnreadFrom: Readonly<Record<MessageId, MessageId>>
}

/** A user's private account, the same on all own devices; works offline. */
export interface Account extends Subscribable<AccountState> {
  /** Whether this user blocked another. */
  isBlocked(user: string): boolean
  /**
   * Hides what they write, their reactions, presence and receipts from this user, and tells them nothing of this user any
   * more: no presence, no typing, no receipts. Throws BAD_ARGUMENT for oneself, or a name that is none.
   */
  block(user: string): void
  /** Shows them again, with what they wrote meanwhile: as unread. */
  unblock(user: string): void
  /** Changes what is given, on all own devices. */
  setPrivacy(change: Partial<Privacy>): void
  /**
   * Takes back an erase-for-me, archiving, leave or edit, also after it synced: as a change of its own. By default the last
   * one of this device; called again, the one before. What does not stand any more is `gone`: nothing is changed then.
   * Rejects with NOT_ALLOWED where this user may not do the opposite; with STORE_* where this device can't write now: what it
   * took back by then stays so, and is written later.
   */
  undo(act?: OwnAct): Promise<UndoResult>
  /** Resolves when every change so far survives a crash of this device. Rejects with STORE_* where it can't be written now: it is tried again. */
  saved(): Promise<void>
}

/** What became of an undo. */
export type UndoResult =
  | { readonly kind: "undone"; readonly act: OwnAct }
  /** It does not stand any more: something was done about the same since, here or on another device. */
  | { readonly kind: "gone"; readonly act: OwnAct }
  /** This device did nothing that it could take back. */
  | { readonly kind: "nothing" }

/** What this user did, as `undo` takes it. A plain value; an application keeps it as long as it offers to take it back. */
export type OwnAct = AccountAct | ConversationAct

/** What was done in the account. `change` names the write itself: the same again is another act. */
export type AccountAct =
  | { readonly kind: "hide"; readonly message: MessageId; readonly change: string }
  | {
      readonly kind: "archive"
      readonly conversation: ConversationId
      readonly archived: boolean
      readonly change: string
    }
  | {
      readonly kind: "list"
      readonly conversation: ConversationId
      readonly listed: boolean
      readonly before: boolean | undefined
      readonly change: string
    }

/** What was done in a conversation, and can be taken back there. */
export type ConversationAct =
  /** `changes`: the entries that say so; several where direct conversations are shown as one. */
  | { readonly kind: "leave"; readonly conversation: ConversationId; readonly changes: readonly ControlId[] }
  /** `version`: the edit's own id; no text is kept of it, so that erasing leaves none. */
  | {
      readonly kind: "edit"
      readonly conversation: ConversationId
      readonly message: MessageId
      readonly version: MessageId
    }

/** A text that is not sent yet: live, durable at once, merged between devices letter by letter. */
export interface TextDraft extends Subscribable<string> {
  /** Who is named in it, as `send` takes it: ranges of the text, which follow what any device types around them. */
  readonly mentions: Subscribable<readonly GivenMention[]>
  /**
   * Makes it this text, by the least change from what it is. `mentions`: these and no others; without it those that were
   * there stay, where their letters do. Throws BODY_TOO_LARGE beyond 64 KiB, BAD_ARGUMENT for mentions as `send` does.
   */
  set(text: string, options?: { readonly mentions?: readonly GivenMention[] }): void
  /** Makes it empty: what this device saw of it goes, what comes meanwhile stays. */
  clear(): void
}
