import type { RefusalCode } from "../protocol/codes.js"
import type { MessageId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import type { Mention } from "./mention.js"

/**
 * Where an own message is on its way. `saving`: in memory; `saved`: durable on this device; `sent`: durable on a
 * server; `delivered`: on a device of every other member; `read`: by all of them, who let it be known; `rejected`:
 * refused for good, kept here to copy, retry or discard. Messages of others are `sent`. [SPEC P8]
 */
export type MessageStatus = "saving" | "saved" | "sent" | "delivered" | "read" | "rejected"

/** A message as the projection shows it. A new object for every change. */
export interface Message {
  readonly id: MessageId
  readonly author: UserId
  readonly device: DeviceId
  /** Milliseconds since 1970, by its author's clock. */
  readonly sentAt: number
  /** As it is after all edits. Undefined where it was erased, is hidden, or holds content that this version can't read. */
  readonly text: string | undefined
  /** `hidden`: erased for this user alone, or by somebody whom this user blocked; it stands in no list. */
  readonly form: "text" | "erased" | "hidden" | "unreadable"
  /** Whether this user wrote it, on any device. */
  readonly own: boolean
  readonly status: MessageStatus
  /** Why, where the status is `rejected`. */
  readonly rejection: RefusalCode | undefined
  /** Who erased it, where it was erased. */
  readonly erasedBy: UserId | undefined
  /** Undefined where it was never edited. */
  readonly edited: Edited | undefined
  /** Places in `text` that name somebody. */
  readonly mentions: readonly Mention[]
  /** Whether one of them names this user, or everyone. */
  readonly mentionsMe: boolean
  /** The emoji that came first stands first. */
  readonly reactions: readonly Reaction[]
  /** What it replies to. */
  readonly quote: Quote | undefined
  /** The root of the thread that it belongs to. */
  readonly thread: MessageId | undefined
  /** The thread below it, as far as that is loaded; undefined where there is none. */
  readonly replies: Replies | undefined
  /** Who wrote it first, where it was forwarded. */
  readonly forwardedFrom: UserId | undefined
  /** This user's own edits, reactions and erasure of it that no server has yet, or that were refused. */
  readonly unsent: readonly OwnRemark[]
}

/** That a message was edited. */
export interface Edited {
  /** Milliseconds since 1970 of the newest edit. */
  readonly at: number
  /** How often. */
  readonly count: number
}

/** One emoji below a message. */
export interface Reaction {
  readonly emoji: string
  /** Who reacts with it, first ones first; each once. */
  readonly users: readonly UserId[]
  /** Whether this user does. */
  readonly own: boolean
}

/** What a message replies to, as that is now: it follows edits and erasure. */
export type Quote =
  /** Its segment is being read. */
  | { readonly state: "loading"; readonly id: MessageId }
  /** It is not on this device: not arrived yet, or nowhere. */
  | { readonly state: "missing"; readonly id: MessageId }
  /** Erased for this user alone, or by somebody whom this user blocked. */
  | { readonly state: "hidden"; readonly id: MessageId }
  | {
      readonly state: "ready"
      readonly id: MessageId
      readonly author: UserId
      readonly sentAt: number
      readonly form: Message["form"]
      readonly text: string | undefined
    }

/** The thread below a message, in short. */
export interface Replies {
  readonly count: number
  /** Milliseconds since 1970 of the newest one. */
  readonly lastAt: number
}

/** Something that this user said about a message, on its way. `id` is its own: `retry` and `discard` take it. */
export type OwnRemark = {
  readonly id: MessageId
  readonly status: MessageStatus
  readonly rejection: RefusalCode | undefined
} & (
  | { readonly kind: "edit"; readonly text: string }
  | { readonly kind: "reaction"; readonly emoji: string; readonly on: boolean }
  | { readonly kind: "erasure" }
)

/** One text that a message had, or has. */
export interface Version {
  /** The message's own id for the first, the edit's for others. */
  readonly id: MessageId
  /** Milliseconds since 1970. */
  readonly at: number
  readonly device: DeviceId
  readonly text: string
  readonly mentions: readonly Mention[]
}

/** The messages of a conversation, in their order. */
export interface MessageList {
  readonly state: "loading" | "ready"
  /** From the oldest that is loaded to the newest. */
  readonly items: readonly Message[]
  /** Whether there is nothing older on this device than `items`. */
  readonly complete: boolean
}
