import {
  digestOf,
  encodeUpdate,
  equalBytes,
  eraserOf,
  KIND_BODY,
  mayErase,
  messageIdOf,
  MODERATOR_GRACE_MS,
  readRun,
  recordIdOf,
  recordsOf,
  segmentDocument,
  sha256,
  targetOf,
  type ConversationId,
  type DocumentName,
  type MessageId,
} from "@weft/sdk/protocol"
import type { MemorySnapshot } from "../../sdk/src/storage/memory.js"
import type { Random } from "../support/seed.js"
import { Carrier, stockBytes } from "./carrier.js"
import { deliver, deliverFromCarrier, deliverToCarrier, offer } from "./deliver.js"
import { CheckDevice } from "./device.js"
import { forgetProofs, shortHash, type WorldTime } from "./host.js"
import type { Replica } from "./party.js"
import { CheckServer } from "./server.js"

const START = Date.UTC(2025, 0, 1)
const STEPS = 120
const MAX_DEVICES = 7

interface World {
  readonly random: Random
  readonly time: WorldTime
  readonly id: ConversationId
  readonly devices: CheckDevice[]
  readonly servers: readonly CheckServer[]
  readonly carriers: Carrier[]
  readonly backups: { readonly device: CheckDevice; readonly snapshot: MemorySnapshot }[]
  /** Texts of messages whose erasure was written, and sealed or not. */
  readonly erased: Set<string>
  posts: number
  clones: number
}

/** What a round did, to see that it is no idle one. */
export interface RoundReport {
  readonly messages: number
  readonly erased: number
  readonly logs: number
}

/** Some people write, lose, restore, clone, erase and sync at random; then all must agree. Throws where they don't. */
export async function playRound(random: Random): Promise<RoundReport> {
  forgetProofs()
  const world = await open(random)
  try {
    for (let step = 0; step < STEPS; step++) {
      world.time.now += random.below(30_000)
      await act(world)
    }
    await calm(world)
    return await judge(world)
  } finally {
    for (const carrier of world.carriers) carrier.destroy()
  }
}

async function open(random: Random): Promise<World> {
  const time = { now: START }
  const ann = await CheckDevice.create("ann", random, time)
  const id = ann.conversationId
  await ann.flush()
  const devices = [ann]
  for (const name of ["bob", "cat"]) devices.push(await CheckDevice.start(name, name, id, random, time))
  for (const device of devices.slice(1)) {
    for (const document of random.oneIn(4) ? [] : await ann.documents()) {
      await deliver(ann, device, document, random)
      if (!random.oneIn(3)) await introduce(device)
    }
  }
  const servers = ["server A", "server B"].map((name) => new CheckServer(name, id, time))
  return {
    random,
    time,
    id,
    devices,
    servers,
    carriers: [new Carrier("carrier")],
    backups: [],
    erased: new Set(),
    posts: 0,
    clones: 0,
  }
}

type Act = (world: World, device: CheckDevice) => Promise<void>

/** Each as often as its weight says. */
const acts: readonly (readonly [number, Act])[] = [
  [10, (world, device) => write(world, device)],
  [8, (_, device) => flush(device)],
  [1, (world, device) => openSome(world, device)],
  [3, (world, device) => eraseSome(world, device)],
  [2, (_, device) => device.restart()],
  [2, (world, device) => backUp(world, device)],
  [2, (world) => restoreSome(world)],
  [1, (world, device) => clone(world, device)],
  [1, (world) => addDevice(world)],
  [3, (_, device) => introduce(device)],
  [1, ({ posts }, device) => (device.isIntroduced ? device.retitle(`Trip ${posts}`) : Promise.resolve())],
  [1, (world) => loseDisk(world)],
  [24, (world) => exchange(world)],
  [4, (world) => compareDigests(world)],
]
const allWeights = acts.reduce((sum, [weight]) => sum + weight, 0)

async function act(world: World): Promise<void> {
  let left = world.random.below(allWeights)
  for (const [weight, run] of acts) {
    left -= weight
    if (left >= 0) continue
    await run(world, world.random.pick(world.devices))
    return
  }
}

async function write(world: World, device: CheckDevice): Promise<void> {
  const { random } = world
  // Whoever does not know the conversation yet has nothing to write in.
  if (device.state.created === undefined) return
  for (let count = random.oneIn(3) ? 1 + random.below(4) : 1; count > 0; count--) {
    await device.post(textOf(world.posts++, random), random.oneIn(5) ? 2 : 1)
  }
}

