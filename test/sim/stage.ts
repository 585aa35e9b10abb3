import type { Client, Conversation } from "../../sdk/src/client/api.js"
import type { ConversationId } from "@weft/sdk/protocol"
import { randomOf, type Random } from "../support/seed.js"
import { AckRecorder } from "./ack-recorder.js"
import { Bookkeeper } from "./bookkeeper.js"
import type { DiskImage, DiskManner } from "./disk.js"
import { HostileDevice } from "./hostile-device.js"
import { HostileServer } from "./hostile-server.js"
import { FEW, letsGo } from "./letting-go.js"
import { Network } from "./network.js"
import { judgeSent } from "./judge.js"
import { Oracle } from "./oracle.js"
import { SimDevice } from "./sim-device.js"
import { SimServer } from "./sim-server.js"
import { Trace } from "./trace.js"
import { World } from "./world.js"

const NAMES = ["ann", "bob", "cat", "dan", "eve"] as const
const HOUR_MS = 3_600_000

/** The generation since which some devices show their lists. */
const LISTS_SINCE = 5
/** The generation since which these let go of what nobody looks at, as soon as this; simulated milliseconds. */
const RELEASES_SINCE = 7
const RELEASE_AFTER_MS = 3_000
/** The generation since which servers keep no conversation in memory in which nothing is under way, but for the last one of the first server. */
const FORGETFUL_SINCE = 9
/** The generation since which what a device's full disk refused may be there all the same. */
const UNSURE_SINCE = 11

/** Everything that a seed's operations act upon. */
export class Stage {
  readonly world = new World()
  readonly trace: Trace
  readonly network: Network
  readonly oracle = new Oracle()
  readonly acks = new AckRecorder()
  readonly bookkeeper = new Bookkeeper()
  readonly servers: SimServer[] = []
  readonly devices: SimDevice[] = []
  readonly users: string[] = []
  readonly backups = new Map<string, DiskImage>()
  readonly conversations: ConversationId[] = []
  /** Who means harm: in one seed of ten a device or a server does. */
  readonly hostile: HostileDevice | HostileServer | undefined
  tokenMs = HOUR_MS
  sayings = 0
  readonly errors: unknown[] = []
  readonly random: Random

  constructor(
    readonly seed: number,
    /** Of operations, and of those who mean harm: later ones do more. */
    readonly generation: number,
    write?: (line: string) => void,
  ) {
    this.random = this.randomFor("stage")
    this.trace = new Trace(this.world, write)
    this.network = new Network(this.world, this.randomFor("network"), this.trace)
    this.network.listener = (wire, from, bytes) => {
      // What a liar acknowledges, or brings, promises nothing.
      if (from !== this.hostileServer?.name) this.acks.heard(wire, from, bytes)
      if (this.hostile !== undefined) return
      this.judged(() => {
        this.acks.judgeAnswer(from, bytes)
      })
    }
    this.network.sender = (wire, from, bytes) => {
      const server = this.servers.find(({ name }) => name === from)
      if (server === undefined) return
      this.judged(() => {
        this.acks.judgeSending(wire, server, this.oracle, bytes)
      })
    }
    this.oracle.onSent = (saying) => {
      this.judged(() => {
        judgeSent(this, saying)
      })
    }
    const { random } = this
    const serverNames = Array.from({ length: 2 + random.below(4) }, (_, index) => `s${index}`)
    const slowDisks = random.oneIn(4)
    const manner = () =>
      slowDisks
        ? { writeMs: 5 + random.below(150), readMs: random.below(4) }
        : { writeMs: 1 + random.below(8), readMs: 0 }
    serverNames.forEach((name, index) => {
      // Each calls those before it, and some others too: links in both directions are allowed.
      const peers = serverNames.filter((_, other) => other < index || (other !== index && random.oneIn(4)))
      const activeConversations = generation < FORGETFUL_SINCE ? undefined : index === 0 ? 1 : 0
      this.servers.push(
        new SimServer(name, this.randomFor(name), this.network, this.trace, peers, manner(), {
          ...(activeConversations !== undefined && { activeConversations }),
        }),
      )
    })
    const count = 3 + random.below(5)
    const userCount = Math.min(NAMES.length, Math.max(2, count - random.below(3)))
    this.users.push(...NAMES.slice(0, userCount))
    for (let index = 0; index < count; index++)
      this.addDevice(this.users[index % userCount]!, { ...manner(), isUnsure: generation >= UNSURE_SINCE })
    if (seed % 10 === 7) this.hostile = this.chooseHostile(this.randomFor("hostile"))
  }

