import type { Client, Conversation, OutgoingMessage, SendOptions } from "../../sdk/src/client/api.js"
import type { Message } from "../../sdk/src/conversation/message.js"
import { openClient } from "../../sdk/src/client/client.js"
import { packing } from "../../sdk/src/transport/packing.js"
import { webSocketTransport } from "../../sdk/src/transport/websocket.js"
import type { DeviceKeyPair } from "../../sdk/src/storage/storage.js"
import type { Random } from "../support/seed.js"
import { openDeviceStorage } from "./device-storage.js"
import { Disk, type DiskImage, type DiskManner } from "./disk.js"
import { knownMembers } from "./known-members.js"
import type { Network } from "./network.js"
import type { Oracle } from "./oracle.js"
import { Process, type Machine } from "./process.js"
import { keyNamed, verifier } from "./signatures.js"
import { SimTabs } from "./sim-tabs.js"
import { issueToken } from "./tokens.js"
import type { Trace } from "./trace.js"
import { syncDeflate } from "../support/sync-deflate.js"

/** A page or program that has the SDK open. */
export interface SimTab {
  readonly process: Process
  /** Milliseconds since the world began. */
  readonly openedAt: number
  /** Undefined while it opens. */
  client: Client | undefined
}

export interface SimDeviceParts {
  /** Whether its list is looked at: then it is there at the next start, before anything is read. */
  readonly showsList: boolean
  /** How long what nobody looks at stays in memory; milliseconds. */
  readonly releaseAfterMs: number
  /** Messages of each conversation that stay on its disk; all by default. */
  readonly keep?: number
  /** Messages after which it opens the next segment. */
  readonly segmentMessages?: number
  readonly name: string
  readonly user: string
  readonly keyName: string
  readonly random: Random
  readonly network: Network
  readonly trace: Trace
  readonly oracle: Oracle
  readonly servers: readonly string[]
  readonly manner: DiskManner
  readonly image?: DiskImage
  /** How long its tokens live, now; milliseconds. */
  tokenMs(): number
}

/** A machine of a user with the SDK on it: the real client, on simulated surroundings; in one tab or more. */
export class SimDevice implements Machine {
  skewMs = 0
  readonly name: string
  readonly user: string
  readonly random: Random
  readonly disk: Disk
  readonly key: DeviceKeyPair
  readonly errors: unknown[] = []
  tabs: SimTab[] = []
  private profile: SimTabs

  constructor(readonly parts: SimDeviceParts) {
    this.name = parts.name
    this.user = parts.user
    this.random = parts.random
    this.key = keyNamed(parts.keyName)
    this.disk = new Disk(parts.name, parts.network.world, parts.random, parts.trace, parts.manner, parts.image)
    this.profile = this.newProfile()
  }

  private newProfile(): SimTabs {
    return new SimTabs(() => this.disk.landedMs)
  }

  get client(): Client | undefined {
    return this.tabs.find(({ client }) => client !== undefined)?.client
  }

  /** An open tab of this device, by number. */
  clientOf(number: number): Client | undefined {
    const open = this.tabs.filter(({ client }) => client !== undefined)
    return open[number % Math.max(1, open.length)]?.client
  }

  openTab(): void {
    const { network, servers, tokenMs, trace, releaseAfterMs, keep, segmentMessages } = this.parts
    const process = new Process(network.world, this)
    const tab: SimTab = { process, openedAt: network.world.now, client: undefined }
    this.tabs.push(tab)
    openClient(
      {
        user: this.user,
        servers: servers.map((server) => `ws://${server}`),
        token: () => issueToken(this.user, process.now() - this.skewMs + tokenMs()),
        env: process,
        releaseAfterMs,
        ...(keep !== undefined && { history: { keep } }),
      },
      {
        storage: openDeviceStorage(this.disk, this.key, process),
        transport: packing(webSocketTransport(network.webSocketOf(process)), syncDeflate),
        verify: async (...proof) => verifier.verify(...proof),
        tabs: this.profile.portOf(process),
        watchNetwork: () => () => undefined,
        ...(segmentMessages !== undefined && { segmentMessages }),
      },
    )
      .then((client) => {
        if (!process.alive) return
        if (this.parts.showsList) client.list.subscribe(() => undefined)
        tab.client = client
        trace.tell(`${this.name} is open as ${client.device.slice(0, 6)}`)
      })
      .catch((error: unknown) => {
        if (!process.alive) return
        trace.tell(`${this.name} can't be opened: ${String(error)}`)
        this.tabs = this.tabs.filter((other) => other !== tab)
        process.kill()
      })
  }

  /** All tabs die. `power`: and what was not synced is lost from the end. */
  crash(power: boolean): void {
    this.look()
    for (const tab of this.tabs.splice(0)) tab.process.kill()
    this.profile = this.newProfile()
    if (power) this.disk.crash()
    else this.disk.endProcess()
  }

  killTab(number: number): void {
    this.look()
    const [tab] = this.tabs.splice(number % Math.max(1, this.tabs.length), 1)
    tab?.process.kill()
  }

  /** Closes a tab in order. */
  closeTab(number: number): void {
    this.look()
    const [tab] = this.tabs.splice(number % Math.max(1, this.tabs.length), 1)
    if (tab?.client === undefined) tab?.process.kill()
    else {
      tab.client.close().then(
        () => {
          tab.process.kill()
        },
        () => {
          tab.process.kill()
        },
      )
    }
  }

  /** Another tab takes the lock, while the one that had it hangs for so long. */
  stealLock(lateMs: number): boolean {
    return this.profile.steal(lateMs)
  }

  restore(image: DiskImage): void {
    this.disk.replace(image)
  }

  /** Writes down what this device tells its user by now. */
  look(): void {
    this.parts.oracle.look(this)
  }

  say(conversation: Conversation, text: string, options?: SendOptions): OutgoingMessage {
    // Threads have one level.
    const root = options?.thread === undefined ? undefined : conversation.message(options.thread)
    const known = this.knownMembers(conversation)
    const message = conversation.send(text, options)
    this.parts.oracle.said(this, conversation, message, text, {
      thread: root?.thread ?? root?.id,
      forwardedFrom: undefined,
      mentions: options?.mentions ?? [],
      known,
    })
    return message
  }

  forward(to: Conversation, message: Message): void {
    const { text, author, forwardedFrom } = message
    if (text === undefined) return
    const known = this.knownMembers(to)
    this.parts.oracle.said(this, to, to.forward(message), text, {
      thread: undefined,
      forwardedFrom: forwardedFrom ?? author,
      mentions: [],
      known,
    })
  }

  private knownMembers(conversation: Conversation): ReadonlySet<string> | undefined {
    const client = this.tabs.find((tab) => tab.client?.conversation(conversation.id) === conversation)?.client
    return client && knownMembers(client, conversation)
  }
}
