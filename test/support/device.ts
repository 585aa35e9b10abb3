/**
 * Devices with real Ed25519 keys and the sealed runs that they write: real bytes for tests of whatever stores, checks
 * or carries them.
 */
import {
  BODY_SALT_BYTES,
  clientIdOf,
  clockOf,
  controlDocument,
  controlIdOf,
  conversationIdOf,
  deviceIdOf,
  encodeBody,
  encodeUpdate,
  logIdOf,
  sealRun,
  segmentDocument,
  type Clock,
  type Content,
  type ControlId,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type Draft,
  type LogId,
  type LogRun,
  type LogSummary,
  type Signer,
} from "@weft/sdk/protocol"

export interface TestDevice extends Signer {
  readonly id: DeviceId
}

/** A device; always the same one for the same seed (32 bytes). */
export async function makeDevice(seed: Uint8Array = randomBytes(32)): Promise<TestDevice> {
  const prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]) // PKCS #8 of Ed25519
  const privateKey = await crypto.subtle.importKey("pkcs8", Buffer.concat([prefix, seed]), "Ed25519", true, ["sign"])
  const { x = "" } = await crypto.subtle.exportKey("jwk", privateKey)
  const publicKey = new Uint8Array(Buffer.from(x, "base64url"))
  return {
    id: deviceIdOf(publicKey),
    publicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, new Uint8Array(message))),
  }
}

/** The body element of a message with this text; a new salt, so a new message, each time. */
function messageBody(text: string): Uint8Array {
  return encodeBody(randomBytes(BODY_SALT_BYTES), new Map([["t", text]]))
}

let lastClock = clockOf(Date.UTC(2025, 0, 1))

/** A draft of a message, with a clock above all before; a log's first entry must have seen some control entry. */
export function messageDraft(text: string, seen: readonly ControlId[] = [anyControlId]): Draft {
  lastClock = (lastClock + 1) as Clock
  return { class: "message", clock: lastClock, body: messageBody(text), seen }
}

/** A draft of a control entry; without `seen` it is one that creates a conversation. */
function controlDraft(content: Content, seen: readonly ControlId[] = []): Draft {
  lastClock = (lastClock + 1) as Clock
  return { class: "control", clock: lastClock, body: encodeBody(randomBytes(BODY_SALT_BYTES), content), seen }
}

export interface TestConversation {
  readonly id: ConversationId
  readonly control: DocumentName
  /** Its create entry, to be named as seen. */
  readonly created: ControlId
  /** The sealed run that holds the create entry, in the control document. */
  readonly run: LogRun
  /** The log of `run`, to write more control entries. */
  readonly log: TestLog
  segment(number: number): DocumentName
}

/** A conversation that the device creates with this entry; without one, with an entry that has no meaning. */
export async function makeConversation(
  device: TestDevice,
  draft: Draft = controlDraft(new Map([["test", true]])),
  session?: Uint8Array,
): Promise<TestConversation> {
  const id = conversationIdOf(device.id, draft.body)
  const control = controlDocument(id)
  const log = makeLog(device, control, session)
  const run = await log.seal(draft)
  const head = run.elements[0] ?? new Uint8Array()
  return { id, control, created: controlIdOf(device.id, head), run, log, segment: (n) => segmentDocument(id, n) }
}

/** A name for a document of some conversation that nobody created. */
export function anyDocument(segment = 1): DocumentName {
  return segmentDocument(Buffer.from(randomBytes(18)).toString("base64url") as ConversationId, segment)
}

/** One writer's log, run after run. */
export interface TestLog {
  readonly id: LogId
  readonly client: number
  /** Of what was sealed so far. */
  readonly summary: LogSummary | undefined
  /** All elements so far, as one run. */
  readonly whole: LogRun
  /** Texts stand for messages. */
  seal(...drafts: readonly (Draft | string)[]): Promise<LogRun>
}

/** A new log of the device, of a session of its own. */
export function makeLog(device: TestDevice, document: DocumentName, session: Uint8Array = randomBytes(3)): TestLog {
  const id = logIdOf(device.id, session)
  const client = clientIdOf(document, id)
  let summary: LogSummary | undefined
  let whole: LogRun = { log: id, client, from: 0, elements: [] }
  return {
    id,
    client,
    get summary() {
      return summary
    },
    get whole() {
      return whole
    },
    async seal(...given) {
      const drafts = given.map((draft) => (typeof draft === "string" ? messageDraft(draft) : draft))
      const { run, next } = await sealRun(document, id, summary, drafts, device)
      summary = next
      whole = { ...whole, elements: [...whole.elements, ...run.elements] }
      return run
    },
  }
}

/** One sealed run in a new log, and the canonical update that holds it. Texts stand for messages. */
export async function sealedRun(
  device: TestDevice,
  document: DocumentName,
  ...drafts: readonly (Draft | string)[]
): Promise<{ run: LogRun; update: Uint8Array; log: TestLog }> {
  const log = makeLog(device, document)
  const run = await log.seal(...drafts)
  return { run, update: encodeUpdate([run]), log }
}

/** 18 bytes that name no real control entry: enough for what judges form, not authority. */
const anyControlId = "testtesttesttesttesttest" as ControlId

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}
