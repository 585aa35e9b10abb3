import type { DeviceId, UserId } from "@weft/sdk/protocol"

/** Who brings something. Decides what admission asks; never what the check accepts. */
export type Source =
  | { readonly kind: "device"; readonly user: UserId; readonly device: DeviceId; readonly origin: Origin }
  /** A stock client: a user, but no proven device. */
  | { readonly kind: "stock"; readonly user: UserId; readonly origin: Origin }
  /** Another server; it let in only what passed its own check. */
  | { readonly kind: "peer"; readonly origin: Origin }
  /** This server itself: what it had set aside. */
  | { readonly kind: "self"; readonly origin: Origin }

/** What brought something and therefore need not be sent it: an object of the connection, or of the peer behind several. */
export type Origin = object

/** Whose conversations these are; undefined: this one is bound to no user. */
export function userOf(source: Source): UserId | undefined {
  return source.kind === "device" || source.kind === "stock" ? source.user : undefined
}
