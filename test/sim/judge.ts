import {
  conversationOf,
  digestOfNative,
  emptyNativeSummary,
  equalBytes,
  hex,
  isTransient,
  type ConversationId,
  type DocumentName,
  type UserId,
} from "@weft/sdk/protocol"
import type { Client, Conversation } from "../../sdk/src/client/api.js"
import { MOST_REACHING } from "../../sdk/src/client/view.js"
import type { Message } from "../../sdk/src/conversation/message.js"
import {
  accountDigestOn,
  awayDocuments,
  deviceHoldings,
  difference,
  holdsText,
  registersOf,
  serverHoldings,
  type Holdings,
} from "./contents.js"
import type { Disk } from "./disk.js"
import { judgeClosedWays, judgeDirects, judgeInfo, judgeWays } from "./judge-meetings.js"
import { judgeAccounts, judgeHidden, judgeReaders, judgeReceipts, judgeReplies, judgeUnread } from "./judge-personal.js"
import { Violation, type Oracle, type Saying } from "./oracle.js"
import type { SimDevice } from "./sim-device.js"
import type { Stage } from "./stage.js"
import {
  accountOf,
  allItems,
  conversationsOf,
  indexHoldsErased,
  isMerged,
  isRead,
  isShown,
  isShutOut,
  listedFrom,
  readGroup,
  replicaOf,
  segmentOf,
  type View,
  viewsOf,
} from "./views.js"

/** Whether everybody who can has everything: then judgement may begin. Says what is still missing. */
export async function unrest(stage: Stage): Promise<string | undefined> {
  for (const server of stage.servers) if (server.core === undefined) return `${server.name} is not up`
  for (const device of stage.devices) {
    for (const { client } of device.tabs) {
      if (client === undefined) return `${device.name} is not open`
      const { connection, storage, ...status } = client.status.get()
      const pending = status.pending.filter(({ conversation }) => !isShutOut(stage, client, conversation))
      if (storage.kind !== "ok") return `the storage of ${device.name} fails: ${storage.code}`
      if (connection.kind !== "online" || !connection.synced)
        return `${device.name}: ${JSON.stringify(connection)} ${underWay(client)}`
      if (indexHoldsErased(client)) return `the index of ${device.name} holds what was erased`
      if (pending.length > 0) return `${device.name} waits: ${JSON.stringify(pending)}`
    }
  }
  for (const { name, tabs } of stage.devices) {
    for (const { client } of tabs) {
      const account = accountOf(client!)
      const own = hex(account.digest)
      const nothing = digestOfNative(account.name, emptyNativeSummary)
      const other = stage.servers.find(({ disk }) => hex(accountDigestOn(disk, account.name) ?? nothing) !== own)
      if (other !== undefined) return `${name} and ${other.name} differ in ${account.name}`
    }
  }
  for (const id of conversationsOf(stage)) {
    const roots = await stage.world.outcome(
      Promise.all(stage.servers.map(async (server) => (await server.core?.digests.of(id))?.root)),
    )
    const [first] = roots
    const name = first === undefined ? "" : hex(first)
    const other = roots.findIndex((root) => (root === undefined ? "" : hex(root)) !== name)
    if (other >= 0) return `${stage.servers[0]!.name} and ${stage.servers[other]!.name} differ in ${id.slice(0, 6)}`
    for (const { device, tab } of viewsOf(stage, id)) {
      const digests = await stage.world.outcome(replicaOf(tab.client!).digests())
      const own = digests.find(({ conversation }) => conversation === id)
      // Receipts and all: `digest()` of the client is over what was sealed alone. [SPEC D2]
      if (own !== undefined && hex(own.digest).startsWith(name)) continue
      const kind = registersDiffer(device.disk, stage.servers[0]!.disk, id) ?? "documents"
      return `${device.name} and the servers differ in ${id.slice(0, 6)}: ${kind}`
    }
  }
  return undefined
}

