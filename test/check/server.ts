import {
  advanceSummary,
  check,
  checkContext,
  checkRecord,
  createLedger,
  destroyedMessages,
  documentParts,
  emptySummary,
  encodeUpdate,
  punch,
  readContents,
  recordIdOf,
  runsBeyond,
  type Contents,
  type ConversationId,
  type DocumentName,
  type DocumentSummary,
  type EraseRecord,
  type Ledger,
  type LogRun,
  type RefusalCode,
  type Vector,
} from "@weft/sdk/protocol"
import { refusesKey, verify, type WorldTime } from "./host.js"
import type { Replica } from "./party.js"

interface Held {
  summary: DocumentSummary
  updates: Uint8Array[]
}

const ports = { verify: async (...proof: Parameters<typeof verify>) => verify(...proof), refusesKey }

/** A server as the check sees one: summaries in memory, canonical updates as its disk. */
export class CheckServer implements Replica {
  private readonly held = new Map<DocumentName, Held>()
  private ledger: Ledger

  constructor(
    readonly name: string,
    private readonly conversation: ConversationId,
    private readonly time: WorldTime,
  ) {
    this.ledger = createLedger(conversation, ports)
  }

  get state() {
    return this.ledger.state
  }

  /** Its disk is gone. */
  lose(): void {
    this.held.clear()
    this.ledger = createLedger(this.conversation, ports)
  }

  async documents(): Promise<DocumentName[]> {
    const isControl = (name: DocumentName): boolean => documentParts(name).kind === "control"
    return Array.from(this.held.keys()).sort((a, b) => Number(isControl(b)) - Number(isControl(a)))
  }

  async summary(document: DocumentName): Promise<DocumentSummary> {
    return this.held.get(document)?.summary ?? emptySummary(document)
  }

  async contents(document: DocumentName): Promise<Contents> {
    return readContents(this.held.get(document)?.updates ?? [])
  }

  async missingFrom(document: DocumentName, vector: Vector): Promise<LogRun[]> {
    return runsBeyond(await this.contents(document), vector)
  }

  async bytes(): Promise<Uint8Array[]> {
    return Array.from(this.held.values()).flatMap(({ updates }) => updates)
  }

  private open(document: DocumentName): Held {
    let held = this.held.get(document)
    if (held === undefined) this.held.set(document, (held = { summary: emptySummary(document), updates: [] }))
    return held
  }

  async take(document: DocumentName, update: Uint8Array): Promise<RefusalCode[]> {
    const held = this.open(document)
    const context = checkContext(held.summary, this.state, {
      verify,
      refusesKey,
      held: async (log) => Array.from((await this.contents(document)).values()).find((run) => run.log === log),
    })
    const verdicts = await check(update, context)
    if (verdicts === undefined) return ["MALFORMED"]
    advanceSummary(held.summary, verdicts)
    const destroyed = destroyedMessages(held.summary, this.state, this.time.now)
    const runs = verdicts.flatMap(({ run }) => run ?? [])
    if (runs.length > 0) held.updates.push(encodeUpdate(punch(runs, (message) => destroyed.has(message)).runs))
    if (verdicts.some(({ records }) => records.length > 0)) await this.destroy(document)
    if (documentParts(document).kind === "control") {
      await this.ledger.add(verdicts.flatMap(({ entries }) => entries))
    }
    return verdicts.flatMap(({ refusal }) => refusal?.code ?? [])
  }

  async takeRecords(document: DocumentName, records: readonly EraseRecord[]): Promise<void> {
    const { summary } = this.open(document)
    for (const record of records) {
      if ((await checkRecord(summary, this.state, record, ports)) === undefined) {
        summary.records.set(recordIdOf(record), record)
      }
    }
    await this.destroy(document)
  }

  /** Destroys what is due, and merges what is stored. */
  async destroy(document: DocumentName): Promise<void> {
    const held = this.open(document)
    const destroyed = destroyedMessages(held.summary, this.state, this.time.now)
    const { runs } = punch((await this.contents(document)).values(), (message) => destroyed.has(message))
    held.updates = runs.length === 0 ? [] : [encodeUpdate(runs)]
  }
}
