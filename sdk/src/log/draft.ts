import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { bodyHashText, clockMs, controlIdOf, encodeHead, hashBody, messageIdOf } from "../protocol/entry.js"
import type { BodyHash, Clock, ControlId, EntryClass, Head, MessageId } from "../protocol/entry.js"
import type { DeviceId, LogId } from "../protocol/names.js"
import type { Entry } from "./check.js"
import { readControlIds, writeControlIds } from "./summary.js"

/**
 * An entry that was written and is durable, but is under no seal yet: it belongs to no log, has no position, and has
 * not left the device. After a crash, a clone or a restore the next session seals it: same body, same clock. [SPEC W1]
 */
export interface Draft {
  readonly class: EntryClass
  readonly clock: Clock
  readonly body: Uint8Array
  readonly seen: readonly ControlId[]
}

// A draft's body is hashed once, however often it is asked for.
const heads = new WeakMap<Draft, Head>()

/** The head that the draft gets when it is sealed. */
export function draftHead(draft: Draft): Head {
  let head = heads.get(draft)
  if (head === undefined) {
    head = { class: draft.class, clock: draft.clock, bodyHash: hashBody(draft.body), seen: draft.seen }
    heads.set(draft, head)
  }
  return head
}

/** When the oldest of some drafts was written, milliseconds since 1970; Infinity where there are none. */
export function oldestOf(drafts: readonly Draft[]): number {
  return drafts.reduce((oldest, { clock }) => Math.min(oldest, clockMs(clock)), Infinity)
}

/** The hash of the draft's body. */
export function draftHash(draft: Draft): BodyHash {
  return bodyHashText(draftHead(draft).bodyHash)
}

/** The id that the message has from the beginning, and keeps. */
export function draftMessageId(device: DeviceId, draft: Draft): MessageId {
  return messageIdOf(device, draftHead(draft).bodyHash)
}

/** The draft as an entry of its device, at no position yet: for projections that show what is not sealed. */
export function draftEntry(device: DeviceId, draft: Draft): Entry {
  const head = draftHead(draft)
  return {
    log: `${device}/____` as LogId,
    device,
    position: Number.MAX_SAFE_INTEGER,
    head,
    control: draft.class === "control" ? controlIdOf(device, encodeHead(head)) : undefined,
    body: draft.body,
    seen: draft.seen,
    firstSeen: draft.seen,
  }
}

/**
 * Drafts so that each stands behind those that it has seen; else as they are. Clocks alone don't say so: they may be set
 * back between two entries, and a log whose entries are in the wrong order is refused. `resolve`: the present names of what
 * is named.
 */
export function orderDrafts(
  device: DeviceId,
  drafts: readonly Draft[],
  resolve: (seen: readonly ControlId[]) => readonly ControlId[] = (seen) => seen,
): Draft[] {
  const byId = new Map<ControlId, Draft>()
  for (const draft of drafts) {
    const { control } = draftEntry(device, draft)
    if (control !== undefined) byId.set(control, draft)
  }
  const ordered = new Set<Draft>()
  const place = (draft: Draft): void => {
    if (ordered.has(draft)) return
    for (const id of resolve(draft.seen)) {
      const seen = byId.get(id)
      if (seen !== undefined) place(seen)
    }
    ordered.add(draft)
  }
  drafts.forEach(place)
  return Array.from(ordered)
}

const classes: readonly EntryClass[] = ["message", "erase", "control", "reaction"]

/** As a store keeps it. */
export function encodeDraft(draft: Draft): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, classes.indexOf(draft.class))
    encoding.writeVarUint(encoder, draft.clock)
    writeControlIds(encoder, draft.seen)
    encoding.writeVarUint8Array(encoder, draft.body)
  })
}

/** Throws RangeError where the bytes are no draft: the store is damaged. */
export function decodeDraft(bytes: Uint8Array): Draft {
  const decoder = decoding.createDecoder(bytes)
  const entryClass = classes[decoding.readUint8(decoder)]
  if (entryClass === undefined) throw new RangeError("a damaged draft")
  const clock = decoding.readVarUint(decoder) as Clock
  const seen = readControlIds(decoder)
  return { class: entryClass, clock, seen, body: decoding.readVarUint8Array(decoder).slice() }
}