/** What others have not as the first server has it, logs and registers: for those who look into a failure. */
export function differences(stage: Stage): string {
  const [first, ...others] = stage.servers
  const reference = serverHoldings(first!.disk)
  const all = [
    ...others.map(({ name, disk }) => ({ name, disk, own: serverHoldings(disk) })),
    ...stage.devices.map(({ name, disk }) => ({ name, disk, own: deviceHoldings(disk) })),
  ]
  const found = all.flatMap(({ name, disk, own }) => {
    const documents = Array.from(new Set([...reference.keys(), ...own.keys()]))
    const logs = documents.flatMap((document) => {
      const what = difference(reference.get(document), own.get(document))
      return what === undefined ? [] : [`${document}: ${what}`]
    })
    const registers = conversationsOf(stage).flatMap((id) => registersDiffer(first!.disk, disk, id) ?? [])
    return [...logs, ...registers].map((what) => `${first!.name} and ${name}: ${what}`)
  })
  return found.length === 0 ? "in no log, in no register" : found.join("; ")
}

/** The first device whose register is not the same on two disks. */
function registersDiffer(one: Disk, other: Disk, id: ConversationId): string | undefined {
  const [mine, theirs] = [registersOf(one, id), registersOf(other, id)]
  for (const device of new Set([...mine.keys(), ...theirs.keys()])) {
    const [here, there] = [mine.get(device), theirs.get(device)]
    if (here !== undefined && there !== undefined && equalBytes(here.bytes, there.bytes)) continue
    return `register of ${device.slice(0, 6)} of ${here?.clock ?? "nothing"} and ${there?.clock ?? "nothing"}`
  }
  return undefined
}

/** What a client's connection waits for: for those who look into a failure. */
function underWay(client: Client): string {
  const { exchange } = (client as unknown as { session: { exchange?: Record<string, unknown> } }).session
  if (exchange === undefined) return "no exchange"
  const names = ["compared", "unacknowledged", "vectors", "vectorQueue", "behindControl", "retries"]
  return names.map((name) => `${name}: ${sizeOf(exchange[name])}`).join(", ")
}

function sizeOf(value: unknown): string {
  return value instanceof Map || value instanceof Set ? Array.from(value.keys()).join(" ") : String(value)
}

/** Judges by what clients were told and what is there now. Throws a Violation. */
export async function judge(stage: Stage): Promise<void> {
  for (const device of stage.devices) device.look()
  for (const id of conversationsOf(stage)) {
    // Reading takes time: what nobody looks at would leave memory again. [SPEC U14]
    const looking: (() => void)[] = []
    for (const view of viewsOf(stage, id)) {
      const { conversation } = view
      const before = isRead(conversation) ? undefined : rowOf(view)
      looking.push(conversation.messages.subscribe(() => undefined))
      await readList(stage, view)
      const listed = allItems(conversation)
      const from = listedFrom(conversation)
      await readOlder(stage, conversation)
      judgeListed(view, listed, from)
      if (before === undefined) continue
      const after = rowOf(view)
      if (sayRow(before) === sayRow(after) && before.late.every((id) => after.late.includes(id))) continue
      throw new Violation("I6", `${view.device.name} listed ${sayRow(before)}, and read ${sayRow(after)}`)
    }
    const shown = viewsOf(stage, id)
    for (const view of shown) {
      judgeView(stage, view)
      judgeHidden(view)
      judgeReplies(view)
      judgeUnread(stage, view)
      judgeReceipts(view)
      judgeReaders(stage, view)
    }
    judgeEqual(shown)
    judgeInfo(shown)
    if (stage.hostileServer === undefined) judgeOwnDevices(shown)
    await judgeWays(stage, id, shown)
    judgeClosedWays(stage, id, shown)
    judgeRemovals(stage, id, shown)
    judgeMembers(stage, id, shown)
    const sayings = Array.from(stage.oracle.sayings.values()).filter(({ conversation }) => conversation === id)
    for (const saying of sayings) judgeSaying(stage, saying, await whereItStands(stage, saying, shown, looking))
    for (const stop of looking) stop()
  }
  judgeAccounts(stage)
  judgeDirects(stage)
  judgeHoldings(stage)
  judgeErasures(stage)
}

