import * as Y from "yjs"
import type { Client } from "../../sdk/src/client/api.js"
import type { ConversationId, MessageId } from "@weft/sdk/protocol"
import type { Process } from "./process.js"
import type { SimDevice, SimTab } from "./sim-device.js"
import { accountOf } from "./views.js"

type Value = boolean | number | string | undefined

/** How far a replica of an account knows what each of its writers wrote. */
type Knowledge = ReadonlyMap<number, number>

/** What a device knew when it began to choose. */
export interface Moment {
  readonly past: Knowledge
  /** How much had been chosen anywhere. */
  readonly since: number
}

/** Something that a user chose on one device, as `hide/<message>` or `<conversation>/muted`. */
interface Choice extends Moment {
  readonly key: string
  readonly value: Value
  /** Its place among all choices. */
  readonly place: number
  readonly writer: number
  /** How much the writer had written with it. */
  readonly count: number
  /** The device said that it survives a crash. */
  isSaved: boolean
}

/** What stood in order on a screen when its user read it. */
interface Reading {
  readonly ids: ReadonlySet<MessageId>
  readonly thread: MessageId | undefined
  /** The device was catching up: what came from below since then may be read too. [SPEC U10] */
  readonly isOpen: boolean
  readonly writer: number
  readonly count: number
  /** Nothing is written where all of it was read before. */
  readonly isWritten: boolean
  /** What its account knew with it: what was read there before is not written again. */
  readonly known: Knowledge
}

/** Messages that a user read. */
interface Read {
  /** They can't be unread. */
  readonly certain: ReadonlySet<MessageId>
  /** Those, and such as were read by who knew of readings that are lost by now: which of them those had nobody can tell. */
  readonly possible: ReadonlySet<MessageId>
  /** Of these, such that what stands before them may be read too. */
  readonly open: ReadonlySet<MessageId>
}

/** The last thing that a device did, and could take back. */
interface LastAct {
  readonly process: Process
  readonly name: string
}

/** Keeps what each user chose and read privately, on whatever device: by that alone the devices are judged. */
export class Bookkeeper {
  /** What a message said before an edit, by the edit's id. */
  readonly textBefore = new Map<MessageId, string | undefined>()
  private places = 0
  private readonly choices = new Map<string, Choice[]>()
  private readonly readings = new Map<string, Reading[]>()
  /** Conversations of a user of which nobody knows what was read: a list was not whole then. */
  private readonly unclear = new Set<string>()
  private readonly lastActs = new Map<string, LastAct>()
  /** Conversations of two, by user: with whom each is. */
  private readonly talks = new Map<string, Map<string, string>>()

  /** Calls, and notes what that chooses. Nothing is noted of what is so already, and is not written again. */
  choose(device: SimDevice, client: Client, key: string, value: Value, call: () => void): void {
    const moment = this.momentOf(client)
    const isSo = valueOf(client, key) === value
    this.noteTalks(device.user, client)
    call()
    const isWritten = knowledgeOf(client).get(accountOf(client).doc.clientID) !== writtenBefore(client, moment)
    // Who is blocked already is not blocked again: what else that writes is what of theirs stays in the list. [SPEC U12]
    const isAgain = isWritten && !key.startsWith("block/")
    if (!isSo || isAgain) this.noteChoice(device, client, { key, value, ...moment })
  }

  /** Which conversations are of two: what was chosen of several with one person goes over to one of them. [SPEC A20] */
  noteTalks(user: string, client: Client): void {
    for (const { id, info } of client.conversations.get()) {
      const { direct } = info.get()
      if (direct !== undefined) this.noteTalk(user, direct, id)
    }
  }

  /** Also one that either of them leaves before anybody looks. */
  noteTalk(user: string, other: string, conversation: string): void {
    const talks = this.talks.get(user) ?? new Map<string, string>()
    this.talks.set(user, talks.set(conversation, other))
  }

  momentOf(client: Client): Moment {
    return { past: knowledgeOf(client), since: this.places }
  }

