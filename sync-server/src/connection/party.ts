import type { DeviceId, UserId } from "@weft/sdk/protocol"
import type { Origin, Source } from "../document/source.js"

/** Who is at the other end of a live connection. */
export type Party =
  | { readonly kind: "device"; readonly user: UserId; readonly device: DeviceId }
  /** `key`: its server key in hex, one name however many connections. */
  | { readonly kind: "peer"; readonly key: string }

export function sourceOf(party: Party, origin: Origin): Source {
  return party.kind === "peer"
    ? { kind: "peer", origin }
    : { kind: "device", user: party.user, device: party.device, origin }
}

/** Readers of everything have no user. */
export function readerOf(party: Party): UserId | undefined {
  return party.kind === "device" ? party.user : undefined
}
