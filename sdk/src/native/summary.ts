import type { AccountName } from "../protocol/account-name.js"
import { concat, sha256, utf8 } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import { encodeBytes } from "../protocol/encode.js"
import { MAX_NATIVE_CLIENTS } from "../protocol/limits.js"
import { encodeNativeVector, writeDeletes } from "./codec.js"
import { arrange, type Placed } from "./arrange.js"
import { endOf, joinRanges, rangesBeyond, type NativeUpdate, type NativeVector, type Range } from "./structs.js"

/** What must be known of a document of native types to judge what comes next: how much is held, and what is deleted. */
export interface NativeSummary {
  readonly vector: NativeVector
  readonly deletes: ReadonlyMap<number, readonly Range[]>
}

/** Of a document of which nothing is held. */
export const emptyNativeSummary: NativeSummary = { vector: new Map(), deletes: new Map() }

/** What became of an update. */
export type NativeVerdict =
  | { readonly kind: "refused"; readonly code: RefusalCode }
  /** `fresh`: what the update adds, every piece behind what it builds on; undefined where it adds nothing. */
  | { readonly kind: "accepted"; readonly summary: NativeSummary; readonly fresh: FreshNative | undefined }

/** What is new of an update. */
export interface FreshNative {
  readonly order: readonly Placed[]
  readonly deletes: ReadonlyMap<number, readonly Range[]>
}

/**
 * Judges an update by what is held: it continues it without a gap, all that it builds on is there, and it deletes only what
 * is there. So what was accepted can be applied whole by every Y.Doc, and nothing waits in one for ever. [SPEC U4]
 */
export function judgeNative(update: NativeUpdate, held: NativeSummary): NativeVerdict {
  const arranged = arrange(update.structs, held.vector)
  if (arranged === undefined) return { kind: "refused", code: "GAP" }
  const { order, vector } = arranged
  if (vector.size > MAX_NATIVE_CLIENTS) return { kind: "refused", code: "QUOTA_EXCEEDED" }
  const deletes = new Map(held.deletes)
  const fresh = new Map<number, readonly Range[]>()
  for (const [client, ranges] of update.deletes) {
    if ((ranges.at(-1)?.to ?? 0) > (vector.get(client) ?? 0)) return { kind: "refused", code: "GAP" }
    const before = deletes.get(client) ?? []
    const beyond = rangesBeyond(ranges, before)
    if (beyond.length === 0) continue
    fresh.set(client, beyond)
    deletes.set(client, joinRanges([...before, ...beyond]))
  }
  if (order.length === 0 && fresh.size === 0) return { kind: "accepted", summary: held, fresh: undefined }
  return { kind: "accepted", summary: { vector, deletes }, fresh: { order, deletes: fresh } }
}

/** What a whole document adds up to. */
export function summarizeNative({ structs, deletes }: NativeUpdate): NativeSummary {
  const vector = new Map<number, number>()
  for (const [client, list] of structs) {
    const last = list.at(-1)
    if (last !== undefined) vector.set(client, endOf(last))
  }
  return { vector, deletes }
}

/** Equal digests mean equal contents, in whatever pieces they are held. [SPEC U3] */
export function digestOfNative(name: AccountName, { vector, deletes }: NativeSummary): Uint8Array {
  const encoded = encodeBytes((encoder) => {
    writeDeletes(encoder, deletes)
  })
  return sha256(utf8(`weft/1/account\0${name}\0`), concat([encodeNativeVector(vector), encoded]))
}