/** What a list began with goes on without gaps. `from`: its first segment; of those before it the newest count. [SPEC M9] */
function judgeListed({ device, conversation }: View, listed: readonly Message[], from: number): void {
  if (isMerged(conversation)) return
  const [first, ...rest] = listed.filter(({ rejection }) => rejection === undefined)
  if (first === undefined) return
  const all = allItems(conversation).filter(({ rejection }) => rejection === undefined)
  const behind = all.slice(all.findIndex(({ id }) => id === first.id) + 1)
  const segments = new Set(behind.map(({ id }) => segmentOf(conversation, id)))
  const before = Array.from(segments).filter((segment) => segment < from)
  const tooMany = new Set(before.sort((a, b) => b - a).slice(MOST_REACHING))
  const due = behind.filter(({ id }) => !tooMany.has(segmentOf(conversation, id)))
  const shown = tooMany.size === 0 ? rest : rest.filter(({ id }) => !tooMany.has(segmentOf(conversation, id)))
  if (due.every(({ id }, index) => shown[index]?.id === id)) return
  const missing = due.find(({ id }) => shown.every((message) => message.id !== id))
  throw new Violation("I6", `${device.name} listed a part of ${conversation.id} without ${missing?.text ?? "order"}`)
}

/** What a list shows of a conversation, read or not. */
interface Row {
  readonly info: string
  readonly counts: string
  readonly count: number
  /** What comes first and last. */
  readonly order: string
  /** Of segments that are not loaded not all of them need be known. [SPEC U10] */
  readonly late: readonly string[]
}

function rowOf({ conversation }: View): Row {
  const { lastMessage, lastActivity, ...info } = conversation.info.get()
  const { count, mentions, late, first, threads } = conversation.unread.get()
  const roots = Array.from(threads).sort(([a], [b]) => (a < b ? -1 : 1))
  const counts = roots.map(([root, unread]) => [root, unread.count, unread.mentions])
  const firsts = roots.map(([, unread]) => unread.first)
  return {
    info: JSON.stringify(info),
    counts: JSON.stringify([count, mentions, counts]),
    count,
    order: JSON.stringify([lastActivity, lastMessage?.id, lastMessage?.text, first, firsts]),
    late: [late, ...roots.map(([, unread]) => unread.late)].flat(),
  }
}

function sayRow({ info, counts, order }: Row): string {
  return `${info} ${counts} ${order}`
}

/** Called on the way too: it asks for nothing that is still under way. */
export function judgeView(stage: Stage, { device, items }: Pick<View, "device" | "items">): void {
  const seen = new Set<string>()
  for (const item of items) {
    const { id, text, author, form, rejection } = item
    if (rejection !== undefined && isTransient(rejection)) {
      throw new Violation("I3", `${device.name} gives ${text ?? form} up for ${rejection}, which passes`)
    }
    if (seen.has(id)) throw new Violation("I3", `${device.name} shows ${id} twice`)
    seen.add(id)
    const saying = stage.oracle.sayings.get(id)
    // What a hostile device says under its own seal is its user's.
    if (saying === undefined && author === stage.hostileDevice?.user) continue
    if (saying === undefined) throw new Violation("I5", `${device.name} shows what nobody wrote: ${id} ${text ?? form}`)
    if (author !== saying.user) throw new Violation("I5", `${device.name} shows ${saying.text} as ${author}'s`)
    const about = aboutOf(item, saying.edits > 0)
    if (form === "text" && about !== aboutOf(saying, saying.edits > 0)) {
      throw new Violation("I5", `${device.name} shows ${saying.text} with ${about}`)
    }
    if (form === "unreadable" || (form === "text" && saying.edits === 0 && text !== saying.text)) {
      throw new Violation("I5", `${device.name} shows ${saying.text} as ${text ?? form}`)
    }
    if (form === "erased" && saying.erasedBy.size === 0 && author !== stage.hostileDevice?.user) {
      throw new Violation("I2", `${device.name} shows ${saying.text} as erased, which nobody asked for`)
    }
  }
}

