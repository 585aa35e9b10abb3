import {
  BODY_SALT_BYTES,
  clockOf,
  concat,
  decodeBody,
  encodeBody,
  encodeRecord,
  issueCertificate,
  KIND_BODY,
  messageIdOf,
  recordMessage,
  type Contents,
  type ControlState,
  type ConversationId,
  type DocumentName,
  type DocumentSummary,
  type Draft,
  type EraseRecord,
  type LogRun,
  type MessageId,
  type RefusalCode,
  type UserId,
  type Vector,
} from "@weft/sdk/protocol"
import * as Y from "yjs"
import { erasuresOf } from "../../sdk/src/conversation/erasures.js"
import { Projection } from "../../sdk/src/conversation/projection.js"
import type { Message } from "../../sdk/src/conversation/message.js"
import { createMemoryStorage, type MemorySnapshot, type MemoryStorage } from "../../sdk/src/storage/memory.js"
import { Replica as DeviceReplica } from "../../sdk/src/sync/replica.js"
import type { ReplicaConversation } from "../../sdk/src/sync/conversation.js"
import type { Random } from "../support/seed.js"
import { keyNamed, refusesKey, seededEnv, verify, type WorldTime } from "./host.js"
import type { Replica } from "./party.js"

const SERVER_KEY = "server"

/** A message that someone may erase. */
export interface Target {
  readonly document: DocumentName
  readonly message: MessageId
  readonly device: EraseRecord["target"]
  readonly bodyHash: Uint8Array
  readonly text: string | undefined
}

/** A device, made of the SDK's own parts over a memory storage. */
export class CheckDevice implements Replica {
  private replica!: DeviceReplica
  private conversation!: ReplicaConversation
  private storage: MemoryStorage
  private docs = new Map<DocumentName, Y.Doc>()
  private readonly key
  private readonly env

  private constructor(
    readonly name: string,
    readonly keyName: string,
    readonly user: UserId,
    private readonly id: ConversationId | undefined,
    private readonly random: Random,
    time: WorldTime,
    snapshot: MemorySnapshot | undefined,
  ) {
    this.key = keyNamed(keyName)
    this.env = seededEnv(time, random.below(20_000) - 10_000, random)
    this.storage = createMemoryStorage(snapshot === undefined ? {} : { snapshot })
  }

  static async start(
    name: string,
    keyName: string,
    conversation: ConversationId | undefined,
    random: Random,
    time: WorldTime,
    snapshot?: MemorySnapshot,
  ): Promise<CheckDevice> {
    const user = (keyName.split("#")[0] ?? keyName) as UserId
    const device = new CheckDevice(name, keyName, user, conversation, random, time, snapshot)
    await device.boot()
    return device
  }

  /** The one who opens the conversation, and is introduced in it. */
  static async create(name: string, random: Random, time: WorldTime): Promise<CheckDevice> {
    const device = await CheckDevice.start(name, name, undefined, random, time)
    const members = [
      { user: "bob" as UserId, role: "moderator" as const },
      { user: "cat" as UserId, role: "member" as const },
    ]
    device.conversation = await device.replica.create("Trip", members, [keyNamed(SERVER_KEY).publicKey])
    await device.introduce()
    return device
  }

  private async boot(): Promise<void> {
    this.docs = new Map()
    this.replica = await DeviceReplica.open({
      storage: this.storage,
      env: this.env,
      user: this.user,
      signer: this.key,
      verify: async (...proof) => verify(...proof),
      refusesKey,
    })
    await this.replica.becomeWriter()
    if (this.id !== undefined) this.conversation = await this.replica.conversation(this.id)
    await this.settle()
  }

  async settle(): Promise<void> {
    if (this.conversation !== undefined) await this.conversation.idle()
    if (this.replica.health.get().kind !== "ok") throw new Error(`${this.name}: the storage fails`)
  }

  get conversationId(): ConversationId {
    return this.conversation.id
  }

  get state(): ControlState {
    return this.conversation.state
  }

  /** The process ends and starts again; drafts are as they were. */
  async restart(): Promise<void> {
    const { id } = this.conversation
    await this.replica.close()
    this.storage = this.storage.share()
    await this.boot()
    this.conversation = await this.replica.conversation(id)
    await this.settle()
  }

  backup(): MemorySnapshot {
    return this.storage.snapshot()
  }

  async restore(snapshot: MemorySnapshot): Promise<void> {
    const { id } = this.conversation
    await this.replica.close()
    this.storage = createMemoryStorage({ snapshot })
    await this.boot()
    this.conversation = await this.replica.conversation(id)
    await this.settle()
  }

  get isIntroduced(): boolean {
    return this.state.devices.get(this.key.id)?.certified === true
  }

  async introduce(): Promise<void> {
    const { publicKey } = this.key
    const server = keyNamed(SERVER_KEY)
    const fields = { user: this.user, publicKey, issuedAt: 0, issuer: server.publicKey }
    const certificate = await issueCertificate(fields, (message) => server.sign(message))
    await this.conversation.govern({ kind: "introduce", certificate })
    await this.settle()
  }

