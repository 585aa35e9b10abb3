import {
  controlIdOf,
  decodeControl,
  conversationOf,
  decodeFrame,
  decodeHead,
  deviceIdOf,
  deviceOf,
  documentParts,
  encodeFrame,
  encodeUpdate,
  helloMessage,
  PROTOCOL_VERSION,
  readContents,
  readRun,
  type Clock,
  type ControlId,
  type DeviceId,
  type DocumentName,
  type Frame,
  type LogRun,
} from "@weft/sdk/protocol"
import type { Random } from "../support/seed.js"
import { forgeries, laterForgeries, recordOf, type Scene } from "./forgeries.js"
import { withAnotherByte } from "./hostile-server.js"
import type { End } from "./network.js"
import { Process } from "./process.js"
import type { SimDevice } from "./sim-device.js"
import type { Stage } from "./stage.js"
import { issueToken } from "./tokens.js"

/** Frames that it remembers for good, to say them again. */
const REMEMBERED = 300

/** Since when it goes from server to server, and shows one what it heard from another. */
const WANDERS_SINCE = 4
/** Since when it erases as the member that it is, too. */
const ERASES_AS_MEMBER_SINCE = 10

/**
 * A second program on a member's device, with its key: it means harm. It rewrites its own past only where the server holds
 * that: two servers that were each shown another one keep what they saw.
 */
export class HostileDevice {
  readonly #random: Random
  readonly #device: DeviceId
  /** All that the present server sent of each document. */
  readonly #heard = new Map<DocumentName, Uint8Array[]>()
  /** All that any server sent. */
  readonly #known = new Map<DocumentName, Uint8Array[]>()
  readonly #remembered: Uint8Array[] = []
  #end: End | undefined
  #nextId = 1

  constructor(
    private readonly stage: Stage,
    private readonly device: SimDevice,
  ) {
    this.#random = stage.randomFor("hostile device")
    this.#device = deviceIdOf(device.key.publicKey)
  }

  get user(): string {
    return this.device.user
  }

