import type { Client, Conversation, SendOptions } from "../../sdk/src/client/api.js"
import type { Message } from "../../sdk/src/conversation/message.js"
import type { OwnAct, UndoResult } from "../../sdk/src/client/account-api.js"
import type { MessageId } from "@weft/sdk/protocol"
import { leave, say, textOf } from "./acting.js"
import type { Moment } from "./bookkeeper.js"
import type { Kind } from "./kind.js"
import { Violation, type Removal } from "./oracle.js"
import type { SimDevice, SimTab } from "./sim-device.js"
import type { Stage } from "./stage.js"
import { allItems, replicaOf } from "./views.js"

/** What people do for themselves alone, and what they say about others' messages beside answering. */
export const personalKinds = {
  inThread: {
    weight: 40,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c)
      if (target !== undefined) say(stage, device, b, 0, { thread: target.id })
    },
  },
  mention: {
    weight: 25,
    since: 5,
    act: (stage, { a, b, c }) => {
      const user = c % 4 === 0 ? null : stage.users[(c >>> 2) % stage.users.length]!
      const target = c % 3 === 0 ? textOf(stage, stage.device(a), b, c >>> 5) : undefined
      const mentions: SendOptions["mentions"] = [{ start: 1, length: 2, user }]
      say(stage, stage.device(a), b, 0, { mentions, ...(target !== undefined && { thread: target.id }) })
    },
  },
  forward: {
    weight: 12,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c)
      const to = stage.conversationOf(device, (b % 256) | ((c >>> 4) << 8))?.conversation
      if (target === undefined || to?.info.get().mayWrite !== true) return
      device.forward(to, target)
    },
  },
  eraseForMe: {
    weight: 20,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      const target = textOf(stage, stage.device(a), b, c)
      if (found === undefined || target === undefined) return
      const { device, tab, client, conversation } = found
      stage.bookkeeper.choose(device, client, `hide/${target.id}`, true, () => {
        conversation.eraseForMe(target.id)
      })
      stage.bookkeeper.noteAct(device, tab, `hide ${target.id}`)
      stage.trace.tell(`${device.name} hides ${target.id.slice(-6)}`)
    },
  },
  archive: {
    weight: 12,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      if (found === undefined) return
      const { device, tab, client, conversation } = found
      const archived = c % 2 === 0
      if (conversation.settings.get().archived === archived) return
      const value = archived ? true : undefined
      stage.bookkeeper.choose(device, client, `${conversation.id}/archived`, value, () => {
        conversation.setArchived(archived)
      })
      stage.bookkeeper.noteAct(device, tab, `archive ${conversation.id} ${archived}`)
      stage.trace.tell(`${device.name} ${archived ? "archives" : "takes out"} ${conversation.id.slice(0, 6)}`)
    },
  },
  mute: {
    weight: 10,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      if (found === undefined) return
      const { device, client, conversation } = found
      const until = [undefined, Infinity, 1e12 + c][c % 3]
      stage.bookkeeper.choose(device, client, `${conversation.id}/muted`, until, () => {
        if (until === undefined) conversation.unmute()
        else conversation.mute(until)
      })
    },
  },
  pinConversation: {
    weight: 6,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      if (found === undefined) return
      const { device, client, conversation } = found
      const value = c % 2 === 0 ? true : undefined
      stage.bookkeeper.choose(device, client, `${conversation.id}/pinned`, value, () => {
        conversation.setPinned(value === true)
      })
    },
  },
  block: {
    weight: 10,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const client = device.clientOf(b)
      const user = stage.users[(c >>> 3) % stage.users.length]!
      if (client === undefined || user === device.user) return
      const value = c % 3 === 0 ? true : undefined
      stage.trace.tell(`${device.name} ${value === true ? "blocks" : "unblocks"} ${user}`)
      stage.bookkeeper.choose(device, client, `block/${user}`, value, () => {
        if (value === true) client.account.block(user)
        else client.account.unblock(user)
      })
    },
  },
  privacy: {
    weight: 4,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const client = device.clientOf(b)
      if (client === undefined) return
      const name = c % 2 === 0 ? "receipts" : "lastSeen"
      const value = (c & 2) === 0
      stage.bookkeeper.choose(device, client, `privacy/${name}`, value, () => {
        client.account.setPrivacy({ [name]: value })
      })
    },
  },
  markUnread: {
    weight: 12,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      const items = (found?.conversation.messages.get().items ?? []).filter(({ thread }) => thread === undefined)
      const target = items[c % Math.max(1, items.length)]
      if (found === undefined || target === undefined) return
      const { device, client, conversation } = found
      stage.bookkeeper.choose(device, client, `${conversation.id}/unread`, target.id, () => {
        conversation.markUnread(target.id)
      })
    },
  },
  readThread: {
    weight: 10,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = tabOf(stage, a, b)
      if (found === undefined) return
      const roots = Array.from(found.conversation.unread.get().threads.keys())
      const root = roots[c % Math.max(1, roots.length)]
      if (root !== undefined) readThread(stage, found, root)
    },
  },
  threadDraft: {
    weight: 6,
    since: 5,
    act: (stage, { a, b, c }) => {
      const target = textOf(stage, stage.device(a), b, c >>> 8)
      const conversation = stage.conversationOf(stage.device(a), b)?.conversation
      if (target === undefined || conversation === undefined) return
      const draft = conversation.threadDraft(target.thread ?? target.id)
      if (c % 4 === 0) draft.clear()
      else draft.set(`${draft.get()} t${c % 100}`)
    },
  },
  goAway: {
    weight: 6,
    optional: true,
    since: 5,
    act: (stage, { a, b }) => {
      leave(stage, stage.device(a), b)
    },
  },
  undo: {
    weight: 25,
    since: 5,
    act: (stage, { a, b }) => {
      const device = stage.device(a)
      const client = device.clientOf(b)
      const tab = device.tabs.find((one) => one.client === client)
      if (client === undefined || tab === undefined) return
      const { bookkeeper } = stage
      const moment = bookkeeper.momentOf(client)
      const last = bookkeeper.lastActOf(device, tab)
      const expected = last !== undefined && stands(last, client.account.get()) ? last : undefined
      const { hidden, conversations } = client.account.get()
      const names = Array.from(hidden, (id) => `hide ${id}`)
      for (const { id } of client.conversations.get()) {
        names.push(`archive ${id} ${conversations.get(id)?.archived === true}`)
      }
      bookkeeper.noteAct(device, tab, undefined)
      const leavings = (): Removal[] => stage.oracle.removals.filter(({ user }) => user === device.user)
      const before = leavings()
      for (const removal of before) removal.undone = true
      const done = (result: UndoResult): void => {
        if (!tab.process.alive) return
        const what = result.kind === "nothing" ? "nothing" : nameOf(result.act)
        stage.trace.tell(`${device.name} takes back ${what}${result.kind === "gone" ? ", which is gone" : ""}`)
        // Another device may have done the same since: then this one's act is gone, and its name the same.
        if (expected !== undefined && what !== expected) {
          stage.errors.push(new Violation("I4", `${device.name} was to take back ${expected}, and took back ${what}`))
        }
        // Who leaves again meanwhile is not there, whatever was taken back.
        const isOut = result.kind === "undone" && result.act.kind === "leave" && leavings().length > before.length
        if (result.kind === "undone" && !isOut) noteUndone(stage, device, tab, result.act, moment)
      }
      const failed = (error: unknown): never => {
        // On a full disk it is taken back as well, and durable later, like any other change.
        if (tab.process.alive)
          for (const name of names)
            if (!stands(name, client.account.get())) noteOpposite(stage, device, client, name, moment)
        throw error
      }
      const undone = client.account.undo().then(done, failed)
      stage.background("undo", undone)
    },
  },
} as const satisfies Record<string, Kind>

