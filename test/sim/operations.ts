import type { Role } from "../../sdk/src/authority/role.js"
import type { Random } from "../support/seed.js"
import { crash, createConversation, eraseMessage, remove, say, textOf } from "./acting.js"
import type { DiskImage } from "./disk.js"
import type { Choices, Kind } from "./kind.js"
import { meetingKinds } from "./meeting-kinds.js"
import { personalKinds, readAll } from "./personal-kinds.js"
import type { SimServer } from "./sim-server.js"
import type { Stage } from "./stage.js"

export interface Operation extends Choices {
  readonly kind: OperationKind
}

export const LATEST = 11
const SERVER_AHEAD_MS = 5 * 60_000
const TEN_YEARS_MS = 10 * 365 * 86_400_000
const EMOJI = ["👍", "🎉", "❤️"]
const ROLES: readonly Role[] = ["reader", "member", "member", "moderator", "admin", "owner"]

const kinds = {
  send: {
    weight: 300,
    act: (stage, { a, b, c }) => {
      say(stage, stage.device(a), b, c % 100 === 0 ? 20_000 : 0)
    },
  },
  burst: {
    weight: 12,
    act: (stage, { a, b, c }) => {
      for (let left = 2 + (c % 12); left > 0; left--) say(stage, stage.device(a), b, 0)
    },
  },
  big: {
    weight: 4,
    optional: true,
    act: (stage, { a, b, c }) => {
      for (let left = 1 + (c % 5); left > 0; left--) say(stage, stage.device(a), b, 40_000)
    },
  },
  erase: {
    weight: 30,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const found = stage.conversationOf(device, b)
      if (found === undefined) return
      const own = found.conversation.messages.get().items.filter((item) => item.own && item.form === "text")
      const target = own[c % Math.max(1, own.length)]
      if (target !== undefined) eraseMessage(stage, device, b, target.id)
    },
  },
  moderate: {
    weight: 6,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const found = stage.conversationOf(device, b)
      const role = found?.conversation.info.get().role
      if (found === undefined || role === undefined || role === "member" || role === "reader") return
      const items = found.conversation.messages.get().items.filter((item) => !item.own && item.form === "text")
      const target = items[c % Math.max(1, items.length)]
      if (target !== undefined) eraseMessage(stage, device, b, target.id)
    },
  },
  answer: {
    weight: 30,
    since: 3,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c)
      if (target !== undefined) say(stage, device, b, 0, { replyTo: target.id })
    },
  },
  pageBack: {
    weight: 6,
    since: 7,
    act: (stage, { a, b }) => {
      const found = stage.conversationOf(stage.device(a), b)
      if (found !== undefined) stage.background("page back", found.conversation.loadOlder())
    },
  },
  jump: {
    weight: 8,
    since: 8,
    act: (stage, { a, b, c }) => {
      const found = stage.conversationOf(stage.device(a), b)
      const sayings = Array.from(stage.oracle.sayings.values())
      const target = sayings.filter(({ conversation }) => conversation === found?.conversation.id)
      const saying = target[c % Math.max(1, target.length)]
      if (found === undefined || saying === undefined) return
      stage.background("jump", found.conversation.loadTo(saying.id))
    },
  },
  letGo: {
    weight: 6,
    since: 7,
    act: (stage, { a, b }) => {
      const found = stage.conversationOf(stage.device(a), b)
      if (found !== undefined) stage.background("let go", found.conversation.releaseOlder())
    },
  },
  react: {
    weight: 50,
    since: 3,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c >>> 3)
      const conversation = stage.conversationOf(device, b)?.conversation
      if (target === undefined || conversation?.info.get().mayWrite !== true) return
      const emoji = EMOJI[c % EMOJI.length]!
      if ((c & 4) === 0) conversation.react(target.id, emoji)
      else conversation.unreact(target.id, emoji)
    },
  },
  edit: {
    weight: 25,
    since: 3,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c, device.user)
      const conversation = stage.conversationOf(device, b)?.conversation
      const saying = target === undefined ? undefined : stage.oracle.sayings.get(target.id)
      if (target === undefined || saying === undefined || conversation?.info.get().mayWrite !== true) return
      if (target.forwardedFrom !== undefined) return
      saying.edits++
      const { id } = conversation.edit(target.id, `${target.text ?? ""} e${stage.sayings++}`)
      stage.bookkeeper.textBefore.set(id, target.text)
      const tab = device.tabs.find(({ client }) => client?.conversation(conversation.id) === conversation)
      if (tab !== undefined) stage.bookkeeper.noteAct(device, tab, undefined)
    },
  },
  draft: {
    weight: 15,
    since: 3,
    act: (stage, { a, b, c }) => {
      const conversation = stage.conversationOf(stage.device(a), b)?.conversation
      if (c % 4 === 0) conversation?.draft.clear()
      else conversation?.draft.set(`${conversation.draft.get()} d${c % 100}`)
    },
  },
  markRead: {
    weight: 20,
    since: 3,
    act: (stage, { a, b }) => {
      readAll(stage, a, b)
    },
  },
  keepUp: {
    weight: 40,
    since: 8,
    act: (stage, { a, b }) => {
      readAll(stage, a, b)
      const found = stage.conversationOf(stage.device(a), b)
      if (found !== undefined) stage.background("let go", found.conversation.releaseOlder())
    },
  },
  announce: {
    weight: 3,
    since: 3,
    act: (stage, { a, b, c }) => {
      const conversation = stage.conversationOf(stage.device(a), b)?.conversation
      if (conversation !== undefined) {
        stage.background("announce", conversation.setAnnouncementsOnly(c % 4 === 0))
      }
    },
  },
  pin: {
    weight: 6,
    since: 3,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const target = textOf(stage, device, b, c >>> 1)
      const conversation = stage.conversationOf(device, b)?.conversation
      if (target === undefined || conversation === undefined) return
      stage.background("pin", c % 2 === 0 ? conversation.pin(target.id) : conversation.unpin(target.id))
    },
  },
  title: {
    weight: 10,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const found = stage.conversationOf(device, b)
      if (found !== undefined) stage.background("title", found.conversation.setTitle(`title ${c}`))
    },
  },
  role: {
    weight: 12,
    act: (stage, { a, b, c }) => {
      const found = stage.conversationOf(stage.device(a), b)
      const user = stage.users[c % stage.users.length]!
      if (found !== undefined) {
        stage.background("role", found.conversation.setRole(user, ROLES[(c >>> 8) % ROLES.length]!))
      }
    },
  },
  add: {
    weight: 14,
    act: (stage, { a, b, c }) => {
      const found = stage.conversationOf(stage.device(a), b)
      const user = stage.users[c % stage.users.length]!
      const members = found?.conversation.info.get().members ?? []
      if (found === undefined || members.some((member) => member.user === user)) return
      stage.trace.tell(`${stage.device(a).name} adds ${user}`)
      for (const removal of stage.oracle.removals) if (removal.user === user) removal.undone = true
      stage.oracle.letIn.add(`${found.conversation.id} ${user}`)
      stage.background("add", found.conversation.addMember(user, "member"))
    },
  },
  remove: {
    weight: 5,
    optional: true,
    act: (stage, { a, b, c }) => {
      remove(stage, stage.device(a), b, stage.users[c % stage.users.length]!)
    },
  },
  leave: {
    weight: 2,
    optional: true,
    act: (stage, { a, b }) => {
      remove(stage, stage.device(a), b, stage.device(a).user)
    },
  },
  create: {
    weight: 2,
    act: (stage, { a, b }) => {
      const client = stage.device(a).clientOf(b)
      if (client === undefined || stage.conversations.length >= 3) return
      createConversation(stage, stage.device(a), b)
    },
  },
  discard: {
    weight: 8,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const found = stage.conversationOf(device, b)
      const rejected = found?.conversation.messages.get().items.filter(({ status }) => status === "rejected") ?? []
      const target = rejected[c % Math.max(1, rejected.length)]
      if (found === undefined || target === undefined) return
      const saying = stage.oracle.sayings.get(target.id)
      // The user saw the rejection, and let it go.
      if (saying !== undefined) {
        saying.rejected = true
        saying.mayBeLost = true
      }
      stage.trace.tell(`${device.name} discards ${target.id.slice(0, 6)} (${target.rejection ?? ""})`)
      stage.background("discard", found.conversation.discard(target.id))
    },
  },
  offline: {
    weight: 14,
    act: (stage, { a, b }) => {
      stage.device(a).clientOf(b)?.goOffline()
    },
  },
  online: {
    weight: 30,
    act: (stage, { a, b }) => {
      stage.device(a).clientOf(b)?.goOnline()
    },
  },
  cut: {
    weight: 30,
    optional: true,
    act: (stage, { a }) => {
      const wires = Array.from(stage.network.open)
      wires[a % Math.max(1, wires.length)]?.cut()
    },
  },
  partition: {
    weight: 10,
    optional: true,
    act: (stage, { a, b, c }) => {
      const hosts = [...stage.servers, ...stage.devices].map(({ name }) => name)
      const one = hosts[a % hosts.length]!
      const other = hosts[b % hosts.length]!
      stage.trace.tell(`no way from ${one} to ${other}`)
      stage.network.block(one, other)
      // Half of them are half open: one direction only.
      if (c % 2 === 0) stage.network.block(other, one)
    },
  },
  slow: {
    weight: 6,
    optional: true,
    act: (stage, { a, b, c }) => {
      stage.network.slowDown(stage.device(a).name, stage.server(b).name, 5 + (c % 60))
    },
  },
  heal: {
    weight: 14,
    act: (stage) => {
      stage.network.heal()
    },
  },
  crashServer: {
    weight: 10,
    optional: true,
    act: (stage, { a, b }) => {
      const server = stage.server(a)
      stage.trace.tell(`${server.name} loses power`)
      server.crash()
      stage.acks.judge(server, stage.oracle)
      stage.world.schedule(b % 20_000, () => {
        server.start()
      })
    },
  },
  wipeServer: {
    weight: 1,
    optional: true,
    losesData: true,
    act: (stage, { a, b }) => {
      const server = stage.server(a)
      stage.trace.tell(`${server.name} loses its disk`)
      replaceDisk(stage, server, [], b % 20_000)
    },
  },
  restartServer: {
    weight: 4,
    optional: true,
    act: (stage, { a, b }) => {
      const server = stage.server(a)
      stage.trace.tell(`${server.name} is stopped`)
      stage.background(
        "stop",
        server.stop().then(() => {
          stage.world.schedule(b % 5_000, () => {
            server.start()
          })
        }),
      )
    },
  },
  fullServer: {
    weight: 4,
    optional: true,
    act: (stage, { a, b }) => {
      const { disk } = stage.server(a)
      disk.isFull = true
      stage.trace.tell(`the disk of ${disk.name} is full`)
      stage.world.schedule(1000 + (b % 30_000), () => {
        disk.isFull = false
      })
    },
  },
  crashDevice: {
    weight: 14,
    optional: true,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      stage.trace.tell(`${device.name} ${c % 2 === 0 ? "loses power" : "is killed"}`)
      crash(stage, device, c % 2 === 0)
      stage.world.schedule(b % 20_000, () => {
        if (device.tabs.length === 0) device.openTab()
      })
    },
  },
  fullDevice: {
    weight: 5,
    optional: true,
    act: (stage, { a, b }) => {
      const { disk } = stage.device(a)
      disk.isFull = true
      stage.trace.tell(`the disk of ${disk.name} is full`)
      stage.world.schedule(1000 + (b % 30_000), () => {
        disk.isFull = false
      })
    },
  },
  openTab: {
    weight: 8,
    optional: true,
    act: (stage, { a }) => {
      const device = stage.device(a)
      if (device.tabs.length >= 3) return
      stage.trace.tell(`${device.name} opens a tab`)
      device.openTab()
    },
  },
  closeTab: {
    weight: 8,
    optional: true,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      if (device.tabs.length < 2) return
      stage.trace.tell(`${device.name} ${c % 2 === 0 ? "closes" : "loses"} a tab`)
      if (c % 2 === 0) device.closeTab(b)
      else device.killTab(b)
    },
  },
  stealTab: {
    weight: 8,
    optional: true,
    act: (stage, { a, b }) => {
      const device = stage.device(a)
      if (device.stealLock(b % 3_000)) stage.trace.tell(`a tab of ${device.name} hangs for ${b % 3_000} ms`)
    },
  },
  backup: {
    weight: 8,
    optional: true,
    act: (stage, { a }) => {
      const device = stage.device(a)
      stage.backups.set(device.name, device.disk.image())
    },
  },
  restore: {
    weight: 4,
    optional: true,
    act: (stage, { a, b }) => {
      const device = stage.device(a)
      const image = stage.backups.get(device.name)
      if (image === undefined) return
      stage.trace.tell(`${device.name} gets its backup`)
      crash(stage, device, false)
      stage.oracle.setBack(device)
      device.restore(image)
      stage.world.schedule(b % 5_000, () => {
        if (device.tabs.length === 0) device.openTab()
      })
    },
  },
  clone: {
    weight: 1,
    optional: true,
    act: (stage, { a }) => {
      if (stage.devices.length >= 9) return
      const device = stage.device(a)
      const clone = stage.cloneDevice(device)
      stage.trace.tell(`${clone.name} is a clone of ${device.name}`)
      clone.openTab()
    },
  },
  clockDevice: {
    weight: 6,
    optional: true,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      device.skewMs = skew(b, c)
      stage.trace.tell(`the clock of ${device.name} is off by ${device.skewMs} ms`)
    },
  },
  clockServer: {
    weight: 2,
    optional: true,
    since: 2,
    act: (stage, { a, b, c }) => {
      const server = stage.server(a)
      // Never far ahead: what it lets in then, no other takes until that time has come.
      server.skewMs = Math.min(skew(b, c), SERVER_AHEAD_MS)
      if (server.skewMs < 0) stage.oracle.serverWasBehind = true
      stage.trace.tell(`the clock of ${server.name} is off by ${server.skewMs} ms`)
    },
  },
  backupServer: {
    weight: 4,
    optional: true,
    since: 2,
    act: (stage, { a }) => {
      const server = stage.server(a)
      stage.backups.set(server.name, server.disk.image())
    },
  },
  restoreServer: {
    weight: 2,
    optional: true,
    losesData: true,
    since: 2,
    act: (stage, { a, b }) => {
      const server = stage.server(a)
      const image = stage.backups.get(server.name)
      if (image === undefined) return
      stage.trace.tell(`${server.name} gets its backup`)
      replaceDisk(stage, server, image, b % 20_000)
    },
  },
  tokens: {
    weight: 6,
    optional: true,
    act: (stage, { a }) => {
      stage.tokenMs = [2_000, 20_000, 120_000, 3_600_000][a % 4]!
    },
  },
  ...personalKinds,
  ...meetingKinds,
} as const satisfies Record<string, Kind>