  /** Its next misdeed; connects first. */
  async act(server: string): Promise<void> {
    if (this.#end === undefined) {
      this.#connect(server)
      return
    }
    const wanders = this.stage.generation >= WANDERS_SINCE
    if (wanders && this.#random.oneIn(6)) {
      this.stop()
      return
    }
    const scene = this.#scene(wanders ? this.#known : this.#heard)
    if (scene === undefined) {
      this.#ask()
      return
    }
    const { document } = scene
    switch (this.#random.below(6)) {
      case 0: {
        if (this.#remembered.length === 0) return
        const frame = this.#random.pick(this.#remembered)
        this.#end.send(this.#random.oneIn(2) ? frame : withAnotherByte(frame, this.#random))
        return
      }
      case 1: {
        const record = await recordOf(scene)
        if (record !== undefined) this.#send({ kind: "records", id: this.#nextId++, document, records: [record] })
        return
      }
      default: {
        const forge = this.#random.pick(wanders ? [...forgeries, ...laterForgeries] : forgeries)
        const runs = await forge(scene)
        this.stage.trace.tell(`${this.device.name} ${forge.name}`)
        if (runs.length > 0) this.#send({ kind: "update", id: this.#nextId++, document, update: encodeUpdate(runs) })
      }
    }
  }

  /** Ends the connection. */
  stop(): void {
    this.#end?.terminate()
    this.#end = undefined
  }

  #scene(from: ReadonlyMap<DocumentName, readonly Uint8Array[]>): Scene | undefined {
    const contents = new Map<DocumentName, readonly LogRun[]>()
    for (const [document, updates] of from) contents.set(document, Array.from(readContents(updates).values()))
    const documents = Array.from(contents.keys()).filter((document) => contents.get(document)!.length > 0)
    if (documents.length === 0) return undefined
    const segments = documents.filter((name) => !isControl(name))
    const document = this.#random.pick(segments.length === 0 || this.#random.oneIn(8) ? documents : segments)
    const control = documents.find((name) => isControl(name) && conversationOf(name) === conversationOf(document))
    const create = createOf(contents.get(control ?? document) ?? [])
    // Who created a conversation may do what nobody else may.
    if (create === undefined || this.#isOfUser(create.device)) return undefined
    const erasesAsMember = this.stage.generation >= ERASES_AS_MEMBER_SINCE
    return {
      document,
      runs: contents.get(document)!,
      held: Array.from(readContents(this.#heard.get(document) ?? []).values()),
      device: this.#device,
      signer: this.device.key,
      create: create.id,
      introduced: erasesAsMember ? this.#introducedIn(contents.get(control ?? document) ?? []) : undefined,
      clock: (this.#process().now() * 1024) as Clock,
      random: this.#random,
    }
  }

  /** Undefined also where its user was made more than a member: then it may erase what others said. */
  #introducedIn(runs: readonly LogRun[]): ControlId | undefined {
    let found: ControlId | undefined
    for (const { device, control, body } of runs.flatMap((run) => readRun(run))) {
      const action = body === null ? undefined : decodeControl(body)
      if (action?.kind === "introduce" && device === this.#device) found = control
      const mayRaise = action?.kind === "role" || action?.kind === "add"
      if (mayRaise && action.user === this.user && action.role !== "member") return undefined
      if (action?.kind === "invite" && action.role !== "member") return undefined
      if (action?.kind === "create" && action.members.some(({ user, role }) => user === this.user && role !== "member"))
        return undefined
    }
    return found
  }

  #isOfUser(device: DeviceId): boolean {
    return this.stage.devices.some(({ user, key }) => user === this.user && deviceIdOf(key.publicKey) === device)
  }

  #process(): Process {
    return new Process(this.stage.world, { name: `hostile ${this.device.name}`, random: this.#random, skewMs: 0 })
  }

  #connect(server: string): void {
    const process = this.#process()
    this.#heard.clear()
    this.stage.network.connect(process, `ws://${server}`, (end) => {
      if (end === undefined) return
      this.#end = end
      end.listen({
        message: (bytes) => {
          this.stage.background("hostile", this.#hear(bytes, process.now()))
        },
        pong: () => undefined,
        closed: () => {
          if (this.#end === end) this.#end = undefined
        },
      })
    })
  }

  async #hear(bytes: Uint8Array, now: number): Promise<void> {
    const frame = decodeFrame(bytes)
    switch (frame?.kind) {
      case "challenge": {
        const { publicKey } = this.device.key
        const signature = await this.device.key.sign(helloMessage(frame.nonce, frame.serverKey))
        const token = issueToken(this.device.user, now + 3_600_000)
        this.#send({ kind: "hello", version: PROTOCOL_VERSION, role: 0, token, publicKey, signature, packs: false })
        return
      }
      case "welcome":
        this.#ask()
        return
      case "documents":
        for (const { document } of frame.items) {
          this.#send({ kind: "vector", document, reply: false, logs: [], records: [] })
        }
        return
      case "update": {
        for (const updates of [this.#heard, this.#known]) {
          updates.set(frame.document, [...(updates.get(frame.document) ?? []), frame.update])
        }
        this.#remember(encodeFrame({ ...frame, id: this.#nextId++ }))
        return
      }
      case "records":
      case "registers":
        this.#remember(bytes)
        return
      default:
    }
  }

  /** For all that there is. */
  #ask(): void {
    this.#send({ kind: "digests", last: true, items: [] })
  }

  #remember(bytes: Uint8Array): void {
    if (this.#remembered.length < REMEMBERED) this.#remembered.push(bytes)
  }

  #send(frame: Frame): void {
    this.#end?.send(encodeFrame(frame))
  }
}

function isControl(document: DocumentName): boolean {
  return documentParts(document).kind === "control"
}

/** The entry that nothing was seen before. */
function createOf(runs: readonly LogRun[]): { readonly id: ControlId; readonly device: DeviceId } | undefined {
  for (const { log, elements } of runs) {
    const [element] = elements
    const head = element ? decodeHead(element) : undefined
    if (element && head?.class === "control" && head.seen.length === 0) {
      return { id: controlIdOf(deviceOf(log), element), device: deviceOf(log) }
    }
  }
  return undefined
}
