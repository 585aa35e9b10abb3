import type { Client, Conversation } from "../../sdk/src/client/api.js"
import type { Message } from "../../sdk/src/conversation/message.js"
import type { UnreadMessages } from "../../sdk/src/conversation/unread.js"
import type { MessageId, UserId } from "@weft/sdk/protocol"
import { shownKeys, valueOf } from "./bookkeeper.js"
import { Violation } from "./oracle.js"
import type { Stage } from "./stage.js"
import { isRevised, type View } from "./views.js"

/** What a user chose is so on all devices of the user, and nothing else is. [SPEC U2, U11] */
export function judgeAccounts({ devices, bookkeeper, oracle, hostileServer }: Stage): void {
  const lost = oracle.deviceLostData || oracle.serverLostData
  const states = new Map<string, { readonly name: string; readonly state: string }>()
  for (const { name, user, tabs } of devices) {
    for (const { client } of tabs) {
      if (client === undefined) continue
      bookkeeper.noteTalks(user, client)
      for (const key of new Set([...bookkeeper.keysOf(user), ...shownKeys(client)])) {
        const value = valueOf(client, key)
        const expected = bookkeeper.expected(user, key, client, lost)
        // Nothing in an account is signed: a server that means harm may write into it. [SPEC U1]
        if (
          hostileServer !== undefined ||
          expected.has(value) ||
          (key.startsWith("privacy/") && value === true && expected.has(undefined))
        )
          continue
        const either = Array.from(expected, String).join(" or ")
        throw new Violation("I4", `${name} has ${String(value)} for ${key}, and ${user} chose ${either}`)
      }
      const missing = lost ? undefined : bookkeeper.missing(user, client)
      if (missing !== undefined) throw new Violation("I3", `${name} lost ${missing} of ${user}, which was saved`)
      const state = stateOf(client)
      const other = states.get(user)
      if (other === undefined) states.set(user, { name, state })
      else if (hostileServer === undefined && other.state !== state)
        throw new Violation("I4", `${name} and ${other.name}: ${state} | ${other.state}`)
    }
  }
}