type OperationKind = keyof typeof kinds

/** Clocks are off by seconds, by minutes, by ten years, or right again. */
function skew(b: number, c: number): number {
  const sign = c % 2 === 0 ? 1 : -1
  return [0, sign * (b % 60_000), sign * (b % 600_000), sign * TEN_YEARS_MS][(c >>> 1) % 4]!
}

function replaceDisk(stage: Stage, server: SimServer, image: DiskImage, downMs: number): void {
  server.crash()
  server.disk.replace(image)
  stage.acks.forget(server, image.length === 0)
  stage.oracle.serverLostData = true
  stage.world.schedule(downMs, () => {
    server.start()
  })
}

export function act(stage: Stage, operation: Operation): void {
  kinds[operation.kind].act(stage, operation)
}

/** Of which kinds operations are drawn: of a generation those that this seed has, or of these alone, as often as they are named. */
export type Choice =
  { readonly generation?: number | undefined; readonly sparesServers?: boolean } | { readonly kinds: readonly string[] }

/** So many operations, with the faults that this seed has. Fails where a kind is none. */
export function chooseOperations(random: Random, count: number, choice: Choice = {}): Operation[] {
  const table: { readonly kind: OperationKind; readonly upTo: number }[] = []
  let total = 0
  for (const [kind, definition] of kindsOf(random, choice)) {
    total += definition.weight
    table.push({ kind, upTo: total })
  }
  const haste = isAtLeast(choice, HASTE_SINCE) && random.oneIn(2) ? HASTE : 1
  return Array.from({ length: count }, () => {
    const at = random.below(total)
    const { kind } = table.find(({ upTo }) => at < upTo)!
    const word = (): number => random.below(2 ** 31)
    return { kind, gap: Math.floor(chooseGap(random) / haste), a: word(), b: word(), c: word() }
  })
}