/** What a message says beside its text. Mentions move where the text is edited. */
function aboutOf({ thread, forwardedFrom, mentions }: Message | Saying, isEdited: boolean): string {
  return JSON.stringify([thread, forwardedFrom, isEdited ? undefined : mentions])
}

/** What all must show alike. A rejected message is its author's alone, also where it is quoted. */
function common(items: readonly Message[]): string[] {
  const rejected = new Set(items.filter(({ status }) => status === "rejected").map(({ id }) => id))
  return items.flatMap((item) => {
    const { id, author, text, form, status, sentAt, reactions, edited, quote, replies } = item
    if (status === "rejected") return []
    const given = reactions.map(({ emoji, users }) => `${emoji} ${users.join()}`)
    const isSeenByAll = quote?.state === "ready" && !rejected.has(quote.id)
    const quoted = isSeenByAll
      ? `${quote.form} ${quote.text?.slice(0, 40) ?? ""}`
      : quote?.state === "ready"
        ? "missing"
        : quote?.state
    return [
      [
        id,
        author,
        form,
        text?.slice(0, 80),
        sentAt,
        ...given,
        edited?.count,
        quoted,
        aboutOf(item, false),
        replies?.count,
      ].join(" "),
    ]
  })
}

function judgeEqual(shown: readonly View[]): void {
  const [first, ...others] = shown
  if (first === undefined) return
  const reference = common(first.items)
  for (const other of others) {
    const lines = common(other.items)
    const at = lines.findIndex((line, index) => line !== reference[index])
    if (at < 0 && lines.length === reference.length) continue
    const names = `${first.device.name} and ${other.device.name}`
    throw new Violation(
      "I4",
      `${names} differ at ${at}: ${reference.at(at) ?? "nothing"} | ${lines.at(at) ?? "nothing"}`,
    )
  }
}

/** What is a user's own is the same on all devices of the user. */
function judgeOwnDevices(shown: readonly View[]): void {
  for (const { device, conversation } of shown) {
    const other = shown.find((view) => view.device.user === device.user)
    if (other === undefined) continue
    const [here, there] = [ownOf(conversation), ownOf(other.conversation)]
    if (here !== there) throw new Violation("I4", `${device.name} and ${other.device.name} differ: ${here} | ${there}`)
  }
}

function ownOf({ unread, draft, info, settings }: Conversation): string {
  const { count, mentions, late, first, threads } = unread.get()
  const counts = JSON.stringify([count, mentions, late, first, Array.from(threads).sort()])
  return `${info.get().membership}, ${counts} unread, draft "${draft.get()}", ${JSON.stringify(settings.get())}`
}

/** What its writer is told to be on a server, is there at this moment. Erased, cut or lost disks may hold less. */
export function judgeSent({ servers, oracle }: Stage, saying: Saying): void {
  if (oracle.serverLostData || isErasedOrCut(oracle, saying)) return
  if (servers.some(({ disk }) => holdsText(disk, saying.text) !== undefined)) return
  throw new Violation("I1", `${saying.text.slice(0, 40)} of ${saying.device} is said to be sent, and on no server`)
}

function isErasedOrCut({ removals }: Oracle, { erasedBy, conversation }: Saying): boolean {
  return erasedBy.size > 0 || removals.some((removal) => removal.conversation === conversation)
}

/** Unless one of those who removed the author had not seen it. */
function isCut(stage: Stage, saying: Saying): boolean {
  return stage.oracle.removals.some(
    ({ conversation, user, seen }) =>
      conversation === saying.conversation && user === saying.user && !seen.has(saying.id),
  )
}

