import type { Content, ContentMap } from "../protocol/content.js"
import { bodyHashText, decodeBody, messageIdOf, type BodyHash, type MessageId } from "../protocol/entry.js"
import { fromBase64url } from "../protocol/bytes.js"
import { isEmoji } from "../protocol/emoji.js"
import { MAX_CONTENT_KEYS, MAX_SEGMENT } from "../protocol/limits.js"
import { deviceIdFromBytes, parseUserId, type DeviceId, type UserId } from "../protocol/names.js"
import { noMentions, type Mention } from "./mention.js"

/** Where a message is, from anywhere in its conversation. [SPEC M1] */
export interface MessageRef {
  readonly segment: number
  readonly id: MessageId
}

export interface SaidMessage {
  readonly kind: "message"
  readonly text: string
  readonly mentions: readonly Mention[]
  readonly replyTo: MessageRef | undefined
  /** The root of the thread that it belongs to. */
  readonly thread: MessageRef | undefined
  readonly forwardedFrom: UserId | undefined
}

interface SaidEdit {
  readonly kind: "edit"
  readonly of: MessageId
  /** The edits that its author had seen. */
  readonly seen: readonly BodyHash[]
  /** The edit that it takes back. */
  readonly undoes: BodyHash | undefined
  readonly text: string
  readonly mentions: readonly Mention[]
}

interface SaidReaction {
  readonly kind: "reaction"
  readonly of: MessageId
  readonly emoji: string
  readonly on: boolean
}

/** What the content of a message or a reaction says. `unknown`: a remark of a later version. */
export type Said = SaidMessage | SaidEdit | SaidReaction | { readonly kind: "unknown" }

const unknown: Said = { kind: "unknown" }

export function encodeSaid(said: Exclude<Said, { kind: "unknown" }>): Content {
  switch (said.kind) {
    case "message": {
      const content = new Map<string, Content>([["t", said.text]])
      if (said.mentions.length > 0) content.set("m", writeMentions(said.mentions))
      if (said.replyTo !== undefined) content.set("r", writeRef(said.replyTo))
      if (said.thread !== undefined) content.set("h", writeRef(said.thread))
      if (said.forwardedFrom !== undefined) content.set("w", said.forwardedFrom)
      return content
    }
    case "edit": {
      const content = new Map<string, Content>([
        ["k", "edit"],
        ["of", writeId(said.of)],
        ["b", said.seen.map((hash) => bytesOf(hash))],
        ["t", said.text],
      ])
      if (said.undoes !== undefined) content.set("u", bytesOf(said.undoes))
      if (said.mentions.length > 0) content.set("m", writeMentions(said.mentions))
      return content
    }
    case "reaction":
      return new Map<string, Content>([
        ["k", "react"],
        ["of", writeId(said.of)],
        ["e", said.emoji],
        ["on", said.on],
      ])
  }
}

/** What a body says; undefined where it is no content, or a message without a text: shown as unreadable. [SPEC M1] */
export function decodeSaid(body: Uint8Array): Said | undefined {
  const content = decodeBody(body)
  if (!(content instanceof Map)) return undefined
  const fields = content as ContentMap
  const text = fields.get("t")
  switch (fields.get("k")) {
    case undefined:
      if (typeof text !== "string") return undefined
      return {
        kind: "message",
        text,
        mentions: readMentions(fields.get("m"), text),
        replyTo: readRef(fields.get("r")),
        thread: readRef(fields.get("h")),
        forwardedFrom: parseUserId(fields.get("w")),
      }
    case "edit": {
      const of = readId(fields.get("of"))
      const seen = readHashes(fields.get("b"))
      if (of === undefined || seen === undefined || typeof text !== "string") return unknown
      const [undoes] = readHashes([fields.get("u") ?? null]) ?? []
      return { kind: "edit", of, seen, undoes, text, mentions: readMentions(fields.get("m"), text) }
    }
    case "react": {
      const of = readId(fields.get("of"))
      const emoji = fields.get("e")
      const on = fields.get("on")
      if (of === undefined || !isEmoji(emoji) || typeof on !== "boolean") return unknown
      return { kind: "reaction", of, emoji, on }
    }
    default:
      return unknown
  }
}

/** The device and the body hash that a message's name is made of; undefined where the text is none. */
export function messageIdParts(id: string): { device: DeviceId; bodyHash: Uint8Array } | undefined {
  const device = fromBase64url(id.slice(0, ID_LETTERS))
  const bodyHash = fromBase64url(id.slice(ID_LETTERS + 1))
  if (device?.length !== ID_BYTES || bodyHash?.length !== HASH_BYTES || id.charAt(ID_LETTERS) !== ".") return undefined
  return { device: deviceIdFromBytes(device), bodyHash }
}

const ID_BYTES = 18
const ID_LETTERS = 24
const HASH_BYTES = 24

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64url(text)
  if (bytes === undefined) throw new RangeError("not a hash")
  return bytes
}

function writeId(id: MessageId): Content[] {
  return [bytesOf(id.slice(0, ID_LETTERS)), bytesOf(id.slice(ID_LETTERS + 1))]
}

function readId(value: Content | undefined): MessageId | undefined {
  return Array.isArray(value) && value.length === 2 ? readParts(value as Content[], 0) : undefined
}

function writeRef({ segment, id }: MessageRef): Content[] {
  return [segment, ...writeId(id)]
}

function readRef(value: Content | undefined): MessageRef | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined
  const [segment] = value as Content[]
  const id = readParts(value as Content[], 1)
  if (typeof segment !== "number" || !Number.isInteger(segment) || segment < 1 || segment > MAX_SEGMENT) {
    return undefined
  }
  return id === undefined ? undefined : { segment, id }
}

function readParts(list: readonly Content[], at: number): MessageId | undefined {
  const [device, hash] = [list[at], list[at + 1]]
  if (!(device instanceof Uint8Array) || device.length !== ID_BYTES) return undefined
  if (!(hash instanceof Uint8Array) || hash.length !== HASH_BYTES) return undefined
  return messageIdOf(deviceIdFromBytes(device), hash)
}

function readHashes(value: Content | undefined): BodyHash[] | undefined {
  if (!Array.isArray(value)) return undefined
  const hashes: BodyHash[] = []
  for (const hash of value as Content[]) {
    if (!(hash instanceof Uint8Array) || hash.length !== HASH_BYTES) return undefined
    hashes.push(bodyHashText(hash))
  }
  return hashes
}

function writeMentions(mentions: readonly Mention[]): Content[] {
  return mentions.map(({ start, length, user }) => [start, length, user ?? ""])
}

function readMentions(value: Content | undefined, text: string): readonly Mention[] {
  if (!Array.isArray(value)) return noMentions
  const mentions: Mention[] = []
  let end = 0
  for (const item of value as Content[]) {
    const [start, length, name] = Array.isArray(item) && item.length === 3 ? (item as Content[]) : []
    if (!isIndex(start) || !isIndex(length) || length === 0 || start < end || start + length > text.length) continue
    const user = name === "" ? null : parseUserId(name)
    if (user === undefined || mentions.length === MAX_CONTENT_KEYS) continue
    mentions.push({ start, length, user })
    end = start + length
  }
  return mentions.length === 0 ? noMentions : mentions
}

function isIndex(value: Content | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0
}
