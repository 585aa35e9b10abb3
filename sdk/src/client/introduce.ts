import { equalBytes, hex } from "../protocol/bytes.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import { MAX_TRUST_KEYS } from "../authority/fields.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { Credentials } from "./credentials.js"
import { shortName } from "./short-name.js"

/**
 * Introduces this device in a conversation of its user's, where that is still to be done and can be: its certificate's
 * issuer must be trusted there. An owner adds the keys of the servers that its application uses. What the rules refuse is
 * not written: an owner's second device can't add keys before it is introduced, and whatever rested on an entry that every
 * server refuses would wait for ever. Called again at every change of authority. [SPEC A]
 */
export async function introduce(
  conversation: ReplicaConversation,
  { user, device }: { user: UserId; device: DeviceId },
  { certificate, trust }: Credentials,
): Promise<void> {
  const member = conversation.state.members.get(user)
  if (member === undefined) return
  const fresh = trust.filter((key) => !includes(conversation.state.trust, key))
  const room = MAX_TRUST_KEYS - conversation.state.trust.length
  if (member.role === "owner" && fresh.length > 0 && room > 0) {
    await conversation.propose({ kind: "policy", trust: fresh.slice(0, room) })
  }
  if (certificate === undefined || conversation.state.devices.get(device)?.certified === true) return
  if (certificate.user !== user || !includes(conversation.state.trust, certificate.issuer)) return
  await conversation.propose({ kind: "introduce", certificate })
}

/** Names the keys that an owner adds. */
export function trustName(trust: readonly Uint8Array[]): string {
  return shortName(trust.map(hex).sort().join())
}

function includes(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some((other) => equalBytes(other, key))
}
