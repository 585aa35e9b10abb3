import type { Subscribable } from "../base/store.js"
import type { MessageId } from "../protocol/entry.js"
import type { ConversationId, UserId } from "../protocol/names.js"

/** What a user's devices share, and nobody else sees. A new object for every change. */
export interface AccountState {
  /** Their messages, presence and receipts are hidden, and they get none. */
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
  /** From this message on the user wants to see everything as unread. */
  readonly unreadFrom: MessageId | undefined
}

/** A user's private account, the same on all own devices; works offline. */
export interface Account extends Subscribable<AccountState> {
  /** Whether this user blocked another. */
  isBlocked(user: string): boolean
  /**
   * Hides their messages, presence and receipts from this user, and the reverse. Throws BAD_ARGUMENT for oneself, or a name
   * that is none.
   */
  block(user: string): void
  /** Shows them again, with what they wrote meanwhile. */
  unblock(user: string): void
  /** Changes what is given, on all own devices. */
  setPrivacy(change: Partial<Privacy>): void
  /**
   * Takes back the last erase-for-me, archiving, leave or edit of this device that still stands, also after it synced: as a
   * change of its own. Resolves with it, if there was one. Rejects with STORE_* where this device can't write now.
   */
  undo(): Promise<UndoneAct | undefined>
  /** Resolves when every change so far survives a crash of this device. Rejects with STORE_* where it can't be written now: it is tried again. */
  saved(): Promise<void>
}

/** What `undo` took back. */
export type UndoneAct =
  | { readonly kind: "hide"; readonly message: MessageId }
  | { readonly kind: "archive"; readonly conversation: ConversationId; readonly archived: boolean }
  | ConversationAct

/** What was done in a conversation, and can be taken back there. */
export type ConversationAct =
  | { readonly kind: "leave"; readonly conversation: ConversationId }
  /** `version`: the edit's own id; no text is kept of it, so that erasing leaves none. */
  | {
      readonly kind: "edit"
      readonly conversation: ConversationId
      readonly message: MessageId
      readonly version: MessageId
    }

/** A text that is not sent yet: live, durable at once, merged between devices letter by letter. */
export interface TextDraft extends Subscribable<string> {
  /** Makes it this text, by the least change from what it is. Throws BODY_TOO_LARGE beyond 64 KiB. */
  set(text: string): void
  /** Makes it empty: what this device saw of it goes, what comes meanwhile stays. */
  clear(): void
}
