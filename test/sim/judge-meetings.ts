import type { ConversationId } from "@weft/sdk/protocol"
import { Violation, type Join, type Way } from "./oracle.js"
import type { SimDevice } from "./sim-device.js"
import type { Stage } from "./stage.js"
import { conversationsOf, replicaOf, viewsOf, type View } from "./views.js"

/** What a conversation is, and who may come in, is the same for all of its members. [SPEC A] */
export function judgeInfo(shown: readonly View[]): void {
  const [first, ...others] = shown
  if (first === undefined) return
  const reference = infoOf(first)
  for (const other of others) {
    const info = infoOf(other)
    if (info === reference) continue
    throw new Violation("I4", `${first.device.name} and ${other.device.name} differ: ${reference} | ${info}`)
  }
}

function infoOf({ conversation }: View): string {
  const { title, topic, announcementsOnly, pinned, members } = conversation.info.get()
  const open = conversation.invites.get().map(({ id, role, uses, used }) => [id, role, uses ?? "", used].join(" "))
  const roles = members.map(({ user, role }) => `${user} ${role}`).sort()
  return JSON.stringify({ title, topic, announcementsOnly, pinned: pinned.map(({ id }) => id), roles, open })
}

/** By a link come no more people than it is for; who used an open one is in, and nobody waits without a word. [SPEC A19] */
export async function judgeWays(stage: Stage, id: ConversationId, shown: readonly View[]): Promise<void> {
  for (const { device, conversation } of shown) {
    for (const { id: invite, used } of conversation.invites.get()) {
      const { uses = Infinity } = stage.oracle.ways.find((way) => way.id === invite) ?? {}
      if (used > uses) throw new Violation("I7", `${device.name} has ${used} people who came by ${invite}, for ${uses}`)
    }
  }
  const { joins, removals, serverLostData, deviceLostData } = stage.oracle
  if (serverLostData || deviceLostData || stage.hostile !== undefined) return
  for (const join of joins) {
    if (join.way.conversation !== id || !join.isSaved || !join.way.isSaved) continue
    // That link lets nobody in, and no server knows why: its maker shows another one. [SPEC A19, W4]
    if (await wasWrittenAgain(stage, join.way)) continue
    judgeEnd(stage, join.device, id)
    const isOpen = join.way.uses === undefined && join.way.endsAt === undefined && !join.way.wasRevoked
    if (!isOpen || removals.some(({ conversation }) => conversation === id)) continue
    for (const { device, conversation } of shown) {
      if (conversation.info.get().members.some(({ user }) => user === join.user)) continue
      throw new Violation("I6", `${join.user} came by an open link, and ${device.name} does not have them as a member`)
    }
  }
}

/** Nobody comes by a link after its end, or whom its revoker did not know by then; whom its revoker knew stays. [SPEC A19] */
export function judgeClosedWays(stage: Stage, id: ConversationId, shown: readonly View[]): void {
  const { joins, letIn, removals, serverLostData, deviceLostData, serverWasBehind } = stage.oracle
  if (serverLostData || deviceLostData || stage.hostile !== undefined) return
  if (removals.some(({ conversation }) => conversation === id)) return
  const isLate = ({ way: { endsAt, revocations }, at, user }: Join): boolean =>
    (endsAt !== undefined && !serverWasBehind && at > endsAt) ||
    revocations.some(({ after, isSaved }) => isSaved && !after.has(user))
  const isKnown = ({ way: { uses, revocations }, user }: Join): boolean =>
    uses === undefined && revocations.length > 0 && revocations.every(({ before }) => before.has(user))
  for (const user of new Set(joins.map((join) => join.user))) {
    const own = joins.filter((join) => join.way.conversation === id && join.user === user)
    if (letIn.has(`${id} ${user}`) || own.length === 0) continue
    const mustBeOut = own.every(isLate)
    const mustBeIn = own.some(isKnown)
    for (const { device, conversation } of shown) {
      const isIn = conversation.info.get().members.some((member) => member.user === user)
      if (isIn && mustBeOut)
        throw new Violation("I7", `${device.name} has ${user} as a member, who came by a closed link`)
      if (isIn || !mustBeIn) continue
      throw new Violation(
        "I6",
        `${user} came before the link was closed, and ${device.name} does not have them as a member`,
      )
    }
  }
}

/** Whether the invite of a link goes by another name now, or none, on a device that made it. */
async function wasWrittenAgain({ world, devices }: Stage, { conversation: id, id: invite }: Way): Promise<boolean> {
  for (const { client } of devices.flatMap(({ tabs }) => tabs)) {
    if (client?.conversation(id) === undefined) continue
    const instead = replicaOf(client).using(id, async (conversation) => conversation.insteadOf(invite))
    if ((await world.outcome(instead))[0] !== invite) return true
  }
  return false
}

/** Who used a link is in by now, or is told why not. */
function judgeEnd({ devices }: Stage, name: string, id: ConversationId): void {
  const device = devices.find((one) => one.name === name)
  if (device !== undefined && isJoining(device, id)) {
    throw new Violation("I3", `${name} waits for ever to be let into ${id}`)
  }
}

/** Whether anybody who used a link is neither in by now nor told why not. */
export function isAnybodyJoining(stage: Stage): boolean {
  const ids = conversationsOf(stage)
  return stage.devices.some((device) => ids.some((id) => isJoining(device, id)))
}

function isJoining({ tabs }: SimDevice, id: ConversationId): boolean {
  return tabs.some(({ client }) => {
    const conversation = client?.conversation(id)
    if (conversation?.info.get().membership !== "joining") return false
    return !conversation.changes.get().some(({ kind, status }) => kind === "join" && status === "refused")
  })
}

/** Two users have one conversation with one another, the same on all devices of both. [SPEC A20] */
export function judgeDirects(stage: Stage): void {
  const { directs, removals } = stage.oracle
  const open = conversationsOf(stage).filter((id) => !removals.some(({ conversation }) => conversation === id))
  const ids = new Set(open.flatMap((id) => viewsOf(stage, id).map(({ conversation }) => conversation.id)))
  for (const pair of directs) {
    const [one = "", other = ""] = pair.split(" ")
    const found = new Map<string, string>()
    for (const { name, user, tabs } of stage.devices) {
      const partner = user === one ? other : user === other ? one : undefined
      if (partner === undefined) continue
      for (const { client } of tabs) {
        const talks =
          client?.conversations
            .get()
            .filter(({ info }) => info.get().direct === partner && info.get().members.length === 2) ?? []
        if (talks.length > 1) throw new Violation("I4", `${name} shows ${talks.length} talks with ${partner}`)
        const [talk] = talks
        if (talk !== undefined && ids.has(talk.id)) found.set(talk.id, name)
      }
    }
    if (found.size <= 1) continue
    throw new Violation("I4", `${Array.from(found, ([id, name]) => `${name} has ${id}`).join(", ")} for ${pair}`)
  }
}
