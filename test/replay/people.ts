import type { Conversation, Message } from "@weft/sdk/node"
import type { Random } from "../support/seed.ts"
import { conversationOf, until } from "../support/until.ts"
import { clientOf, demand, roomOf, type Room } from "./room.ts"

export interface PeopleCounts {
  added: number
  removed: number
  left: number
  roles: number
  /** Titles and topics. */
  renames: number
  pins: number
}

/** Who comes and goes while a room is replayed, and what it is called: everybody is in it when they speak, and at the end. */
export class People {
  readonly counts: PeopleCounts = { added: 0, removed: 0, left: 0, roles: 0, renames: 0, pins: 0 }
  private readonly out = new Map<string, "left" | "removed">()

  /** `back`: brings a person's device online. */
  constructor(
    private readonly random: Random,
    private readonly room: Room,
    private readonly back: (name: string) => void,
    private readonly isAway: (name: string) => boolean,
  ) {}

  /** Lets somebody in who never was, or who is out. */
  async enter(name: string): Promise<void> {
    const { room } = this
    const how = this.out.get(name)
    this.out.delete(name)
    if (how === "left") {
      await roomOf(room, name).undoLeave()
      return
    }
    if (how === undefined && room.conversations.has(name)) return
    for (const one of [room.owner, name]) this.back(one)
    const owners = roomOf(room, room.owner)
    await owners.addMember(name)
    this.counts.added++
    const theirs = await conversationOf(clientOf(room, name), owners.id)
    room.conversations.set(name, theirs)
    await until(theirs.info, ({ membership, mayWrite }) => membership === "member" && mayWrite)
    // Before it has all of it, what comes from below what was read is read, too: a bookkeeper can't know what that was. [SPEC U10]
    await clientOf(room, name).synced()
  }

  /** One change, where somebody is there for it. `written`: the messages of each so far. */
  async change(written: ReadonlyMap<string, readonly Message["id"][]>): Promise<void> {
    const owners = roomOf(this.room, this.room.owner)
    switch (this.random.below(6)) {
      case 0:
        return this.leave()
      case 1:
        return this.remove(owners, written)
      case 2:
        return this.setRole(owners)
      case 3:
        return this.pin(owners)
      default:
        return this.rename()
    }
  }

  /** Everybody is in it. */
  async end(): Promise<void> {
    for (const name of this.room.clients.keys()) await this.enter(name)
  }

  /** Members but for the owner whose device has nothing under way, and is online where it has to be. */
  private pick(online: boolean): string | undefined {
    const { room } = this
    const names = Array.from(room.conversations.keys()).filter(
      (name) =>
        name !== room.owner &&
        !this.out.has(name) &&
        (!online || !this.isAway(name)) &&
        clientOf(room, name).status.get().pending.length === 0,
    )
    return names.length === 0 ? undefined : this.random.pick(names)
  }

  private async leave(): Promise<void> {
    const name = this.pick(true)
    if (name === undefined) return
    this.out.set(name, "left")
    await roomOf(this.room, name).leave()
    this.counts.left++
  }

  private async remove(owners: Conversation, written: ReadonlyMap<string, readonly Message["id"][]>): Promise<void> {
    const name = this.pick(true)
    if (name === undefined) return
    this.back(this.room.owner)
    // What the owner has not seen would be dropped, and the lines are counted at the end.
    const ids = written.get(name) ?? []
    await until(owners.messages, () => ids.every((id) => owners.message(id) !== undefined))
    if (!owners.info.get().members.some(({ user }) => user === name)) return
    this.out.set(name, "removed")
    await owners.removeMember(name)
    this.counts.removed++
    // What somebody writes who does not know of it yet is dropped.
    await until(roomOf(this.room, name).info, ({ membership }) => membership !== "member")
  }

  private async setRole(owners: Conversation): Promise<void> {
    const present = owners.info.get().members.filter(({ user, role }) => role !== "owner" && !this.out.has(user))
    if (present.length === 0) return
    await owners.setRole(this.random.pick(present).user, this.random.pick(["member", "moderator", "admin"]))
    this.counts.roles++
  }

  private async pin(owners: Conversation): Promise<void> {
    const texts = owners.messages.get().items.filter(({ form, status }) => form === "text" && status !== "rejected")
    if (texts.length === 0) return
    await owners.pin(this.random.pick(texts.slice(-60)).id)
    this.counts.pins++
  }

  /** By whoever may, offline too. */
  private async rename(): Promise<void> {
    const names = Array.from(this.room.conversations).filter(([name, { info }]) => {
      const { role } = info.get()
      return !this.out.has(name) && (role === "owner" || role === "admin")
    })
    const [, conversation] = demand(this.random.pick(names))
    const number = String(this.random.below(1000))
    if (this.random.oneIn(2)) await conversation.setTitle(`Room ${number}`)
    else await conversation.setTopic(`topic ${number}`)
    this.counts.renames++
  }
}
