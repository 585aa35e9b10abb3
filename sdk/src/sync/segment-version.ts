import type { ControlState } from "../authority/project.js"
import { draftHash, type Draft } from "../log/draft.js"
import { digestOf, type DocumentSummary } from "../log/summary.js"
import { hex, sha256, utf8 } from "../protocol/bytes.js"
import { deviceOf, type DeviceId, type UserId } from "../protocol/names.js"
import { VERSION_BYTES } from "./imprint.js"

/** What a segment's messages follow from: its entries, records and drafts, and whom its devices write for. */
export function segmentVersion(
  { state }: { readonly state: ControlState },
  { summary, drafts }: { readonly summary: DocumentSummary; readonly drafts: readonly Draft[] },
  reader: { readonly user: UserId; readonly device: DeviceId },
): string {
  const authors = Array.from(summary.logs.values(), ({ log }) => authorIn(state, deviceOf(log), reader) ?? "")
  const isMember = state.members.has(reader.user) || state.everMembers.has(reader.user)
  return JSON.stringify([hex(digestOf(summary)), drafts.map(draftHash), Array.from(new Set(authors)).sort(), isMember])
}

/** A version as an imprint holds it. */
export function shortVersion(version: string): Uint8Array {
  return sha256(utf8(version)).slice(0, VERSION_BYTES)
}

/** Whom a device writes for; this one for its user, also before anybody introduced it. */
export function authorIn(
  state: ControlState,
  of: DeviceId,
  reader: { readonly user: UserId; readonly device: DeviceId },
): UserId | undefined {
  const known = state.devices.get(of)
  return known?.certified === true ? known.user : of === reader.device ? reader.user : undefined
}
