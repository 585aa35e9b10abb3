import type { Client, Conversation } from "../../sdk/src/client/api.js"
import type { ConversationId } from "@weft/sdk/protocol"
import { randomOf, type Random } from "../support/seed.js"
import { AckRecorder } from "./ack-recorder.js"
import type { DiskImage } from "./disk.js"
import { Network } from "./network.js"
import { Oracle } from "./oracle.js"
import { SimDevice } from "./sim-device.js"
import { SimServer } from "./sim-server.js"
import { Trace } from "./trace.js"
import { World } from "./world.js"

const NAMES = ["ann", "bob", "cat", "dan", "eve"] as const
const HOUR_MS = 3_600_000

/** Everything that a seed's operations act upon. */
export class Stage {
  readonly world = new World()
  readonly trace: Trace
  readonly network: Network
  readonly oracle = new Oracle()
  readonly acks = new AckRecorder()
  readonly servers: SimServer[] = []
  readonly devices: SimDevice[] = []
  readonly users: string[] = []
  readonly backups = new Map<string, DiskImage>()
  readonly conversations: ConversationId[] = []
  tokenMs = HOUR_MS
  sayings = 0
  readonly errors: unknown[] = []
  readonly random: Random

  constructor(
    readonly seed: number,
    write?: (line: string) => void,
  ) {
    this.random = this.randomFor("stage")
    this.trace = new Trace(this.world, write)
    this.network = new Network(this.world, this.randomFor("network"), this.trace)
    this.network.listener = (wire, from, bytes) => {
      this.acks.heard(wire, from, bytes)
    }
    this.network.sender = (wire, from, bytes) => {
      const server = this.servers.find(({ name }) => name === from)
      if (server === undefined) return
      try {
        this.acks.judgeSending(wire, server, this.oracle, bytes)
      } catch (error) {
        // What sends is the product, and would take it for a failure of its own.
        this.errors.push(error)
      }
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
      this.servers.push(new SimServer(name, this.randomFor(name), this.network, this.trace, peers, manner()))
    })
    const count = 3 + random.below(5)
    const userCount = Math.min(NAMES.length, Math.max(2, count - random.below(3)))
    this.users.push(...NAMES.slice(0, userCount))
    for (let index = 0; index < count; index++) this.addDevice(this.users[index % userCount]!, manner())
  }

  randomFor(name: string): Random {
    let hash = this.seed ^ 0x9e3779b9
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x5bd1e995) >>> 0
    return randomOf(hash)
  }

  private addDevice(user: string, manner: { writeMs: number; readMs: number }): SimDevice {
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
    manner: { writeMs: number; readMs: number },
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

  /** Nothing goes on. */
  end(): void {
    for (const server of this.servers) server.crash()
    for (const device of this.devices) device.crash(false)
  }

  /** Something that an application started: refusals are its to see; they don't stop the world. */
  background(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      this.trace.tell(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
}
