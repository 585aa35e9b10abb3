import { fromBase64url } from "../protocol/bytes.js"
import type { Content } from "../protocol/content.js"
import { type BodyHash, bodyHashText, type MessageId } from "../protocol/entry.js"
import { type DeviceId, idBytes } from "../protocol/names.js"
import { bytesOf } from "./fields.js"

/** A message and where it stands. */
export interface MessageRef {
  readonly segment: number
  readonly device: DeviceId
  readonly hash: BodyHash
}

const HASH_BYTES = 24

export function hashOfField(value: Content | undefined): BodyHash | undefined {
  const bytes = bytesOf(value, HASH_BYTES)
  return bytes === undefined ? undefined : bodyHashText(bytes)
}

/** The fields of a control entry that name the message. */
export function refBytes({
  segment,
  device,
  hash,
}: MessageRef): Readonly<Record<"segment" | "device" | "hash", Content>> {
  return { segment, device: idBytes(device), hash: fromBase64url(hash) ?? null }
}

export function refMessageId({ device, hash }: MessageRef): MessageId {
  return `${device}.${hash}` as MessageId
}
