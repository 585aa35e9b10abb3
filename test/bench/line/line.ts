/** A room, and all that is going to be written in it. */
export interface RoomPlan {
  readonly name: string
  /** One member each; a user who is in several rooms has one connection where the system can do with one. */
  readonly users: readonly string[]
  /** Servers that members connect to, in turn. */
  readonly urls: readonly string[]
  readonly entries: readonly PlannedEntry[]
  /** Entries that go into one batch: what one signature covers where there are signatures. */
  readonly batchSize: number
}

export interface PlannedEntry {
  /** Who writes it: an index into `users`. */
  readonly member: number
  readonly text: string
}

export interface RoomEvents {
  /** A member received so many entries of others. */
  delivered(entries: number): void
  /** So many entries are durable on the server, as it says. */
  acknowledged(entries: number): void
  /** Something that ends the measurement. */
  failed(error: Error): void
}

/** A room whose members are connected. */
export interface Room {
  readonly batches: number
  /** Sends a batch by its author: the bytes are there already, so that making them is not what is measured. */
  send(batch: number): void
}

/** How clients of a system speak, at the least cost to themselves: they count what they receive, and keep none of it. */
export interface Line {
  /** An idle connection of a user. */
  connect(url: string, user: string): Promise<void>
  openRoom(plan: RoomPlan, events: RoomEvents): Promise<Room>
}

/** Entries by the batch, each with its author: the one of its first entry. */
export function batchesOf({ entries, batchSize }: RoomPlan): { member: number; texts: string[] }[] {
  return Array.from({ length: Math.floor(entries.length / batchSize) }, (_, batch) => {
    const some = entries.slice(batch * batchSize, (batch + 1) * batchSize)
    return { member: some[0]?.member ?? 0, texts: some.map(({ text }) => text) }
  })
}

export function urlOf(plan: RoomPlan, member: number): string {
  const url = plan.urls[member % plan.urls.length]
  if (url === undefined) throw new Error("no server")
  return url
}