/** Who let the author in was removed, or left, elsewhere at the same time: with what fell the author is no member, and never was. [SPEC A8, A11] */
function neverCameIn({ oracle }: Stage, { conversation: id, user }: Saying, shown: readonly View[]): boolean {
  const isMember = shown.some(({ conversation }) => conversation.info.get().members.some((one) => one.user === user))
  const removals = oracle.removals.filter(({ conversation, outcome }) => conversation === id && outcome !== "refused")
  return !isMember && removals.length > 0 && removals.every((removal) => removal.user !== user)
}

async function readList({ world }: Stage, { client, conversation }: View): Promise<void> {
  await world.outcome(readGroup(client, conversation))
  while (!isShown(conversation)) await world.run(1)
}

async function readOlder({ world }: Stage, conversation: Conversation): Promise<void> {
  while (!conversation.messages.get().complete) await world.outcome(conversation.loadOlder())
}

/** Of talks that were shown as one it may stand in another than it was written from, and they may be two by now: one was left, say. [SPEC A20] */
async function whereItStands(
  stage: Stage,
  saying: Saying,
  shown: readonly View[],
  looking: (() => void)[],
): Promise<readonly View[]> {
  const stands = (views: readonly View[]): boolean =>
    views.some(({ items }) => items.some(({ id }) => id === saying.id))
  if (stands(shown)) return shown
  const talks = stage.bookkeeper.talksLike(saying.user, saying.conversation)
  for (const id of conversationsOf(stage)) {
    if (id === saying.conversation || !talks.has(id)) continue
    for (const view of viewsOf(stage, id)) {
      looking.push(view.conversation.messages.subscribe(() => undefined))
      await readList(stage, view)
      await readOlder(stage, view.conversation)
    }
    const others = viewsOf(stage, id)
    if (stands(others)) return others
  }
  return saying.promised === "saved" && isRefusedInTalkThatWasLeft(stage, saying, talks) ? [] : shown
}

/** What waited in a talk that another device of its author's left at once is shown to its author there, and to nobody else. [SPEC A20, R5] */
function isRefusedInTalkThatWasLeft(stage: Stage, saying: Saying, talks: ReadonlySet<string>): boolean {
  const tabs = stage.devices.flatMap(({ name, tabs: own }) => (name === saying.device ? own : []))
  return tabs.some(({ client }) =>
    client?.conversations.get().some((talk) => {
      if (!talks.has(talk.id) || talk.info.get().membership !== "left") return false
      return allItems(talk).some(({ id, status }) => id === saying.id && status === "rejected")
    }),
  )
}

function judgeSaying(stage: Stage, saying: Saying, shown: readonly View[]): void {
  const { oracle } = stage
  const where = `${saying.text.slice(0, 40)} of ${saying.device}`
  const isOut = isCut(stage, saying) || neverCameIn(stage, saying, shown)
  const excused = isOut || saying.erasedBy.size > 0 || (oracle.serverLostData && saying.setBack)
  for (const { device, items } of shown) {
    const item = items.find(({ id }) => id === saying.id)
    if (saying.promised === "sent" && !excused && (item === undefined || item.status === "rejected")) {
      throw new Violation("I1", `${where} was acknowledged, and ${device.name} does not show it`)
    }
    if (device.name !== saying.device || saying.mayBeLost) continue
    if (saying.promised === "saved" && item === undefined && !excused) {
      throw new Violation("I3", `${where} was saved, and is gone without a word`)
    }
    if (item?.status === "saving" || item?.status === "saved") {
      throw new Violation("I3", `${where} is ${item.status} for ever`)
    }
  }
}

/** Who was removed by somebody whom nobody removed, and whom nobody added again, is out, whatever else was said at once. [SPEC A8] */
function judgeMembers(stage: Stage, id: ConversationId, shown: readonly View[]): void {
  const { removals, serverLostData, deviceLostData } = stage.oracle
  if (serverLostData || deviceLostData || stage.hostile !== undefined) return
  const asked = removals.filter(({ conversation, outcome }) => conversation === id && outcome !== "refused")
  const [removal] = asked
  if (removal?.outcome !== "written" || !removal.lasted || asked.length > 1 || removal.undone) return
  for (const { device, conversation } of shown) {
    if (!conversation.info.get().members.some(({ user }) => user === removal.user)) continue
    throw new Violation("I7", `${device.name} has ${removal.user} as a member, who was removed`)
  }
}

