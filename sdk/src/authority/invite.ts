import { getPublicKeyAsync, signAsync } from "@noble/ed25519"
import { concat, utf8 } from "../protocol/bytes.js"
import type { ControlId } from "../protocol/entry.js"
import { type ConversationId, type DeviceId, idBytes, type UserId } from "../protocol/names.js"

/** Bytes of an invite's secret: the seed of its Ed25519 key. It travels in the link and is in no document. */
export const INVITE_SECRET_BYTES = 32

/** For whom the key of an invite signs: for one user on one device, nobody else can use the signature. */
export interface JoinClaim {
  readonly conversation: ConversationId
  readonly invite: ControlId
  readonly device: DeviceId
  readonly user: UserId
}

/** What the key of an invite signs for a device that joins. [SPEC A19] */
export function joinMessage({ conversation, invite, device, user }: JoinClaim): Uint8Array {
  const ids = [conversation, invite as unknown as DeviceId, device].map(idBytes)
  return concat([utf8("weft/1/join\0"), ...ids, utf8(user)])
}

/** The public key (32 bytes) of an invite's secret. */
export function inviteKey(secret: Uint8Array): Promise<Uint8Array> {
  return getPublicKeyAsync(secret)
}

/** The proof (64 bytes) that a device has an invite's secret. */
export function signJoin(secret: Uint8Array, claim: JoinClaim): Promise<Uint8Array> {
  return signAsync(joinMessage(claim), secret)
}