function isAtLeast(choice: Choice, generation: number): boolean {
  return !("kinds" in choice) && (choice.generation ?? LATEST) >= generation
}

function kindsOf(random: Random, choice: Choice): (readonly [OperationKind, Kind])[] {
  const all = Object.entries(kinds) as [OperationKind, Kind][]
  if ("kinds" in choice) {
    const unknown = choice.kinds.find((kind) => !(kind in kinds))
    if (unknown !== undefined) throw new RangeError(`no kind of operation: ${unknown}`)
    return all.flatMap(([kind, { act }]) => {
      const weight = choice.kinds.filter((name) => name === kind).length
      return weight === 0 ? [] : [[kind, { weight, act }] as const]
    })
  }
  return all
    .filter(([, { since = 1 }]) => since <= (choice.generation ?? LATEST))
    .filter(([, { losesData }]) => losesData !== true || choice.sparesServers !== true)
    .filter(([, { optional }]) => optional !== true || !random.oneIn(3))
}

/** The generation since which in every other seed so much more happens at once. */
const HASTE_SINCE = 6
const HASTE = 8

/** Mostly a moment; at times minutes, in which timers do their work. */
function chooseGap(random: Random): number {
  if (random.oneIn(60)) return 5_000 + random.below(60_000)
  return random.oneIn(3) ? 0 : random.below(600)
}
