import type { Client, Conversation } from "@weft/sdk/node"

/** The people of a replayed room, by name, each with one device. */
export interface Room {
  /** Who created it, and lets others in. */
  readonly owner: string
  readonly clients: ReadonlyMap<string, Client>
  /** Of those who are, or were, in it. */
  readonly conversations: Map<string, Conversation>
}

export function clientOf(room: Room, name: string): Client {
  return demand(room.clients.get(name))
}

export function roomOf(room: Room, name: string): Conversation {
  return demand(room.conversations.get(name))
}

export function demand<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("missing")
  return value
}