function textOf(number: number, random: Random): string {
  return `text ${number} ${shortHash(random.bytes(8))}`
}

async function introduce(device: CheckDevice): Promise<void> {
  if (device.state.created !== undefined && !device.isIntroduced) await device.introduce()
}

async function flush(device: CheckDevice): Promise<void> {
  await device.flush()
  await keepsNothingErased(device)
  await opensWhatItHolds(device)
}

/** An open Yjs document is edited in step with what is stored. */
async function opensWhatItHolds(device: CheckDevice): Promise<void> {
  for (const [document, bytes] of device.openBytes()) {
    const stored = encodeUpdate(Array.from((await device.contents(document)).values()))
    if (!equalBytes(bytes, stored)) throw new Error(`${device.name}: its open ${document} has other bytes`)
  }
}

/** From now on what is written and what arrives goes into a Yjs document too. */
async function openSome({ random }: World, device: CheckDevice): Promise<void> {
  await device.open(random.pick(await device.documents()))
}

/** What an author erased is gone as soon as the record is there, and each erasure that stands has its record. [X3] */
async function keepsNothingErased(replica: Replica): Promise<void> {
  for (const document of await replica.documents()) {
    const { records } = await replica.summary(document)
    const gone = new Set<MessageId>()
    for (const record of records.values()) {
      const { target, seen } = record
      if (mayErase(replica.state, { eraser: eraserOf(record), target, seen }) === "author") gone.add(targetOf(record))
    }
    for (const run of (await replica.contents(document)).values()) {
      const entries = readRun(run)
      for (const { device, head, body } of entries) {
        if (head.class !== "message" || body === null || !gone.has(messageIdOf(device, head.bodyHash))) continue
        throw new Error(`${replica.name} keeps an erased body in ${document}`)
      }
      for (const record of recordsOf(entries)) {
        if (!records.has(recordIdOf(record))) throw new Error(`${replica.name} lacks a record of ${document}`)
      }
    }
  }
}

/** An author erases what its user wrote on any device; moderators erase what members wrote. */
async function eraseSome(world: World, device: CheckDevice): Promise<void> {
  if (!device.isIntroduced) return
  const rank = (user: string | undefined): number => ["cat", "bob", "ann"].indexOf(user ?? "")
  const targets = (await device.targets()).filter(({ device: author }) => {
    const known = device.state.devices.get(author)
    if (known?.certified !== true) return false
    return known.user === device.user || (device.user !== "cat" && rank(known.user) < rank(device.user))
  })
  if (targets.length === 0) return
  const target = world.random.pick(targets)
  await device.erase(target)
}

async function backUp(world: World, device: CheckDevice): Promise<void> {
  world.backups.push({ device, snapshot: device.backup() })
}

async function restoreSome(world: World): Promise<void> {
  const backup = world.backups.length === 0 ? undefined : world.random.pick(world.backups)
  if (backup !== undefined && world.devices.includes(backup.device)) await backup.device.restore(backup.snapshot)
}

async function clone(world: World, device: CheckDevice): Promise<void> {
  const { devices, random, time, id } = world
  if (devices.length >= MAX_DEVICES) return
  const name = `${device.keyName} clone ${++world.clones}`
  devices.push(await CheckDevice.start(name, device.keyName, id, random, time, device.backup()))
}

async function addDevice(world: World): Promise<void> {
  const { devices, random, time, id } = world
  if (devices.length >= MAX_DEVICES) return
  const key = `${random.pick(["ann", "bob", "cat"])}#${devices.length}`
  if (devices.some(({ keyName }) => keyName === key)) return
  devices.push(await CheckDevice.start(key, key, id, random, time))
}

/** A server's, a device's or the carrier's. One that knows the conversation is left. */
async function loseDisk(world: World): Promise<void> {
  const { random, devices, carriers } = world
  if (random.oneIn(3)) {
    carriers.splice(0).forEach((carrier) => {
      carrier.destroy()
    })
    carriers.push(new Carrier("carrier"))
  } else if (random.oneIn(2) && devices.length > 3) devices.splice(1 + random.below(devices.length - 1), 1)
  else random.pick(world.servers).lose()
}

function replicasOf({ devices, servers }: World): Replica[] {
  return [...devices, ...servers]
}

