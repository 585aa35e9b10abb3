import type { Entry } from "../log/check.js"
import type { Draft } from "../log/draft.js"
import { decodeRecord, encodeRecord, recordMessage, type ErasedKind, type EraseRecord } from "../log/erasure.js"
import type { Signer } from "../log/writer.js"
import { concat } from "../protocol/bytes.js"
import { BODY_SALT_BYTES, KIND_BODY, type Clock, type ControlId, type MessageId } from "../protocol/entry.js"
import type { DeviceId, DocumentName } from "../protocol/names.js"
import { decodeSaid } from "../conversation/said.js"

/** A body to be erased. */
export interface Erasable {
  readonly device: DeviceId
  /** 24 bytes. */
  readonly bodyHash: Uint8Array
  readonly kind: ErasedKind
}

/** The draft of an erase entry: its body is a record that proves itself. [SPEC X1] */
export async function eraseDraft(
  document: DocumentName,
  target: Erasable,
  { signer, clock, seen, salt }: { signer: Signer; clock: Clock; seen: readonly ControlId[]; salt: Uint8Array },
): Promise<Draft> {
  const { device, bodyHash, kind } = target
  const fields = { target: device, bodyHash, kind, publicKey: signer.publicKey, clock, seen }
  const record = { ...fields, signature: await signer.sign(recordMessage(document, fields)) }
  return { class: "erase", clock, seen, body: concat([Uint8Array.of(KIND_BODY), salt, encodeRecord(record)]) }
}

/** The record in an erase draft. */
export function recordOfDraft(draft: Draft): EraseRecord | undefined {
  return draft.class === "erase" ? decodeRecord(draft.body.subarray(1 + BODY_SALT_BYTES)) : undefined
}

/** What an edit edits; undefined for anything else. */
export function editedBy(entry: Pick<Entry, "head" | "body">): MessageId | undefined {
  const said = entry.head.class === "message" && entry.body !== null ? decodeSaid(entry.body) : undefined
  return said?.kind === "edit" ? said.of : undefined
}