  /** Notes what was chosen since a moment, some time ago perhaps. */
  noteChoice(
    device: SimDevice,
    client: Client,
    { key, value, past, since }: Moment & Pick<Choice, "key" | "value">,
  ): void {
    const writer = accountOf(client).doc.clientID
    const count = knowledgeOf(client).get(writer) ?? 0
    const choice: Choice = { key, value, past, since, place: this.places++, writer, count, isSaved: false }
    append(this.choices, device.user, choice)
    client.account.saved().then(
      () => {
        choice.isSaved = true
      },
      () => undefined,
    )
  }

  /** Notes what was read since a moment. */
  noteReading(
    device: SimDevice,
    client: Client,
    { ids, thread, isOpen, before }: Pick<Reading, "ids" | "thread" | "isOpen"> & { readonly before: Moment },
  ): void {
    const writer = accountOf(client).doc.clientID
    const known = knowledgeOf(client)
    const count = known.get(writer) ?? 0
    const isWritten = count > (writtenBefore(client, before) ?? 0)
    append(this.readings, device.user, { ids, thread, isOpen, writer, count, isWritten, known })
  }

  noteUnclear(user: string, conversation: ConversationId): void {
    this.unclear.add(`${user} ${conversation}`)
  }

  isUnclear(user: string, conversation: ConversationId): boolean {
    return this.unclear.has(`${user} ${conversation}`)
  }

  /** `name`: undefined where it is not known what the last act is. */
  noteAct(device: SimDevice, tab: SimTab, name: string | undefined): void {
    if (name === undefined || device.tabs.length > 1 || device.disk.isFull) this.lastActs.delete(device.name)
    else this.lastActs.set(device.name, { process: tab.process, name })
  }

  /** What an undo is to take back there, where that is known. */
  lastActOf(device: SimDevice, tab: SimTab): string | undefined {
    const act = this.lastActs.get(device.name)
    return act?.process !== tab.process || device.tabs.length > 1 || device.disk.isFull ? undefined : act.name
  }

  /** All that a user ever chose something of. */
  keysOf(user: string): Set<string> {
    return new Set((this.choices.get(user) ?? []).map(({ key }) => key))
  }

  /**
   * What may stand there by now: the last choice, or one of those that knew nothing of one another. `lost`: what devices had
   * saved may be gone.
   */
  expected(user: string, key: string, client: Client, lost: boolean): ReadonlySet<Value> {
    const [id = "", name = ""] = key.split("/")
    if (shared.has(name)) {
      const same = this.talksLike(user, id)
      // When what was chosen of one went over to another nobody notes, and an undo may have come before that, or after.
      if (same.size > 1) return new Set([...this.everChosen(user, name, same), undefined])
    }
    const known = knowledgeOf(client)
    const there = (this.choices.get(user) ?? []).filter(
      (choice) => choice.key === key && choice.count <= (known.get(choice.writer) ?? 0),
    )
    // To take something out leaves no trace: whether that was kept is known only of what was saved.
    const isCertain = ({ value, isSaved }: Choice): boolean => value !== undefined || (isSaved && !lost)
    const beaten = (choice: Choice): boolean =>
      there.some((later) => later !== choice && isCertain(later) && saw(later, choice) && !saw(choice, later))
    const last = there.filter((choice) => !beaten(choice)).map(({ value }) => value)
    const begun = there.some((choice) => isCertain(choice))
    return new Set(begun ? last : [...last, undefined])
  }

  private everChosen(user: string, name: string, conversations: ReadonlySet<string>): Value[] {
    return (this.choices.get(user) ?? []).flatMap(({ key, value }) => {
      const [id = "", what] = key.split("/")
      return what === name && conversations.has(id) ? [value] : []
    })
  }

  /** The conversation, and those that are of two with the same person. */
  talksLike(user: string, conversation: string): ReadonlySet<string> {
    const talks = Array.from(this.talks.get(user) ?? [])
    const partner = talks.find(([id]) => id === conversation)?.[1]
    return new Set([conversation, ...talks.flatMap(([id, other]) => (other === partner ? [id] : []))])
  }

