import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes, parseDocumentName } from "@weft/sdk/protocol"

/**
 * Keys as y-leveldb 0.2 writes them: lists of texts and 32-bit numbers, each behind a byte that says which. A text has its
 * length before it, so texts sort by length first; numbers are big-endian. It reads and lists documents by
 *
 *     "v1_sv", document                      state vector; lists the documents
 *     "v1", document, "update", clock        updates, in order of writing
 *     "v1", document, "meta", name           meta values, in lib0's `any` encoding
 *
 * Ours beside them, where y-leveldb never looks:
 *
 *     "v1", document, "aside", name          runs set aside; inside the range that y-leveldb's clearDocument clears
 *     "weft", "digests", conversation, segment   digest of a document (0: control); a conversation's together, so that
 *                                            comparing reads none of them, and a start reads none at all
 *     "weft", "digests", conversation, "registers"   digest of its receipt registers
 *     "weft", "accounts", account            digest of an account
 *     "weft", "erasing", document            those that hold what is to be destroyed, with the time from which on
 *     "weft", "erased", document             those whose files still hold the bytes of what was erased
 *     "weft", "register", conversation, device   receipt registers
 *     "weft", "standing", user, conversation   whether a user is, or was, a member there; a user's together
 *     "weft", "opened", user, conversation   those that a user opened on this server; a user's together
 *     "weft", "setting", name                of the server
 *     "weft", "store", name                  of the store: format, incarnation
 */
export type Key =
  | { readonly kind: "stateVector"; readonly document: string }
  | { readonly kind: "update"; readonly document: string; readonly clock: number }
  | { readonly kind: "meta"; readonly document: string; readonly name: string }
  | { readonly kind: "aside"; readonly document: string; readonly name: string }
  | { readonly kind: "digest"; readonly conversation: string; readonly segment: number }
  | { readonly kind: "registers"; readonly conversation: string }
  | { readonly kind: "account"; readonly account: string }
  | { readonly kind: "erasing"; readonly document: string }
  | { readonly kind: "erased"; readonly document: string }
  | { readonly kind: "register"; readonly conversation: string; readonly device: string }
  | { readonly kind: "standing"; readonly user: string; readonly conversation: string }
  | { readonly kind: "opened"; readonly user: string; readonly conversation: string }
  | { readonly kind: "setting"; readonly name: string }
  | { readonly kind: "store"; readonly name: string }

const TEXT = 0
const UINT32 = 1

/** Highest clock of an update: y-leveldb reads clocks below 2^32 - 1. */
export const MAX_UPDATE_CLOCK = 2 ** 32 - 2

export function stateVectorKey(document: string): Uint8Array {
  return encodeParts("v1_sv", document)
}

export function updateKey(document: string, clock: number): Uint8Array {
  return encodeParts("v1", document, "update", clock)
}

export function metaKey(document: string, name: string): Uint8Array {
  return encodeParts("v1", document, "meta", name)
}

export function asideKey(document: string, name: string): Uint8Array {
  return encodeParts("v1", document, "aside", name)
}

/** Of a document of a conversation, or of an account. */
export function digestKey(name: string): Uint8Array {
  const document = parseDocumentName(name)?.parsed
  if (document === undefined) return encodeParts("weft", "accounts", name)
  return encodeParts("weft", "digests", document.conversation, document.kind === "control" ? 0 : document.segment)
}

export function erasingKey(document: string): Uint8Array {
  return encodeParts("weft", "erasing", document)
}

export function erasedKey(document: string): Uint8Array {
  return encodeParts("weft", "erased", document)
}

export function registerKey(conversation: string, device: string): Uint8Array {
  return encodeParts("weft", "register", conversation, device)
}

export function registersKey(conversation: string): Uint8Array {
  return encodeParts("weft", "digests", conversation, "registers")
}

export function standingKey(user: string, conversation: string): Uint8Array {
  return encodeParts("weft", "standing", user, conversation)
}

export function openedKey(user: string, conversation: string): Uint8Array {
  return encodeParts("weft", "opened", user, conversation)
}

export function settingKey(name: string): Uint8Array {
  return encodeParts("weft", "setting", name)
}

export function storeKey(name: string): Uint8Array {
  return encodeParts("weft", "store", name)
}

/** Keys from `gte` up to, without, `lt`. */
export interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

/** Updates with clocks from `from` up to, without, `to`. */
export function updateRange(document: string, from = 0, to = MAX_UPDATE_CLOCK + 1): KeyRange {
  return { gte: updateKey(document, from), lt: updateKey(document, to) }
}

export function asideRange(document: string): KeyRange {
  return { gte: encodeParts("v1", document, "aside"), lt: encodeParts("v1", document, "asidf") }
}

/** All keys of a document's contents; neither end is one. */
export function contentsRange(document: string): KeyRange {
  return { gte: encodeParts("v1", document, "aside"), lt: encodeParts("v1", document, "updatf") }
}