/** Who was removed once, and never came back, says nothing that the remover had not seen. */
function judgeRemovals(stage: Stage, id: ConversationId, shown: readonly View[]): void {
  const [view] = shown
  if (view === undefined) return
  const members = new Set(view.conversation.info.get().members.map(({ user }) => user))
  for (const removal of stage.oracle.removals) {
    if (removal.conversation !== id || members.has(removal.user as UserId) || !removal.held) continue
    // Who leaves one of several talks with one person leaves all.
    const left = stage.bookkeeper.talksLike(removal.user, id)
    const again = stage.oracle.removals.filter(
      ({ conversation, user }) => user === removal.user && left.has(conversation),
    )
    if (again.length > 1) continue
    for (const { device, items } of shown) {
      const late = items.find((item) => item.author === removal.user && removal.held?.has(item.id) === false)
      if (late !== undefined) {
        throw new Violation("I7", `${device.name} shows ${late.text ?? late.form}, beyond the cut of ${removal.user}`)
      }
    }
  }
}

function judgeHoldings(stage: Stage): void {
  const [first, ...others] = stage.servers
  const reference = serverHoldings(first!.disk)
  const compare = (name: string, own: Holdings, documents: Iterable<DocumentName>): void => {
    for (const document of documents) {
      const found = difference(reference.get(document), own.get(document))
      if (found === undefined) continue
      throw new Violation("I6", `${first!.name} and ${name} have one digest of ${document}, and differ in ${found}`)
    }
  }
  for (const { name, disk } of others) {
    const own = serverHoldings(disk)
    compare(name, own, new Set([...reference.keys(), ...own.keys()]))
  }
  for (const device of stage.devices) {
    const isMember = (id: ConversationId): boolean => {
      const { client } = device
      return client?.conversation(id)?.info.get().role !== undefined && !isShutOut(stage, client, id)
    }
    const ids = new Set(conversationsOf(stage).filter(isMember))
    const own = deviceHoldings(device.disk)
    const away = awayDocuments(device.disk)
    const documents = new Set([...reference.keys(), ...own.keys()])
    compare(
      device.name,
      own,
      Array.from(documents).filter((document) => ids.has(conversationOf(document)) && !away.has(document)),
    )
  }
}

/** What its author erased, and everybody shows as erased, is nowhere any more. */
function judgeErasures(stage: Stage): void {
  const shown = new Map<string, { readonly item: Message; readonly on: Set<SimDevice> }>()
  for (const id of conversationsOf(stage)) {
    for (const { items, device } of viewsOf(stage, id)) {
      for (const item of items) {
        const on = shown.get(item.id)?.on ?? new Set()
        shown.set(item.id, { item, on: on.add(device) })
      }
    }
  }
  for (const saying of stage.oracle.sayings.values()) {
    if (saying.erasedBy.size !== 1 || !saying.erasedBy.has(saying.user)) continue
    const erased = shown.get(saying.id)
    if (erased?.item.form !== "erased") continue
    const isSaidAgain = Array.from(stage.oracle.sayings.values()).some(
      (other) => other !== saying && other.forwardedFrom !== undefined && other.text.includes(saying.text),
    )
    if (isSaidAgain || saying.forwardedFrom !== undefined) continue
    for (const { name, disk } of stage.servers) {
      const key = holdsText(disk, saying.text)
      if (key !== undefined)
        throw new Violation("I2", `${name} still has the erased ${saying.text.slice(0, 40)} at ${key}`)
    }
    // Who left the conversation hears no more of it. Of talks shown as one it may stand in another than it was written from.
    for (const device of erased.on) {
      const key = holdsText(device.disk, saying.text)
      if (key !== undefined) {
        throw new Violation("I2", `${device.name} still has the erased ${saying.text.slice(0, 40)} at ${key}`)
      }
    }
  }
}
