/** Registers as a raw client writes them. */
import {
  encodeFrame,
  signRegister,
  type Clock,
  type ConversationId,
  type HeldLog,
  type ReadThread,
  type RegisterVector,
  type SignedRegister,
} from "@weft/sdk/protocol"
import { clockNow, type RawClient } from "./raw-client.js"
import type { TestDevice } from "./device.js"

export interface RegisterOptions {
  readonly clock?: Clock
  readonly delivered?: readonly HeldLog[]
  /** Undefined: nothing is said. */
  readonly read?: readonly HeldLog[] | undefined
  readonly threads?: readonly ReadThread[]
}

/** A register of a device that lists what is given, and says nothing of anything else. */
export function makeRegister(
  device: TestDevice,
  conversation: ConversationId,
  { clock = clockNow(), delivered = [], read, threads = [] }: RegisterOptions = {},
): Promise<SignedRegister> {
  const vector = (logs: readonly HeldLog[]): RegisterVector => ({ through: 0, rest: new Uint8Array(), logs })
  const said = { clock, delivered: vector(delivered), read: read && vector(read), threads }
  return signRegister(conversation, said, device)
}

export function sendRegisters(client: RawClient, conversation: ConversationId, ...items: readonly Uint8Array[]): void {
  client.connection.sendBytes(encodeFrame({ kind: "registers", conversation, items }))
}

/** All registers that the server gives this client. */
export async function fetchRegisters(client: RawClient, conversation: ConversationId): Promise<Uint8Array[]> {
  const from = client.connection.frames.length
  client.connection.send({ kind: "clocks", conversation, reply: true, items: [] })
  await client.connection.next("clocks", (frame) => frame.conversation === conversation)
  return client.connection.frames
    .slice(from)
    .flatMap((frame) => (frame.kind === "registers" && frame.conversation === conversation ? frame.items : []))
}
