/* What a chaos run and the processes that hold its clients say to each other. */

export interface Opening {
  /** Its index in the run. */
  readonly client: number
  readonly user: string
  readonly servers: readonly string[]
  /** LevelDB's folder; without one the client lives in memory. */
  readonly directory?: string
}

export type Request =
  | { readonly kind: "open"; readonly clients: readonly Opening[] }
  | { readonly kind: "create"; readonly client: number; readonly title: string; readonly members: readonly string[] }
  /** Answered when the client is a member. */
  | { readonly kind: "join"; readonly client: number; readonly conversation: string }
  | { readonly kind: "write"; readonly client: number; readonly conversation: string; readonly text: string }
  /** `whole`: all messages are read and hashed. */
  | { readonly kind: "views"; readonly whole: boolean }
  /** Messages of a conversation: all of them, or the newest ones. */
  | { readonly kind: "read"; readonly client: number; readonly conversation: string; readonly newest?: number }
  | { readonly kind: "close" }

interface ConversationView {
  readonly id: string
  readonly digest: string
  readonly projection: string
  /** Own messages that are neither acknowledged nor rejected. */
  readonly unsettled: number
  /** Texts that this client shows as rejected. */
  readonly rejected: readonly string[]
}

export interface ClientView {
  readonly client: number
  /** JSON, for people. */
  readonly connection: string
  /** JSON of a list. */
  readonly pending: string
  readonly conversations: readonly ConversationView[]
}

interface ShownMessage {
  readonly author: string
  readonly text: string
  readonly status: "saving" | "saved" | "sent" | "delivered" | "read" | "rejected"
  /** Whether this device wrote it. */
  readonly mine: boolean
}

export interface Answer {
  readonly conversation?: string
  readonly views?: readonly ClientView[]
  readonly items?: readonly ShownMessage[]
}

export type HostEvent =
  | { readonly kind: "ready" }
  | { readonly kind: "saved" | "sent" | "rejected"; readonly text: string }
  | { readonly kind: "crashed"; readonly error: string }

export type Told =
  | { readonly event: HostEvent }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: string }
