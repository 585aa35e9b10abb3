import {
  certificateMessage,
  concat,
  controlDocument,
  controlIdOf,
  conversationIdOf,
  encodeControl,
  encodeRecord,
  encodeUpdate,
  hashBody,
  recordMessage,
  segmentDocument,
  systemEnv,
  type ControlAction,
  type ControlId,
  type ConversationId,
  type DocumentName,
  type Draft,
  type EraseRecord,
  type InitialMember,
  type UserId,
} from "@weft/sdk/protocol"
import { makeLog, type TestDevice, type TestLog } from "./device.js"
import { clockNow } from "./raw-client.js"

const salt = (): Uint8Array => systemEnv.randomBytes(12)

/** A message by an author who had seen these control entries; a new one each time. */
export function anyMessage(seen: readonly ControlId[]): Draft {
  return { class: "message", clock: clockNow(), body: Uint8Array.of(2, ...salt(), 126, 1), seen }
}

/** The control document of a conversation that several devices write, each into one log. */
export class ControlLog {
  readonly id: ConversationId
  readonly name: DocumentName
  readonly #owner: TestDevice
  readonly #logs = new Map<TestDevice, TestLog>()
  #last: Uint8Array = new Uint8Array()

  private constructor(owner: TestDevice, id: ConversationId) {
    this.#owner = owner
    this.id = id
    this.name = controlDocument(id)
  }

  /** The owner's device certifies all others, and is introduced itself: `base` is where that ends. */
  static async begin(
    owner: TestDevice,
    user: UserId,
    members: readonly InitialMember[] = [],
  ): Promise<{ control: ControlLog; base: ControlId }> {
    const body = encodeControl({ kind: "create", user, title: "", trust: [owner.publicKey], members }, salt())
    const control = new ControlLog(owner, conversationIdOf(owner.id, body))
    const created = await control.#seal(owner, { class: "control", clock: clockNow(), body, seen: [] })
    return { control, base: await control.introduce(owner, user, [created]) }
  }

  segment(number = 1): DocumentName {
    return segmentDocument(this.id, number)
  }

  /** All that was written so far, as an update. */
  get whole(): Uint8Array {
    return encodeUpdate(Array.from(this.#logs.values(), (log) => log.whole))
  }

  /** What was written last alone. */
  get last(): Uint8Array {
    return this.#last
  }

  write(device: TestDevice, action: ControlAction, seen: readonly ControlId[]): Promise<ControlId> {
    return this.#seal(device, { class: "control", clock: clockNow(), body: encodeControl(action, salt()), seen })
  }

  /** A removal that leaves nothing of what the user wrote. */
  remove(device: TestDevice, user: UserId, seen: readonly ControlId[]): Promise<ControlId> {
    return this.write(device, { kind: "remove", user, cut: new Map() }, seen)
  }

  async introduce(device: TestDevice, user: UserId, seen: readonly ControlId[]): Promise<ControlId> {
    const issuer = this.#owner
    const fields = { user, publicKey: device.publicKey, issuedAt: 1, issuer: issuer.publicKey }
    const certificate = { ...fields, signature: await issuer.sign(certificateMessage(fields)) }
    return this.write(device, { kind: "introduce", certificate }, seen)
  }

  async #seal(device: TestDevice, draft: Draft): Promise<ControlId> {
    const log = this.#logs.get(device) ?? makeLog(device, this.name)
    this.#logs.set(device, log)
    const run = await log.seal(draft)
    this.#last = encodeUpdate([run])
    return controlIdOf(device.id, run.elements[0] ?? new Uint8Array())
  }
}

/** A device's erase record for a message, by one who had seen these control entries. */
export async function signRecord(
  document: DocumentName,
  eraser: TestDevice,
  message: { readonly author: TestDevice; readonly body: Uint8Array },
  seen: readonly ControlId[],
): Promise<EraseRecord> {
  const { author, body } = message
  const target = { target: author.id, bodyHash: hashBody(body), kind: "message" } as const
  const fields = { ...target, publicKey: eraser.publicKey, clock: clockNow(), seen }
  return { ...fields, signature: await eraser.sign(recordMessage(document, fields)) }
}

/** The entry that carries a record. */
export function eraseDraft(record: EraseRecord, seen: readonly ControlId[]): Draft {
  return { class: "erase", clock: clockNow(), body: concat([Uint8Array.of(2), salt(), encodeRecord(record)]), seen }
}