  async retitle(title: string): Promise<void> {
    await this.conversation.govern({ kind: "title", title })
    await this.settle()
  }

  /** Writes a message; durable, and under no seal yet. */
  async post(text: string, segment: number): Promise<void> {
    const content = new Map([["t", text]])
    if (segment === 1) this.conversation.post(content)
    else {
      const body = encodeBody(this.random.bytes(BODY_SALT_BYTES), content)
      await this.place(await this.segmentName(segment), "message", body)
    }
    await this.settle()
  }

  private async segmentName(segment: number): Promise<DocumentName> {
    return (await this.conversation.segment(segment)).name
  }

  private async place(document: DocumentName, entryClass: Draft["class"], body: Uint8Array): Promise<void> {
    const seen = this.state.headsFor(this.key.id)
    const draft: Draft = { class: entryClass, clock: clockOf(this.env.now()), body, seen }
    this.conversation.place(await this.conversation.document(document), draft)
    await this.settle()
  }

  async erase(target: Target): Promise<void> {
    const fields = {
      target: target.device,
      bodyHash: target.bodyHash,
      kind: "message" as const,
      publicKey: this.key.publicKey,
      clock: clockOf(this.env.now()),
      seen: this.state.headsFor(this.key.id),
    }
    const signature = await this.key.sign(recordMessage(target.document, fields))
    const body = concat([
      Uint8Array.of(KIND_BODY),
      this.random.bytes(BODY_SALT_BYTES),
      encodeRecord({ ...fields, signature }),
    ])
    await this.place(target.document, "erase", body)
  }

  /** Messages that stand here, to be erased. */
  async targets(): Promise<Target[]> {
    const targets: Target[] = []
    for (const name of this.conversation.documentNames) {
      const document = await this.conversation.document(name)
      for (const { device, head, body } of await document.entries()) {
        if (head.class !== "message" || body === null) continue
        const message = messageIdOf(device, head.bodyHash)
        const content = decodeBody(body)
        const text = content instanceof Map ? (content as ReadonlyMap<string, unknown>).get("t") : undefined
        targets.push({
          document: name,
          message,
          device,
          bodyHash: head.bodyHash,
          text: typeof text === "string" ? text : undefined,
        })
      }
    }
    return targets
  }

  /** Seals what waits; authority first. */
  async flush(): Promise<void> {
    for (const document of await this.conversation.waiting()) await document.flush()
    await this.settle()
  }

  async drafts(): Promise<readonly Draft[]> {
    return (await this.conversation.waiting()).flatMap(({ drafts }) => drafts)
  }

  async documents(): Promise<DocumentName[]> {
    return this.conversation.documentNames
  }

  async summary(document: DocumentName): Promise<DocumentSummary> {
    return (await this.conversation.document(document)).summary
  }

  async contents(document: DocumentName): Promise<Contents> {
    return (await this.conversation.document(document)).contents()
  }

  async missingFrom(document: DocumentName, vector: Vector): Promise<LogRun[]> {
    return (await this.conversation.document(document)).missingFrom(vector)
  }

  async take(document: DocumentName, update: Uint8Array): Promise<RefusalCode[]> {
    const verdicts = await this.conversation.receive(await this.conversation.document(document), update, "test")
    await this.settle()
    return verdicts === undefined ? ["MALFORMED"] : verdicts.flatMap(({ refusal }) => refusal?.code ?? [])
  }

  async takeRecords(document: DocumentName, records: readonly EraseRecord[]): Promise<void> {
    await (await this.conversation.document(document)).receiveRecords(records, "test")
  }

  async bytes(): Promise<Uint8Array[]> {
    return this.storage.snapshot().entries.map(({ value }) => value)
  }

  /** Opens it as a Yjs document, until this device restarts. */
  async open(document: DocumentName): Promise<void> {
    if (this.docs.has(document)) return
    this.docs.set(document, await (await this.conversation.document(document)).open())
  }

  /** What Yjs writes for the open documents. */
  openBytes(): [DocumentName, Uint8Array][] {
    return Array.from(this.docs, ([document, doc]) => [document, Y.encodeStateAsUpdate(doc)])
  }

  /** What a person would see. */
  async screen(): Promise<readonly Message[]> {
    const erased = new Map<DocumentName, ReturnType<typeof erasuresOf>>()
    const projection = new Projection({
      user: this.user,
      device: this.key.id,
      authorOf: (device) => this.state.devices.get(device)?.user,
      acknowledged: () => 0,
      erasureOf: (document, message) => erased.get(document)?.get(message),
      isDurable: () => true,
      hasSegment: () => true,
      receivedBy: () => undefined,
    })
    for (const name of this.conversation.documentNames) {
      const document = await this.conversation.document(name)
      erased.set(name, erasuresOf(document.summary.records.values()))
      projection.add(name, await document.entries())
      projection.addDrafts(name, document.drafts)
    }
    return projection.items
  }
}
