import {
  clientIdOf,
  conversationOf,
  decodeFrame,
  decodeUpdate,
  frameSchemaText,
  refusedLog,
  type DocumentName,
  type FrameKind,
} from "@weft/sdk/protocol"
import { durableOn, serverHoldings } from "./contents.js"
import type { Wire } from "./network.js"
import { Violation, type Oracle } from "./oracle.js"
import type { SimServer } from "./sim-server.js"
import { wholeFrame } from "../support/sync-deflate.js"

/** An acknowledgement has no more, nor has a refusal of some logs. */
const MAX_ANSWER_BYTES = 512

/** Frames by their first bytes: most are none of these, and are not decoded. */
const answers = numbersOf("ack", "reject")
const noted = numbersOf("welcome", "update", "next", "ack", "packed")

type Counts = Map<number, number>

/** Stands beside the wires and writes down what each server acknowledged: so much of a log is on its disk. */
export class AckRecorder {
  private readonly sent = new Map<Wire, Map<number, { readonly document: DocumentName; readonly counts: Counts }>>()
  /** What `next` continues. */
  private readonly updated = new Map<Wire, DocumentName>()
  private readonly promised = new Map<string, Map<DocumentName, Counts>>()
  /** When a server's disk was last replaced, and when each host last heard its greeting; milliseconds since the world began. */
  private readonly lost = new Map<string, number>()
  private readonly met = new Map<string, Map<string, number>>()
  /** Servers whose disk is an older one of their own: it goes on under the name that their devices know. */
  private readonly setBack = new Set<string>()
  /** When each connection was greeted. */
  private readonly greeted = new Map<Wire, number>()

  /** A server sends a frame: what it acknowledges is on its disk, and synced, at this moment. [SPEC S6] */
  judgeSending(wire: Wire, server: SimServer, oracle: Oracle, bytes: Uint8Array): void {
    if (bytes.length > MAX_ANSWER_BYTES || !answers.has(bytes[0]!)) return
    const frame = decodeFrame(bytes)
    if (frame?.kind !== "ack" && frame?.kind !== "reject") return
    const update = this.sent.get(wire)?.get(frame.id)
    if (update === undefined) return
    const { document, counts } = update
    // Where somebody was removed, less may rightly be there.
    if (oracle.removals.some(({ conversation }) => conversation === conversationOf(document))) return
    const refused = new Set<number>()
    for (const { log: name } of frame.kind === "reject" ? frame.items : []) {
      const log = refusedLog(name)
      // It stands for all that is not named. Who is hostile sends logs under clients that are not theirs.
      if (log === undefined || !counts.has(clientIdOf(document, log))) return
      refused.add(clientIdOf(document, log))
    }
    const durable = durableOn(server.disk, document)
    for (const [client, count] of counts) {
      const elements = durable?.get(client)?.elements.length ?? 0
      if (elements >= count || refused.has(client)) continue
      const found = durable === undefined ? "not all is synced" : `${elements} are there`
      throw new Violation("I1", `${server.name} acknowledges ${count} elements of ${document}, and ${found}`)
    }
  }

  /** A frame that arrived. */
  heard(wire: Wire, from: string, bytes: Uint8Array): void {
    if (!noted.has(bytes[0]!)) return
    const frame = wholeFrame(bytes)
    if (frame?.kind === "welcome") {
      this.greeted.set(wire, wire.network.world.now)
      const host = wire.near.process.machine.name
      this.met.set(host, (this.met.get(host) ?? new Map<string, number>()).set(from, wire.network.world.now))
    }
    // Relays have no number, and go the other way.
    if (frame?.kind === "update" && frame.id > 0) this.updated.set(wire, frame.document)
    const document = frame?.kind === "update" ? frame.document : this.updated.get(wire)
    if ((frame?.kind === "update" || frame?.kind === "next") && frame.id > 0 && document !== undefined) {
      const counts: Counts = new Map()
      for (const { client, from: start, elements } of decodeUpdate(frame.update) ?? []) {
        counts.set(client, start + elements.length)
      }
      const updates = this.sent.get(wire) ?? new Map<number, { document: DocumentName; counts: Counts }>()
      this.sent.set(wire, updates.set(frame.id, { document, counts }))
    } else if (frame?.kind === "ack") {
      const update = this.sent.get(wire)?.get(frame.id)
      // What was still on its way when the disk was lost was said of that disk.
      if (update === undefined || (this.greeted.get(wire) ?? 0) <= (this.lost.get(from) ?? -1)) return
      const documents = this.promised.get(from) ?? new Map<DocumentName, Counts>()
      this.promised.set(from, documents)
      const counts = documents.get(update.document) ?? new Map<number, number>()
      documents.set(update.document, counts)
      for (const [client, count] of update.counts) counts.set(client, Math.max(count, counts.get(client) ?? 0))
    }
  }

  /** A server says that a log was continued twice: no honest device does that, whatever befell its disk. [SPEC W3] */
  judgeAnswer(from: string, bytes: Uint8Array): void {
    if (!answers.has(bytes[0]!)) return
    const frame = decodeFrame(bytes)
    if (frame?.kind !== "reject") return
    const fork = frame.items.find(({ code }) => code === "FORK")
    if (fork === undefined) return
    throw new Violation("I2", `${from} finds a fork in ${frame.document} at ${fork.at}, and everybody is honest`)
  }

  /** Its disk is another one: an empty one, or one that was copied before. */
  forget({ name, disk }: SimServer, isEmpty: boolean): void {
    this.promised.delete(name)
    this.lost.set(name, disk.world.now)
    if (isEmpty) this.setBack.delete(name)
    else this.setBack.add(name)
  }

  /** Whether all disks that were lost have other names now: their servers' greetings say so. */
  get isLossSaid(): boolean {
    return this.setBack.size === 0
  }

  /** Whether a host heard again, between two moments, from all those it knows who lost their disks. */
  hasMetAgain(host: string, from: number, to: number): boolean {
    return Array.from(this.lost).every(([server, lost]) => {
      const met = this.met.get(host)?.get(server)
      return met === undefined || (met > lost && met >= from && met <= to)
    })
  }

  /** After a crash: all that was acknowledged is on the disk. Where somebody was removed, less may rightly be there. */
  judge(server: SimServer, oracle: Oracle): void {
    const promised = this.promised.get(server.name)
    if (promised === undefined) return
    const cut = new Set(oracle.removals.map(({ conversation }) => conversation))
    const held = serverHoldings(server.disk)
    for (const [document, counts] of promised) {
      if (cut.has(conversationOf(document))) continue
      for (const [client, count] of counts) {
        const elements = held.get(document)?.get(client)?.elements.length ?? 0
        if (elements >= count) continue
        throw new Violation(
          "I1",
          `${server.name} acknowledged ${count} elements of ${document}, and has ${elements} after a crash`,
        )
      }
    }
  }
}

function numbersOf(...kinds: readonly FrameKind[]): ReadonlySet<number> {
  return new Set(kinds.map((kind) => Number(new RegExp(`^${kind}=([0-9]+)`, "m").exec(frameSchemaText)![1])))
}