async function exchange(world: World): Promise<void> {
  const { random } = world
  const replicas = replicasOf(world)
  const carrier = world.carriers[0]!
  const from = random.pick(replicas)
  const to = random.pick(replicas)
  const way = random.below(5)
  const documents = way === 0 ? carrier.documents() : await from.documents()
  for (const document of documents) {
    if (random.oneIn(5)) continue
    if (way === 0) await deliverFromCarrier(carrier, to, document, random)
    else if (way === 1) await deliverToCarrier(from, carrier, document, random)
    else if (from !== to) await deliver(from, to, document, random)
  }
  if (way !== 1) await keepsNothingErased(to)
}

/** Two replicas hold the same of a document exactly when they say the same digest. [D3] */
async function compareDigests(world: World): Promise<void> {
  const replicas = replicasOf(world)
  const [one, other] = [world.random.pick(replicas), world.random.pick(replicas)]
  await keepsNothingErased(one)
  for (const document of new Set([...(await one.documents()), ...(await other.documents())])) {
    const sameDigest = equalBytes(digestOf(await one.summary(document)), digestOf(await other.summary(document)))
    const sameSet = (await acceptedSet(one, document)) === (await acceptedSet(other, document))
    if (sameDigest !== sameSet) throw new Error(`${one.name}, ${other.name}: digests of ${document} are ${sameDigest}`)
  }
}

/** Everything under seals, without the bodies: heads hold their hashes. */
async function acceptedSet(replica: Replica, document: DocumentName): Promise<string> {
  const lines: string[] = []
  for (const { log, elements } of (await replica.contents(document)).values()) {
    const chain = elements.map((element) => {
      if (element === null || element[0] === KIND_BODY) return "body"
      return Buffer.from(element).toString("base64")
    })
    lines.push(`${log} ${chain.join(" ")}`)
  }
  lines.push(...(await replica.summary(document)).records.keys())
  return lines.sort().join("\n")
}

/** Everything is sealed and brought to everybody, until nothing changes; then the time of grace ends. */
async function calm(world: World): Promise<void> {
  const { devices } = world
  const settle = async (): Promise<void> => {
    for (let pass = 0; pass < 20; pass++) {
      for (const device of devices) await device.flush()
      let changed = false
      const replicas = replicasOf(world)
      for (const carrier of world.carriers) {
        for (const to of replicas) if (await bringFromCarrier(carrier, to)) changed = true
      }
      for (const from of replicas) {
        for (const to of replicas) if (from !== to && (await bringAll(from, to))) changed = true
      }
      if (!changed) return
    }
    throw new Error("the replicas do not come to rest")
  }
  await settle()
  for (const device of devices) await introduce(device)
  await settle()
  world.time.now += MODERATOR_GRACE_MS + 60_000
  for (const device of devices) await device.restart()
  for (const server of world.servers) for (const document of await server.documents()) await server.destroy(document)
}

async function bringAll(from: Replica, to: Replica): Promise<boolean> {
  let changed = false
  for (const document of await from.documents()) {
    const [mine, theirs] = [await from.summary(document), await to.summary(document)]
    const before = digestOf(theirs)
    if (equalBytes(digestOf(mine), before)) continue
    await to.takeRecords(document, Array.from(mine.records.values()))
    const vector = new Map(Array.from(theirs.logs.values(), ({ log, count }) => [log, count]))
    const runs = await from.missingFrom(document, vector)
    if (runs.length > 0) await offer(to, document, encodeUpdate(runs), from.name)
    if (!equalBytes(before, digestOf(await to.summary(document)))) changed = true
  }
  return changed
}

/** What only a carrier still holds comes back too. */
async function bringFromCarrier(from: Carrier, to: Replica): Promise<boolean> {
  let changed = false
  for (const document of from.documents()) {
    const before = digestOf(await to.summary(document))
    await deliverFromCarrier(from, to, document, undefined)
    if (!equalBytes(before, digestOf(await to.summary(document)))) changed = true
  }
  return changed
}