function stateOf({ account }: Client): string {
  const { drafts } = account.get()
  return JSON.stringify(Array.from(drafts).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What the reader hides is not shown, in threads neither; all else is. */
export function judgeHidden({ device, client, conversation, items }: View): void {
  const { hidden, blocked } = client.account.get()
  const expected = items.filter(({ id, author }) => !hidden.has(id) && !blocked.has(author))
  const shown = conversation.messages.get().items
  demandSame(`${device.name} hides`, expected, shown)
  const roots = new Set(items.flatMap(({ thread }) => thread ?? []))
  for (const root of roots) {
    const thread = conversation.thread(root).get()
    const inThread = expected.filter((item) => item.thread === root)
    demandSame(`${device.name}, in the thread below ${root},`, inThread, thread.items)
  }
}

function demandSame(where: string, expected: readonly Message[], shown: readonly Message[]): void {
  const at = Math.max(expected.length, shown.length)
  for (let index = 0; index < at; index++) {
    const [one, other] = [expected[index], shown[index]]
    if (one?.id === other?.id) continue
    throw new Violation("I4", `${where} wrongly at ${index}: ${nameOf(other)}, and not ${nameOf(one)}`)
  }
}

function nameOf(message: Message | undefined): string {
  return message === undefined ? "nothing" : `${message.id} ${message.text?.slice(0, 40) ?? message.form}`
}

/** A thread's first message says how much there is of it, without what the reader hides. */
export function judgeReplies({ device, conversation }: View): void {
  const { items } = conversation.messages.get()
  const counts = new Map<MessageId, number>()
  for (const { thread, status, form } of items) {
    if (thread === undefined || status === "rejected" || form === "erased") continue
    counts.set(thread, (counts.get(thread) ?? 0) + 1)
  }
  for (const { id, replies } of items) {
    const expected = counts.get(id) ?? 0
    if ((replies?.count ?? 0) === expected) continue
    throw new Violation(
      "I4",
      `${device.name} counts ${replies?.count ?? 0} replies to ${id}, and ${expected} are there`,
    )
  }
}

/** What is unread is what a bookkeeper counts who knows what was read, on whatever device. [SPEC U10] */
export function judgeUnread(stage: Stage, view: View): void {
  const { device, conversation } = view
  const { user } = device
  const { items } = conversation.messages.get()
  if (stage.bookkeeper.isUnclear(user, conversation.id) || stage.hostileServer !== undefined) return
  const mark = conversation.settings.get().unreadFrom
  // A mark at what is hidden since marks nothing that can be told.
  if (mark !== undefined && !items.some(({ id }) => id === mark)) return
  const unread = conversation.unread.get()
  const groups = new Map<MessageId | undefined, Message[]>([[undefined, []]])
  for (const item of items) groups.set(item.thread, [...(groups.get(item.thread) ?? []), item])
  let [least, most] = [0, 0]
  for (const [root, messages] of groups) {
    const range = countUnread(stage, view, { user, root, messages, mark })
    least += range.mentions[0]
    most += range.mentions[1]
    const shown = root === undefined ? unread : unread.threads.get(root)
    demandWithin(`${device.name} has unread ${root ?? "outside of threads"}`, shown?.count ?? 0, range.count)
    demandOrder(device.name, shown, messages, range.possible)
  }
  demandWithin(`${device.name} has unread mentions`, unread.mentions, [least, most])
}

type Range = readonly [least: number, most: number]

interface Group {
  readonly user: string
  readonly root: MessageId | undefined
  readonly messages: readonly Message[]
  readonly mark: MessageId | undefined
}

interface UnreadRange {
  readonly count: Range
  readonly mentions: Range
  /** Those that may be unread. */
  readonly possible: ReadonlySet<MessageId>
}

function countUnread(stage: Stage, view: View, group: Group): UnreadRange {
  const { user, root, messages, mark } = group
  const { client } = view
  const { bookkeeper } = stage
  const { certain, possible, open } = bookkeeper.read(user, client, root)
  const passed = messages.map(({ id }) => open.has(id)).lastIndexOf(true)
  const marked = mark === undefined ? -1 : messages.findIndex(({ id }) => id === mark)
  const least = messages.filter(({ id, author, form }, index) => {
    if (author === user) return false
    if (marked >= 0 && index >= marked) return true
    // What a hostile device said in the place of something else may count as read with that.
    if (index < passed || author === stage.hostileDevice?.user) return false
    // Of what was erased nobody knows in which thread it was read.
    if (possible.has(id) || (form === "erased" && isInThread(stage, id))) return false
    return isFor(stage, view, id) === true
  })
  const most = messages.filter(({ id, author, form }, index) => {
    if (author === user) return false
    if (marked >= 0 && index >= marked) return true
    if (author === stage.hostileDevice?.user) return true
    const isUnread = !certain.has(id) || (form === "erased" && isInThread(stage, id))
    return isUnread && isFor(stage, view, id) !== false
  })
  const mentioning = (list: readonly Message[]): number => list.filter(({ mentionsMe }) => mentionsMe).length
  return {
    count: [least.length, most.length],
    mentions: [mentioning(least), mentioning(most)],
    possible: new Set(most.map(({ id }) => id)),
  }
}

/** Whether a message is for who looks at it: its author knew that user as a member when writing it. Undefined: nobody can tell. [SPEC P8] */
function isFor({ oracle }: Stage, view: View, id: MessageId): boolean | undefined {
  const known = oracle.sayings.get(id)?.known
  const user = view.device.user as UserId
  return known === undefined || isRevised(view, id, user) ? undefined : known.has(user)
}

function isInThread({ oracle }: Stage, id: MessageId): boolean {
  return oracle.sayings.get(id)?.thread !== undefined
}

function demandWithin(what: string, shown: number, [least, most]: Range): void {
  if (shown >= least && shown <= most) return
  throw new Violation("I4", `${what}: ${shown}, and ${least === most ? least : `${least} to ${most}`} are`)
}

/** The first unread one is one of them, and the late ones are; none of them is one that can't be unread. */
function demandOrder(
  name: string,
  unread: UnreadMessages | undefined,
  messages: readonly Message[],
  possible: ReadonlySet<MessageId>,
): void {
  const ids = messages.map(({ id }) => id)
  const named = [...(unread?.first === undefined ? [] : [unread.first]), ...(unread?.late ?? [])]
  const wrong = named.find((id) => !possible.has(id))
  if (wrong !== undefined) throw new Violation("I4", `${name} has ${wrong} as unread or late, which it is not`)
  const places = named.map((id) => ids.indexOf(id))
  const [first = 0] = places
  if (places.every((place) => place >= first)) return
  throw new Violation("I4", `${name} lists late ones before the first unread one`)
}

/** Whoever is said to have read a message read it, where it stands; and who read it is said to, who tells. [SPEC P7, P8] */
export function judgeReaders(stage: Stage, { device, client, conversation, items }: View): void {
  const { bookkeeper, hostileDevice, oracle } = stage
  // Of two that are shown as one, readings are those of either.
  if (conversation.info.get().direct !== undefined) return
  for (const { id, own, form, status, thread } of items) {
    if (!own || form !== "text" || status === "rejected") continue
    const { delivered, read } = conversation.receipts(id).get()
    const readers = new Set<string>(read.map(({ user }) => user))
    for (const { user } of delivered) {
      if (user === hostileDevice?.user || bookkeeper.isUnclear(user, conversation.id)) continue
      const where = thread === undefined ? "" : `, in the thread below ${thread}`
      if (readers.has(user) && !bookkeeper.mayHaveRead(user, id, thread)) {
        throw new Violation("I4", `${device.name} is told that ${user} read ${id}${where}, who did not`)
      }
      if (readers.has(user) || oracle.deviceLostData) continue
      const reader = stage.devices.find((one) => one.user === user)?.tabs[0]?.client
      if (reader === undefined || reader === client) continue
      const { privacy, blocked } = reader.account.get()
      if (!privacy.receipts || blocked.has(device.user as UserId)) continue
      if (!bookkeeper.read(user, reader, thread).certain.has(id)) continue
      throw new Violation("I4", `${device.name} is not told that ${user} read ${id}${where}`)
    }
  }
}

/** Who wrote to whom is told of nobody who is blocked. */
export function judgeReceipts({ device, client, conversation, items }: View): void {
  const { blocked } = client.account.get()
  if (blocked.size === 0) return
  for (const { id } of items.filter(({ own, status }) => own && status !== "rejected").slice(-3)) {
    const told = toldOf(conversation, id).find((user) => blocked.has(user))
    if (told !== undefined) throw new Violation("I4", `${device.name} tells what ${told} read, who is blocked`)
  }
}

function toldOf(conversation: Conversation, id: MessageId) {
  const { delivered, read } = conversation.receipts(id).get()
  return [...delivered, ...read].map(({ user }) => user)
}
