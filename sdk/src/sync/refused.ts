import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { decodeDraft, encodeDraft, type Draft } from "../log/draft.js"
import type { Entry } from "../log/check.js"
import { refusalCode, refusalNumber, type RefusalCode } from "../protocol/codes.js"

/** An own entry that was refused for good: kept until its author copied, retried or discarded it. [SPEC R1] */
export interface RefusedDraft {
  readonly code: RefusalCode
  readonly draft: Draft
}

export function encodeRefused(refused: RefusedDraft): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, refusalNumber(refused.code))
    encoding.writeVarUint8Array(encoder, encodeDraft(refused.draft))
  })
}

export function decodeRefused(bytes: Uint8Array): RefusedDraft {
  const decoder = decoding.createDecoder(bytes)
  const code = refusalCode(decoding.readVarUint(decoder)) ?? "INTERNAL"
  return { code, draft: decodeDraft(decoding.readVarUint8Array(decoder)) }
}

/** The draft that an own entry once was; undefined where its body is gone. */
export function draftOf(entry: Entry): Draft | undefined {
  const { head, seen, body } = entry
  return body === null ? undefined : { class: head.class, clock: head.clock, seen, body: body.slice() }
}