  get hostileServer(): HostileServer | undefined {
    return this.hostile instanceof HostileServer ? this.hostile : undefined
  }

  get hostileDevice(): HostileDevice | undefined {
    return this.hostile instanceof HostileDevice ? this.hostile : undefined
  }

  private chooseHostile(random: Random): HostileDevice | HostileServer {
    // Not a device of the first user's, who creates conversations and may erase what others say.
    if (random.oneIn(2)) return new HostileDevice(this, this.devices[1]!)
    const server = new HostileServer(random.pick(this.servers).name, random, this.generation)
    this.network.tamper = (from, bytes) => (from === server.name ? server.tamper(bytes) : [bytes])
    // It may say that it has what it has not: a device that was set back since has lost it.
    this.oracle.serverLostData = true
    return server
  }

  randomFor(name: string): Random {
    let hash = this.seed ^ 0x9e3779b9
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x5bd1e995) >>> 0
    return randomOf(hash)
  }

  private addDevice(user: string, manner: DiskManner): SimDevice {
    const name = `d${this.devices.length}`
    return this.putDevice(user, name, name, manner, undefined)
  }

  /** A second machine with the same disk: whoever has one has the other's key. */
  cloneDevice(of: SimDevice): SimDevice {
    const name = `d${this.devices.length}`
    return this.putDevice(of.user, name, of.parts.keyName, of.parts.manner, of.disk.image())
  }

  private putDevice(
    user: string,
    name: string,
    keyName: string,
    manner: DiskManner,
    image: DiskImage | undefined,
  ): SimDevice {
    const { network, trace, oracle, servers } = this
    const first = this.random.below(servers.length)
    const order = servers.map((_, index) => servers[(first + index) % servers.length]!.name)
    const device = new SimDevice({
      name,
      user,
      keyName,
      random: this.randomFor(name),
      network,
      trace,
      oracle,
      servers: order,
      manner,
      ...(image && { image }),
      tokenMs: () => this.tokenMs,
      // Every other one is a program that shows no list.
      releaseAfterMs: this.generation >= RELEASES_SINCE ? RELEASE_AFTER_MS : Infinity,
      ...(letsGo(this.seed, this.generation) && {
        segmentMessages: FEW.segmentMessages,
        // Some keep all, as some do among people.
        ...(this.devices.length % 3 !== 0 && { keep: FEW.keep }),
      }),
      showsList: this.generation >= LISTS_SINCE && this.devices.length % 2 === 0,
    })
    this.devices.push(device)
    return device
  }

  device(number: number): SimDevice {
    return this.devices[number % this.devices.length]!
  }

  server(number: number): SimServer {
    return this.servers[number % this.servers.length]!
  }

  /** A conversation that an open tab of the device has. */
  conversationOf(device: SimDevice, number: number): { client: Client; conversation: Conversation } | undefined {
    const client = device.clientOf(number)
    const list = client?.conversations.get() ?? []
    const conversation = list[(number >>> 8) % Math.max(1, list.length)]
    return client === undefined || conversation === undefined ? undefined : { client, conversation }
  }

  /** Ends all faults. Nobody's work is redone by hand: what repairs itself from here is the product's. */
  heal(): void {
    this.trace.tell("healed")
    this.network.heal()
    this.network.tamper = undefined
    this.hostileDevice?.stop()
    this.tokenMs = HOUR_MS
    for (const server of this.servers) {
      server.disk.isFull = false
      server.skewMs = 0
      // Whom it told lies, hears the truth when they connect again.
      if (server.name === this.hostileServer?.name) server.crash()
      server.start()
    }
    for (const device of this.devices) {
      device.disk.isFull = false
      if (device.tabs.length === 0) device.openTab()
      for (const { client } of device.tabs) client?.goOnline()
    }
  }

  /** Nothing goes on. */
  end(): void {
    for (const server of this.servers) server.crash()
    for (const device of this.devices) device.crash(false)
  }

  /** Who sends or hears is the product, and would take a violation for a failure of its own. */
  private judged(judge: () => void): void {
    try {
      judge()
    } catch (error) {
      this.errors.push(error)
    }
  }

  /** Something that an application started: refusals are its to see; they don't stop the world. */
  background(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      this.trace.tell(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
}
