import type { Subscribable } from "../base/store.js"
import type { OwnAct } from "./account-api.js"
import type { Role } from "../authority/role.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ControlId, MessageId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"

/** A message that is pinned; it may stand in a segment that is not loaded, or be erased meanwhile. */
export interface PinnedMessage {
  readonly id: MessageId
  readonly segment: number
  readonly by: UserId
  /** Milliseconds since 1970. */
  readonly at: number
}

/**
 * How this user stands here. `joining`: a link was used, and no server has let this user in yet; `refused`: none will, by that
 * link, until the change is dismissed or another link is used; `left`: by one's own
 * will, which may be taken back; `unknown`: nothing of the conversation is here.
 */
export type Membership = "member" | "joining" | "refused" | "left" | "removed" | "unknown"

/** Whom a link lets in, and as what. */
export interface InviteOptions {
  /** In which role people join; `member` if not said. Nobody becomes owner by a link. */
  readonly role?: Exclude<Role, "owner">
  /** How many people may join; without a bound if not said. */
  readonly uses?: number
  /** Milliseconds since 1970; never if not said. */
  readonly expiresAt?: number
  /** Where the application is, so that the link opens it: `https://chat.example.org/`. `weft:` if not said. */
  readonly base?: string
}

/** A way into a conversation. */
export interface Invite {
  readonly id: ControlId
  readonly role: Role
  readonly by: UserId
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Undefined: never. */
  readonly expiresAt: number | undefined
  /** Undefined: without a bound. */
  readonly uses: number | undefined
  /** How many joined by it. */
  readonly used: number
  /** On all devices of the user who made it; nobody else has it. Whoever has it may come in. */
  readonly link: string | undefined
}

/** Something that this device wrote about who may do what, or what the conversation is. */
export interface Change {
  readonly id: ControlId
  readonly kind: "add" | "remove" | "leave" | "return" | "role" | "title" | "topic" | "announce" | "pin" | "invite" | "revoke" | "join" // prettier-ignore
  /** Whom it is about, where it is about somebody. */
  readonly user: UserId | undefined
  /** The role, where it gives one. */
  readonly role: Role | undefined
  /** The title or topic, where it sets one. */
  readonly text: string | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  /** `pending`: no server has it yet; `accepted`: one has, and the rules allow it; `refused`: it has no effect. */
  readonly status: "pending" | "accepted" | "refused"
  /** Why it is refused; while it is pending, why it would be, as things stand here. */
  readonly code: RefusalCode | undefined
}

/** Who belongs to a conversation, and what it is set to; each change works offline, and is shown in `changes`. */
export interface Governance {
  /** Own changes on their way, those that ended since this client was opened, and those that were refused: newest last. */
  readonly changes: Subscribable<readonly Change[]>
  /** Ways in that are open, as far as is known here. Expired and used ones too, until they are revoked. */
  readonly invites: Subscribable<readonly Invite[]>
  /** As `member` if not said. Rejects with NOT_ALLOWED where the role does not allow it, BAD_ARGUMENT for a name that is none. */
  addMember(user: string, role?: Role): Promise<void>
  /** What this device has not seen of their messages is dropped everywhere; of this user the same as `leave`. Rejects with NOT_ALLOWED. */
  removeMember(user: string): Promise<void>
  /** Rejects with NOT_ALLOWED, also for the only owner's own role. */
  setRole(user: string, role: Role): Promise<void>
  /** At most 512 bytes (BAD_ARGUMENT). Rejects with NOT_ALLOWED. */
  setTitle(title: string): Promise<void>
  /** At most 2,048 bytes (BAD_ARGUMENT). Rejects with NOT_ALLOWED. */
  setTopic(topic: string): Promise<void>
  /** Whether only moderators and above write messages. */
  setAnnouncementsOnly(on: boolean): Promise<void>
  /** Rejects with BAD_ARGUMENT for a message that is not loaded, or was erased or rejected. */
  pin(message: MessageId): Promise<void>
  /** Takes a pin away, also of a message that is not loaded. Rejects with NOT_ALLOWED. */
  unpin(message: MessageId): Promise<void>
  /** All of several direct conversations that are shown as one. What was written before stays, but for what was written on a device that no server has met yet; `undoLeave` takes it back, or `account.undo` with what this resolves with: unless somebody removes this user meanwhile. */
  leave(): Promise<OwnAct>
  /** Takes a leave back. Rejects with NOT_ALLOWED for one who was removed. */
  undoLeave(): Promise<void>
  /** The link is a secret: who has it may come in. Rejects with NOT_ALLOWED before a server was met that the conversation trusts. */
  createInvite(options?: InviteOptions): Promise<{ readonly id: ControlId; readonly link: string }>
  /** Lets nobody in by it any more; who joined stays. Rejects with NOT_ALLOWED. */
  revokeInvite(id: string): Promise<void>
  /**
   * Writes a refused change again, as things stand now. Rejects with NOT_ALLOWED where it would be refused again, and for a
   * join or an invite: those need a new link.
   */
  retryChange(id: ControlId): Promise<void>
  /** Takes a change that ended out of the list; with a refused join its conversation goes from the list, too. */
  dismissChange(id: ControlId): Promise<void>
}
