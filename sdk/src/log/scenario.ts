import { getPublicKeyAsync, signAsync, verifyAsync } from "@noble/ed25519"
import { concat, sha256, utf8 } from "../protocol/bytes.js"
import type { Content } from "../protocol/content.js"
import { BODY_SALT_BYTES, encodeBody, hashBody, KIND_BODY, type Clock, type ControlId } from "../protocol/entry.js"
import {
  clientIdOf,
  controlDocument,
  conversationIdOf,
  deviceIdOf,
  logIdOf,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type LogId,
} from "../protocol/names.js"
import type { CheckContext } from "./check.js"
import { draftEntry, type Draft } from "./draft.js"
import { encodeRecord, recordMessage, type EraseRecord } from "./erasure.js"
import { emptySummary, type LogSummary } from "./summary.js"
import type { LogRun } from "./update.js"
import { sealRun, type Signer } from "./writer.js"

/** For tests: devices by name, with real keys, and the logs that they write. The same names give the same bytes. */
export interface NamedDevice extends Signer {
  readonly id: DeviceId
}

const devices = new Map<string, Promise<NamedDevice>>()

export function deviceNamed(name: string): Promise<NamedDevice> {
  let device = devices.get(name)
  if (device === undefined) devices.set(name, (device = makeDevice(sha256(utf8(`key of ${name}`)))))
  return device
}

async function makeDevice(secret: Uint8Array): Promise<NamedDevice> {
  const publicKey = await getPublicKeyAsync(secret)
  return { id: deviceIdOf(publicKey), publicKey, sign: (message) => signAsync(message, secret) }
}

let count = 0

/** Never the same twice. */
export function freshSalt(): Uint8Array {
  return sha256(utf8(`salt ${String(count++)}`)).slice(0, BODY_SALT_BYTES)
}

/** Names no real control entry: enough for what judges form, not authority. */
export const anyControlId = "testtesttesttesttesttest" as ControlId

export function messageDraft(text: string, seen: readonly ControlId[] = [anyControlId]): Draft {
  return draftWith("message", encodeBody(freshSalt(), new Map([["t", text]])), seen)
}

export function controlDraft(content: Content, seen: readonly ControlId[] = []): Draft {
  return draftWith("control", encodeBody(freshSalt(), content), seen)
}

export function draftWith(entryClass: Draft["class"], body: Uint8Array, seen: readonly ControlId[]): Draft {
  return { class: entryClass, clock: (1_700_000_000_000 * 1024 + count++) as Clock, body, seen }
}

/** The control entry that a draft of this device becomes. */
export function controlIdOfDraft(device: DeviceId, draft: Draft): ControlId {
  const { control } = draftEntry(device, draft)
  if (control === undefined) throw new TypeError("not a control draft")
  return control
}

/** A record by this device that names another's body. */
export async function recordBy(
  eraser: NamedDevice,
  document: DocumentName,
  target: DeviceId,
  body: Uint8Array,
): Promise<EraseRecord> {
  const fields = {
    target,
    bodyHash: hashBody(body),
    kind: "message" as const,
    publicKey: eraser.publicKey,
    clock: (1_700_000_000_000 * 1024 + count++) as Clock,
    seen: [anyControlId],
  }
  return { ...fields, signature: await eraser.sign(recordMessage(document, fields)) }
}

export function eraseDraft(record: EraseRecord): Draft {
  return draftWith("erase", concat([Uint8Array.of(KIND_BODY), freshSalt(), encodeRecord(record)]), [anyControlId])
}

/** One writer's log, sealed run after sealed run. */
export class TestLog {
  readonly id: LogId
  readonly client: number
  /** All elements so far. */
  whole: LogRun
  summary: LogSummary | undefined

  constructor(
    readonly device: NamedDevice,
    readonly document: DocumentName,
    session = 1,
  ) {
    this.id = logIdOf(device.id, Uint8Array.of(session >> 16, (session >> 8) & 255, session & 255))
    this.client = clientIdOf(document, this.id)
    this.whole = { log: this.id, client: this.client, from: 0, elements: [] }
  }

  /** Texts stand for messages. */
  async seal(...given: readonly (Draft | string)[]): Promise<LogRun> {
    const drafts = given.map((draft) => (typeof draft === "string" ? messageDraft(draft) : draft))
    const { run, next } = await sealRun(this.document, this.id, this.summary, drafts, this.device)
    this.summary = next
    this.whole = { ...this.whole, elements: [...this.whole.elements, ...run.elements] }
    return run
  }
}

/** A document of a conversation that nobody created. */
export function anyDocument(segment = 1): DocumentName {
  return segmentDocument("AAAAAAAAAAAAAAAAAAAAAAAA" as ConversationId, segment)
}

/** A conversation's control document, and the draft that creates it. */
export function newConversation(device: NamedDevice): { readonly control: DocumentName; readonly create: Draft } {
  const create = controlDraft(new Map([["test", true]]))
  return { control: controlDocument(conversationIdOf(device.id, create.body)), create }
}

/** Surroundings that let everything stand that has its form and its seals. */
export function trusting(document: DocumentName, changes: Partial<CheckContext> = {}): CheckContext {
  return {
    summary: emptySummary(document),
    knowsControl: (id) => id === anyControlId,
    admit: () => undefined,
    cutOf: () => Infinity,
    isErased: () => false,
    admitRecord: () => undefined,
    held: async () => undefined,
    refusesKey: () => false,
    verify: (publicKey, message, signature) => verifyAsync(signature, message, publicKey),
    ...changes,
  }
}