interface Found {
  readonly device: SimDevice
  readonly tab: SimTab
  readonly client: NonNullable<SimTab["client"]>
  readonly conversation: Conversation
}

/** The tab on which something is done, by number. */
function tabOf(stage: Stage, a: number, b: number): Found | undefined {
  const device = stage.device(a)
  const found = stage.conversationOf(device, b)
  const tab = device.tabs.find(({ client }) => client === found?.client)
  return found === undefined || tab === undefined ? undefined : { ...found, device, tab }
}

/** Everything that the screen shows is read, and what was erased for the user with it; not what blocked people write. */
export function readAll(stage: Stage, a: number, b: number): void {
  const found = tabOf(stage, a, b)
  if (found === undefined) return
  const { device, client, conversation } = found
  const items = unblocked(found).filter(({ thread }) => thread === undefined)
  noteWhole(stage, found)
  const before = stage.bookkeeper.momentOf(client)
  stage.bookkeeper.choose(device, client, `${conversation.id}/unread`, undefined, () => {
    conversation.markRead()
  })
  noteReading(stage, found, { items, thread: undefined, before })
}

function unblocked({ client, conversation }: Found): Message[] {
  const { blocked } = client.account.get()
  return allItems(conversation).filter(({ author }) => !blocked.has(author))
}