export const erasingRange: KeyRange = { gte: encodeParts("weft", "erasing"), lt: encodeParts("weft", "erasinh") }
export const erasedRange: KeyRange = { gte: encodeParts("weft", "erased"), lt: encodeParts("weft", "erasee") }
export const stateVectorRange: KeyRange = { gte: encodeParts("v1_sv"), lt: encodeParts("v1_sw") }
export const accountRange: KeyRange = { gte: encodeParts("weft", "accounts"), lt: encodeParts("weft", "accountt") }

/** Digests of one conversation. */
export function digestRange(conversation: string): KeyRange {
  const gte = encodeParts("weft", "digests", conversation)
  return { gte, lt: Uint8Array.of(...gte, UINT32 + 1) }
}

/** Those of all conversations behind this one, or of all, one conversation after another. */
export function digestsAfterRange(conversation: string | undefined): KeyRange {
  const all = encodeParts("weft", "digests")
  return { gte: conversation === undefined ? all : digestRange(conversation).lt, lt: encodeParts("weft", "digestt") }
}

/** Registers of one conversation: names of devices have 24 letters. */
export function registerRange(conversation: string): KeyRange {
  const gte = encodeParts("weft", "register", conversation, "\0".repeat(24))
  const lt = gte.slice()
  lt.fill(0xff, lt.length - 24)
  return { gte, lt }
}

/** Standings of one user. */
export function standingRange(user: string): KeyRange {
  const gte = encodeParts("weft", "standing", user)
  return { gte, lt: Uint8Array.of(...gte, UINT32) }
}

/** What one user opened. */
export function openedRange(user: string): KeyRange {
  const gte = encodeParts("weft", "opened", user)
  return { gte, lt: Uint8Array.of(...gte, UINT32) }
}

/** State vectors of documents whose names have this many bytes, the first of them `prefix` (ASCII). */
export function stateVectorPrefixRange(prefix: string, bytes: number): KeyRange {
  const gte = encodeParts("v1_sv", prefix.padEnd(bytes, "\0"))
  const lt = gte.slice()
  lt.fill(0xff, lt.length - bytes + prefix.length)
  return { gte, lt }
}

/** What a key stands for; undefined for one of another layout. */
export function parseKey(key: Uint8Array): Key | undefined {
  const [space, a, b, c, ...more] = parseParts(key) ?? []
  if (typeof a !== "string" || more.length > 0) return undefined
  if (space === "v1_sv" && b === undefined) return { kind: "stateVector", document: a }
  if (space === "v1" && b === "update" && typeof c === "number") return { kind: "update", document: a, clock: c }
  if (space === "v1" && b === "meta" && typeof c === "string") return { kind: "meta", document: a, name: c }
  if (space === "v1" && b === "aside" && typeof c === "string") return { kind: "aside", document: a, name: c }
  if (space !== "weft" || typeof b !== "string") return undefined
  if (a === "register") return typeof c === "string" ? { kind: "register", conversation: b, device: c } : undefined
  if (a === "standing") return typeof c === "string" ? { kind: "standing", user: b, conversation: c } : undefined
  if (a === "opened") return typeof c === "string" ? { kind: "opened", user: b, conversation: c } : undefined
  if (a === "digests" && typeof c === "number") return { kind: "digest", conversation: b, segment: c }
  if (a === "digests" && c === "registers") return { kind: "registers", conversation: b }
  if (c !== undefined) return undefined
  if (a === "accounts") return { kind: "account", account: b }
  if (a === "erasing") return { kind: "erasing", document: b }
  if (a === "erased") return { kind: "erased", document: b }
  if (a === "setting") return { kind: "setting", name: b }
  return a === "store" ? { kind: "store", name: b } : undefined
}

export type KeyPart = string | number

/** y-leveldb's `keyEncoding.encode`; its module can't be imported without a second LevelDB. */
export function encodeParts(...parts: readonly KeyPart[]): Uint8Array {
  return encodeBytes((out) => {
    for (const part of parts) {
      if (typeof part === "string") {
        encoding.writeUint8(out, TEXT)
        encoding.writeVarString(out, part)
      } else {
        encoding.writeUint8(out, UINT32)
        encoding.writeUint32BigEndian(out, part)
      }
    }
  })
}

export function parseParts(key: Uint8Array): KeyPart[] | undefined {
  try {
    const decoder = decoding.createDecoder(key)
    const parts: KeyPart[] = []
    while (decoding.hasContent(decoder)) {
      const type = decoding.readUint8(decoder)
      if (type === TEXT) parts.push(decoding.readVarString(decoder))
      else if (type === UINT32) parts.push(decoding.readUint32BigEndian(decoder))
      else return undefined
    }
    return parts
  } catch {
    return undefined
  }
}