  /** What was saved, and no device of the user has any more. */
  missing(user: string, client: Client): string | undefined {
    const known = knowledgeOf(client)
    const lost = (this.choices.get(user) ?? []).find(
      ({ isSaved, writer, count }) => isSaved && count > (known.get(writer) ?? 0),
    )
    return lost?.key
  }

  /** Messages that the user read, outside of threads or in one, as far as that is not lost. */
  read(user: string, client: Client, thread: MessageId | undefined): Read {
    const known = knowledgeOf(client)
    const isWhole = (reading: Reading): boolean => isWithin(reading.known, known)
    const isThere = ({ writer, count, isWritten }: Reading): boolean => isWritten && count <= (known.get(writer) ?? 0)
    const readings = (this.readings.get(user) ?? []).filter(
      (reading) => reading.thread === thread && (isThere(reading) || isWhole(reading)),
    )
    const idsOf = (list: readonly Reading[]): Set<MessageId> => new Set(list.flatMap(({ ids }) => Array.from(ids)))
    return {
      certain: idsOf(readings.filter(isWhole)),
      possible: idsOf(readings),
      open: idsOf(readings.filter(({ isOpen }) => isOpen)),
    }
  }

  /** Whether the user ever read a message, outside of threads or in its own, whatever became of that. */
  mayHaveRead(user: string, id: MessageId, thread: MessageId | undefined): boolean {
    return (this.readings.get(user) ?? []).some((reading) => {
      return reading.thread === thread && (reading.isOpen || reading.ids.has(id))
    })
  }
}

/** What several conversations of two have together, once they are shown as one. */
const shared: ReadonlySet<string> = new Set(["muted", "archived", "pinned", "unread"])

function writtenBefore(client: Client, { past }: Moment): number | undefined {
  return past.get(accountOf(client).doc.clientID)
}

function saw(choice: Choice, other: Choice): boolean {
  // What takes something out leaves no trace in what a writer has written: who has what came next has that.
  if (choice.writer === other.writer) return other.place < choice.since
  const has = choice.past.get(other.writer) ?? 0
  return other.value === undefined ? has > other.count : has >= other.count
}

function isWithin(known: Knowledge, other: Knowledge): boolean {
  return Array.from(known).every(([writer, count]) => count <= (other.get(writer) ?? 0))
}

function knowledgeOf(client: Client): Knowledge {
  return Y.decodeStateVector(Y.encodeStateVector(accountOf(client).doc))
}

/** What a device shows by now of what may be chosen. */
export function valueOf(client: Client, key: string): Value {
  const { blocked, hidden, privacy, conversations } = client.account.get()
  const [what = "", rest = ""] = key.split("/")
  if (what === "block") return among(blocked, rest)
  if (what === "hide") return among(hidden, rest)
  if (what === "privacy") return rest === "receipts" ? privacy.receipts : privacy.lastSeen
  const settings = conversations.get(what as ConversationId)
  switch (rest) {
    case "muted":
      return settings?.mutedUntil
    case "archived":
      return settings?.archived === true ? true : undefined
    case "pinned":
      return settings?.pinned === true ? true : undefined
    default:
      return settings?.unreadFrom
  }
}

/** Everything that a device shows as chosen. */
export function shownKeys(client: Client): string[] {
  const { blocked, hidden, conversations } = client.account.get()
  const settings = Array.from(conversations.keys()).flatMap((id) =>
    ["muted", "archived", "pinned", "unread"].map((name) => `${id}/${name}`),
  )
  return [
    ...Array.from(blocked, (user) => `block/${user}`),
    ...Array.from(hidden, (id) => `hide/${id}`),
    ...["privacy/receipts", "privacy/lastSeen"],
    ...settings,
  ]
}

function among(set: ReadonlySet<string>, item: string): true | undefined {
  return set.has(item) ? true : undefined
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [item])
  else list.push(item)
}