function readThread(stage: Stage, found: Found, root: MessageId): void {
  const { client, conversation } = found
  const items = unblocked(found).filter(({ thread }) => thread === root)
  noteWhole(stage, found)
  const before = stage.bookkeeper.momentOf(client)
  conversation.markThreadRead(root)
  noteReading(stage, found, { items, thread: root, before })
}

/** What was read, since a moment. */
interface Shown {
  readonly items: readonly Message[]
  readonly thread: MessageId | undefined
  readonly before: Moment
}

function noteReading(
  { bookkeeper }: Stage,
  { device, client, conversation }: Found,
  { items, thread, before }: Shown,
): void {
  const isOpen = replicaOf(client).conversations.get().get(conversation.id)?.catchUp.isUnderWay === true
  bookkeeper.noteReading(device, client, { ids: new Set(items.map(({ id }) => id)), thread, isOpen, before })
}

/** What is older than the list is read too, and nobody here knows what that is. */
function noteWhole(stage: Stage, { device, conversation }: Found): void {
  if (!conversation.messages.get().complete) stage.bookkeeper.noteUnclear(device.user, conversation.id)
}

type AccountState = ReturnType<Found["client"]["account"]["get"]>

function stands(name: string, { hidden, conversations }: AccountState): boolean {
  const [kind, id, value] = name.split(" ")
  if (kind === "hide") return hidden.has(id as MessageId)
  const settings = Array.from(conversations).find(([conversation]) => conversation === id)?.[1]
  return String(settings?.archived === true) === value
}

function nameOf(act: OwnAct): string {
  switch (act.kind) {
    case "hide":
      return `hide ${act.message}`
    case "archive":
      return `archive ${act.conversation} ${act.archived}`
    default:
      return `${act.kind} ${act.conversation}`
  }
}

/** Of an erasure for oneself, or of archiving, by its name. */
function noteOpposite({ bookkeeper }: Stage, device: SimDevice, client: Client, name: string, moment: Moment): void {
  const [kind, id = "", value] = name.split(" ")
  const opposite =
    kind === "hide"
      ? { key: `hide/${id}`, value: undefined }
      : { key: `${id}/archived`, value: value === "true" ? undefined : true }
  bookkeeper.noteChoice(device, client, { ...opposite, ...moment })
}

function noteUndone(stage: Stage, device: SimDevice, tab: SimTab, act: OwnAct, moment: Moment): void {
  const { bookkeeper } = stage
  const client = tab.client!
  if (act.kind === "hide" || act.kind === "archive") noteOpposite(stage, device, client, nameOf(act), moment)
  else if (act.kind === "edit") {
    const versions = client.conversation(act.conversation)?.history(act.message) ?? []
    const before = bookkeeper.textBefore.get(act.version)
    // What others of the user's devices edited meanwhile stays: then it is another text than before.
    if (versions.some(({ id, device: by }) => by !== client.device && id !== act.message)) return
    // Not by their order: a server may have set the clock right between the edit and its opposite.
    const opposites = versions.filter(
      ({ id, device: by }) => by === client.device && id !== act.message && !bookkeeper.textBefore.has(id),
    )
    if (opposites.length === 0 || before === undefined || opposites.some(({ text }) => text === before)) return
    const texts = opposites.map(({ text }) => text).join()
    stage.errors.push(
      new Violation("I4", `${device.name} took back an edit of ${JSON.stringify(before)}, which says ${texts} now`),
    )
  } else if (client.conversation(act.conversation)?.info.get().membership === "left") {
    stage.errors.push(new Violation("I4", `${device.name} came back into ${act.conversation}, and is not there`))
  }
}