async function judge(world: World): Promise<RoundReport> {
  const { devices, servers, carriers, id } = world
  const [first] = servers
  if (first === undefined) throw new Error("no server")
  const documents = await first.documents()
  let logs = 0
  const erasedTexts = new Set<string>()
  const hold = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(what)
  }

  // Whoever joins through a stock carrier alone.
  const newcomer = new CheckServer("newcomer", id, world.time)
  for (const document of documents) {
    const contents = await first.contents(document)
    const bytes = encodeUpdate(Array.from(contents.values()))
    const digest = digestOf(await first.summary(document))
    logs += contents.size
    for (const replica of replicasOf(world)) {
      const theirs = encodeUpdate(Array.from((await replica.contents(document)).values()))
      hold(
        equalBytes(digest, digestOf(await replica.summary(document))),
        `${replica.name}: another digest of ${document}`,
      )
      hold(equalBytes(bytes, theirs), `${replica.name}: other bytes of ${document}`)
    }
    const stock = stockBytes(contents, (all) => encodeUpdate(Array.from(all.values())))
    hold(equalBytes(bytes, stock), `Yjs writes ${document} in other bytes`)
    const fresh = new Carrier("fresh carrier")
    fresh.take(document, bytes)
    hold(equalBytes(bytes, fresh.whole(document) ?? bytes), `a stock document writes ${document} in other bytes`)
    fresh.destroy()
    // A stock carrier brings those records alone that stand in a log.
    const carried = new Set(Array.from(contents.values()).flatMap((run) => recordsOf(readRun(run)).map(recordIdOf)))
    const { records } = await first.summary(document)
    const others = Array.from(records).flatMap(([record, value]) => (carried.has(record) ? [] : [value]))
    for (const carrier of carriers) {
      // It may hold ends of runs that nobody else has, also with texts that were erased elsewhere: nobody ever takes
      // those from it, and everything else is there.
      carrier.take(document, bytes)
      await newcomer.takeRecords(document, others)
      const refusals = await offer(newcomer, document, carrier.whole(document) ?? bytes, carrier.name)
      // An erasure can be lost with the device that made it, and its hole be left in the carrier: bodies come from others.
      if (refusals.includes("DELETED_UNNAMED")) await offer(newcomer, document, bytes, first.name)
      // Or only the end of a run that nobody takes says whose erasure it was: then all learn of that from who took it there.
      const found = Array.from((await newcomer.summary(document)).records).filter(([record]) => !records.has(record))
      for (const replica of found.length > 0 ? replicasOf(world) : []) {
        await replica.takeRecords(
          document,
          found.map(([, record]) => record),
        )
      }
      for (const replica of [newcomer, ...replicasOf(world)]) {
        const theirs = encodeUpdate(Array.from((await replica.contents(document)).values()))
        const ours = encodeUpdate(Array.from((await first.contents(document)).values()))
        hold(equalBytes(ours, theirs), `${carrier.name}: other bytes of ${document} at ${replica.name}`)
      }
    }
    for (const device of devices) await device.open(document)
  }
  for (const device of devices) await opensWhatItHolds(device)
  for (const segment of [1, 2]) {
    const { records } = await first.summary(segmentDocument(id, segment))
    for (const { target, bodyHash } of records.values())
      erasedTexts.add(`${target}.${Buffer.from(bodyHash).toString("base64url")}`)
  }

  const screens = await Promise.all(devices.map((device) => device.screen()))
  const seen = JSON.stringify(screens[0]?.map(({ id: message, text, form }) => [message, text, form]))
  let messages = 0
  for (const [index, screen] of screens.entries()) {
    const name = devices[index]?.name ?? ""
    const texts = screen.flatMap(({ text }) => text ?? [])
    messages = screen.length
    hold(new Set(screen.map(({ id: message }) => message)).size === screen.length, `${name}: a message twice`)
    hold(new Set(texts).size === texts.length, `${name}: a text twice on screen`)
    hold(JSON.stringify(screen.map(({ id: m, text, form }) => [m, text, form])) === seen, `${name}: another screen`)
    for (const { id: message, form } of screen) {
      hold((form === "erased") === erasedTexts.has(message), `${name}: ${message} is ${form}`)
    }
    hold((await devices[index]!.drafts()).length === 0, `${name}: a draft is left`)
  }
  const visible = new Set(screens[0]?.flatMap(({ text }) => text ?? []))
  for (const replica of replicasOf(world)) noneButVisible(replica.name, await replica.bytes(), visible)
  return { messages, erased: erasedTexts.size, logs }
}

/** Of all texts that were ever written, only those on screen are anywhere in the bytes. */
function noneButVisible(name: string, stored: readonly Uint8Array[], visible: ReadonlySet<string>): void {
  for (const bytes of stored) {
    for (const [text] of Buffer.from(bytes)
      .toString("latin1")
      .matchAll(/text \d+ [\w-]{12}/g)) {
      if (!visible.has(text)) throw new Error(`${name} still holds an erased text: ${text}`)
    }
  }
}

export function roundSeed(seed: number, round: number): number {
  return Buffer.from(sha256(Buffer.from(`${seed} ${round}`))).readUInt32BE(0)
}
