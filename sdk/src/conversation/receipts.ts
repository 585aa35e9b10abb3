import type { ControlState } from "../authority/state.js"
import type { ThreadName } from "../log/thread-name.js"
import type { ControlId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"

/** Who has a message, or has read it, and since when. */
export interface Receipt {
  readonly user: UserId
  /** Milliseconds since 1970, by the reader's clock: when the first receipt that this device met said so. */
  readonly at: number
}

/** What is known of an own message at its readers. */
export interface MessageReceipts {
  /** Also of those who read it. Earliest first. */
  readonly delivered: readonly Receipt[]
  readonly read: readonly Receipt[]
  /** Members who were to get it, and of whom nothing is known yet. */
  readonly waiting: readonly UserId[]
}

/** So many elements of a log were there at a time, or earlier. */
export interface Step {
  readonly count: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** How far one device came with one log; both only grow. */
export interface Progress {
  readonly delivered: readonly Step[]
  /** Of messages outside of threads. */
  readonly read: readonly Step[]
  /** Of messages of a thread, where anything was read of it. */
  readonly threads: ReadonlyMap<ThreadName, readonly Step[]>
}

/** What a register says of a log. */
export interface SaidOfLog {
  readonly delivered: number
  readonly read: number
  readonly threads?: ReadonlyMap<ThreadName, number>
  /** Elements of it that are here: it has no more threads than messages, whatever is said. */
  readonly held?: number
}

/** An own message's place: a log of its author's in a segment. */
export interface Place {
  readonly segment: number
  readonly client: number
  /** Of its head. */
  readonly position: number
}

/** An own message, as its readers are asked for it. */
export interface Addressed {
  /** Every place where it stands. */
  readonly copies: readonly Place[]
  /** The thread that it belongs to: it is read there, and nowhere else. [SPEC P7] */
  readonly thread: ThreadName | undefined
  /** Control entries that it saw: they decide for whom it was. */
  readonly seen: readonly ControlId[]
}

/** Older steps than these are forgotten: of messages that they told of, the next one tells. */
const MAX_STEPS = 32
/** An entry has a head and a body. */
const ENTRY_ELEMENTS = 2
const noProgress: Progress = { delivered: [], read: [], threads: new Map() }

/** What devices of other people have of this user's logs, as their registers said it. [SPEC P8] */
export class ReceiptBook {
  readonly #known = new Map<DeviceId, Map<number, Map<number, Progress>>>()

  of(device: DeviceId, segment: number, client: number): Progress {
    return this.#known.get(device)?.get(segment)?.get(client) ?? noProgress
  }

  /** What is known of one device in one segment, by log; to be stored. */
  segmentOf(device: DeviceId, segment: number): ReadonlyMap<number, Progress> {
    return this.#known.get(device)?.get(segment) ?? new Map()
  }

  /** What was stored. */
  restore(device: DeviceId, segment: number, logs: ReadonlyMap<number, Progress>): void {
    let segments = this.#known.get(device)
    if (segments === undefined) this.#known.set(device, (segments = new Map<number, Map<number, Progress>>()))
    segments.set(segment, new Map(logs))
  }

  /** Takes what a register says of a log; whether it is news. */
  note(device: DeviceId, segment: number, client: number, said: SaidOfLog, at: number): boolean {
    const before = this.of(device, segment, client)
    const inThreads = said.threads ?? new Map<ThreadName, number>()
    const delivered = advance(before.delivered, Math.max(said.delivered, said.read, ...inThreads.values()), at)
    const read = advance(before.read, said.read, at)
    const threads = advanceThreads(before.threads, inThreads, at, (said.held ?? Infinity) / ENTRY_ELEMENTS)
    if (delivered === before.delivered && read === before.read && threads === before.threads) return false
    this.restore(device, segment, new Map(this.segmentOf(device, segment)).set(client, { delivered, read, threads }))
    return true
  }

  forget(device: DeviceId): void {
    this.#known.delete(device)
  }
}

/** The same list where nothing advanced. */
function advance(steps: readonly Step[], count: number, at: number): readonly Step[] {
  return count <= reached(steps) ? steps : [...steps, { count, at }].slice(-MAX_STEPS)
}

/** The same map where nothing advanced; at most so many, those that advanced last. */
function advanceThreads(
  before: Progress["threads"],
  said: ReadonlyMap<ThreadName, number>,
  at: number,
  most: number,
): Progress["threads"] {
  const threads = new Map(before)
  for (const [thread, count] of said) {
    const steps = before.get(thread) ?? []
    const next = advance(steps, count, at)
    if (next === steps) continue
    threads.delete(thread)
    threads.set(thread, next)
  }
  for (const thread of threads.keys()) {
    if (threads.size <= most) break
    threads.delete(thread)
  }
  return Array.from(threads).every(([thread, steps]) => before.get(thread) === steps) ? before : threads
}

function reached(steps: readonly Step[]): number {
  return steps.at(-1)?.count ?? 0
}

/** What tells of messages of a thread, or of those outside of threads. */
function readSteps({ read, threads }: Progress, thread: ThreadName | undefined): readonly Step[] {
  return thread === undefined ? read : (threads.get(thread) ?? [])
}

type Blocked = ReadonlySet<UserId>
const nobody: Blocked = new Set()

/** Who is to get an own message: members whom it is for, without its author and blocked people. [SPEC P8] */
function audience(state: ControlState, author: UserId, seen: readonly ControlId[], blocked: Blocked): UserId[] {
  return Array.from(state.members.keys()).filter((user) => {
    return user !== author && !blocked.has(user) && state.isFor(user, seen)
  })
}

const known = new WeakMap<ControlState, ReadonlyMap<UserId, readonly DeviceId[]>>()

/** Devices that act for each user; found once for a state, which never changes. */
function devicesByUser(state: ControlState): ReadonlyMap<UserId, readonly DeviceId[]> {
  const present = known.get(state)
  if (present !== undefined) return present
  const devices = new Map<UserId, DeviceId[]>()
  for (const [device, { user, certified }] of state.devices) {
    if (!certified) continue
    const others = devices.get(user)
    if (others === undefined) devices.set(user, [device])
    else others.push(device)
  }
  known.set(state, devices)
  return devices
}

/** What is known of an own message, by any of its copies. On any of a user's devices counts for the user. */
export function receiptsOf(
  { copies, thread, seen }: Addressed,
  author: UserId,
  book: ReceiptBook,
  state: ControlState,
  blocked = nobody,
): MessageReceipts {
  const devices = devicesByUser(state)
  const delivered: Receipt[] = []
  const read: Receipt[] = []
  const waiting: UserId[] = []
  for (const user of audience(state, author, seen, blocked)) {
    const progress = (devices.get(user) ?? []).flatMap((device) => {
      return copies.map(({ segment, client, position }) => ({ one: book.of(device, segment, client), position }))
    })
    const since = (stepsOf: (one: Progress) => readonly Step[]): number =>
      Math.min(
        ...progress.map(({ one, position }) => stepsOf(one).find(({ count }) => count > position)?.at ?? Infinity),
      )
    const deliveredAt = since((one) => one.delivered)
    const readAt = since((one) => readSteps(one, thread))
    if (deliveredAt < Infinity) delivered.push({ user, at: deliveredAt })
    else waiting.push(user)
    if (readAt < Infinity) read.push({ user, at: readAt })
  }
  const earliest = (a: Receipt, b: Receipt): number => a.at - b.at
  return { delivered: delivered.sort(earliest), read: read.sort(earliest), waiting }
}

/** Elements of an own log that everybody has, and has read (in that thread), who is to get what saw these entries. */
export function reachedByAll(
  { segment, client }: Omit<Place, "position">,
  { thread, seen }: Omit<Addressed, "copies">,
  author: UserId,
  book: ReceiptBook,
  state: ControlState,
  blocked = nobody,
): { readonly delivered: number; readonly read: number } {
  const users = audience(state, author, seen, blocked)
  // Who talks to nobody is heard by nobody.
  if (users.length === 0) return { delivered: 0, read: 0 }
  const devices = devicesByUser(state)
  let delivered = Infinity
  let read = Infinity
  for (const user of users) {
    const progress = (devices.get(user) ?? []).map((device) => book.of(device, segment, client))
    delivered = Math.min(delivered, Math.max(0, ...progress.map((one) => reached(one.delivered))))
    read = Math.min(read, Math.max(0, ...progress.map((one) => reached(readSteps(one, thread)))))
  }
  return { delivered, read }
}
