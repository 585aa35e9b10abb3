import type { RefusalCode } from "../protocol/codes.js"
import type { MessageId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"

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
  /** Undefined where it was erased, or holds content that this version can't read. */
  readonly text: string | undefined
  readonly form: "text" | "erased" | "unreadable"
  /** Whether this user wrote it, on any device. */
  readonly own: boolean
  readonly status: MessageStatus
  /** Why, where the status is `rejected`. */
  readonly rejection: RefusalCode | undefined
}

/** The messages of a conversation, in their order. */
export interface MessageList {
  readonly state: "loading" | "ready"
  /** From the oldest that is loaded to the newest. */
  readonly items: readonly Message[]
  /** Whether there is nothing older on this device than `items`. */
  readonly complete: boolean
}
