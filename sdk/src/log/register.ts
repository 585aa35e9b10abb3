import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import type { Verify } from "../identity/verify.js"
import { compareBytes, concat, sha256, utf8 } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { Clock } from "../protocol/entry.js"
import { REGISTER_MARK_BYTES } from "../protocol/frame.js"
import { MAX_REGISTER_BYTES, MAX_REGISTER_LOGS, MAX_REGISTER_THREAD_LOGS, MAX_SEGMENT } from "../protocol/limits.js"
import { deviceIdOf, idBytes, type ConversationId, type DeviceId } from "../protocol/names.js"
import { readUint } from "../protocol/uint.js"
import { readThreadName, writeThreadName, type ThreadName } from "./thread-name.js"
import type { Signer } from "./writer.js"

/** So many elements of a log are held, or read. */
export interface HeldLog {
  readonly segment: number
  /** The log's Yjs client id: unique in its document. [SPEC C13] */
  readonly client: number
  readonly count: number
}

/** What a register says: listed logs, and all others of the segments up to `through` as the hash says. [SPEC P2] */
export interface RegisterVector {
  readonly through: number
  /** 16 bytes; none where `through` is 0. */
  readonly rest: Uint8Array
  /** Ascending by segment, then client. */
  readonly logs: readonly HeldLog[]
}

/** What was read of a thread's messages: of its messages alone, whatever else stands in these logs. */
export interface ReadThread {
  readonly thread: ThreadName
  /** Ascending by segment, then client; at least one, each with something. */
  readonly logs: readonly HeldLog[]
}

/** What a device says it has of a conversation, and its user has read. [SPEC P1] */
export interface RegisterSaid {
  readonly delivered: RegisterVector
  /** Of messages outside of threads. Undefined: its user keeps that private. */
  readonly read: RegisterVector | undefined
  /** Ascending by the bytes of their names; none where `read` is undefined. */
  readonly threads: readonly ReadThread[]
}

/** The same, and who says so and when. */
export interface Register extends RegisterSaid {
  readonly publicKey: Uint8Array
  readonly clock: Clock
}

/** A register that stands, with its bytes as they are kept and sent. */
export interface SignedRegister extends Register {
  readonly device: DeviceId
  readonly bytes: Uint8Array
}

/** Bytes of the hash of what a vector does not list. */
export const REST_BYTES = 16
/** The vector of a device that has nothing. */
export const nothingHeld: RegisterVector = { through: 0, rest: new Uint8Array(), logs: [] }

const FORMAT = 1
const READ = 1
const THREADS = 2
const SIGNATURE_BYTES = 64
const UINT56 = 7
/** Its format, key and clock, which come before what a register says. */
const BEFORE_SAID_BYTES = 1 + 32 + UINT56
/** Bytes of what a register says; behind it comes the signature. */
export const MAX_REGISTER_SAID_BYTES = MAX_REGISTER_BYTES - (BEFORE_SAID_BYTES + SIGNATURE_BYTES)

/** Signs what a device says. Throws RangeError where it says too much. */
export async function signRegister(
  conversation: ConversationId,
  register: Omit<Register, "publicKey">,
  signer: Signer,
): Promise<SignedRegister> {
  const whole: Register = { ...register, publicKey: signer.publicKey }
  const fields = encodeFields(whole)
  const bytes = concat([fields, await signer.sign(registerMessage(conversation, fields))])
  if (bytes.length > MAX_REGISTER_BYTES) throw new RangeError("a register is too long")
  return { ...whole, device: deviceIdOf(signer.publicKey), bytes }
}

/** The register, or undefined where the bytes are not exactly one. Its signature was not looked at. */
export function decodeRegister(bytes: Uint8Array): SignedRegister | undefined {
  if (bytes.length > MAX_REGISTER_BYTES) return undefined
  try {
    const decoder = decoding.createDecoder(bytes)
    if (decoding.readUint8(decoder) !== FORMAT) return undefined
    const publicKey = decoding.readUint8Array(decoder, 32).slice()
    const clock = readUint56(decoder) as Clock
    const flags = decoding.readUint8(decoder)
    if (flags > (READ | THREADS) || flags === THREADS) return undefined
    const delivered = readVector(decoder)
    const read = (flags & READ) === 0 ? undefined : readVector(decoder)
    const threads = (flags & THREADS) === 0 ? [] : readThreads(decoder)
    decoding.readUint8Array(decoder, SIGNATURE_BYTES)
    if (decoding.hasContent(decoder)) return undefined
    return { publicKey, clock, delivered, read, threads, device: deviceIdOf(publicKey), bytes: bytes.slice() }
  } catch {
    return undefined
  }
}

/** How signatures and keys are judged. */
export interface RegisterKeys {
  readonly verify: Verify
  /** Whether a device key has an order that lets several messages share a signature. */
  refusesKey(publicKey: Uint8Array): boolean
}

/** Whether its device signed it, for this conversation and no other. [SPEC P3] */
export async function verifyRegister(
  conversation: ConversationId,
  { publicKey, bytes }: SignedRegister,
  keys: RegisterKeys,
): Promise<RefusalCode | undefined> {
  if (keys.refusesKey(publicKey)) return "KEY_REFUSED"
  const end = bytes.length - SIGNATURE_BYTES
  const message = registerMessage(conversation, bytes.subarray(0, end))
  return (await keys.verify(publicKey, message, bytes.subarray(end))) ? undefined : "BAD_SIGNATURE"
}

/** Whether one register of a device takes the place of another. [SPEC P4] */
export function isNewer(one: SignedRegister, other: SignedRegister | undefined): boolean {
  if (other === undefined) return true
  return one.clock === other.clock ? compareBytes(one.bytes, other.bytes) > 0 : one.clock > other.clock
}

/** Tells two registers of one clock apart. */
export function registerMark(register: SignedRegister): Uint8Array {
  return sha256(register.bytes).slice(0, REGISTER_MARK_BYTES)
}

/** The digest of a conversation's registers; undefined where there are none. [SPEC P5] */
export function registersDigest(
  conversation: ConversationId,
  registers: Iterable<SignedRegister>,
): Uint8Array | undefined {
  const sorted = Array.from(registers).sort((a, b) => compareBytes(idBytes(a.device), idBytes(b.device)))
  if (sorted.length === 0) return undefined
  return sha256(
    utf8(`weft/1/registers\0${conversation}\0`),
    ...sorted.flatMap(({ device, bytes }) => [idBytes(device), sha256(bytes).subarray(0, 18)]),
  )
}

function registerMessage(conversation: ConversationId, fields: Uint8Array): Uint8Array {
  return concat([utf8(`weft/1/register\0${conversation}\0`), fields])
}

function encodeFields({ publicKey, clock, ...said }: Register): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, FORMAT)
    encoding.writeUint8Array(encoder, publicKey)
    encoding.writeUint8Array(encoder, uint56(clock))
    encoding.writeUint8Array(encoder, encodeRegisterSaid(said))
  })
}

/** As a register carries it; two that are equal say the same. */
export function encodeRegisterSaid({ delivered, read, threads }: RegisterSaid): Uint8Array {
  if (read === undefined && threads.length > 0) throw new RangeError("who tells nothing tells of no threads")
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, (read === undefined ? 0 : READ) | (threads.length === 0 ? 0 : THREADS))
    writeVector(encoder, delivered)
    if (read !== undefined) writeVector(encoder, read)
    if (threads.length > 0) writeThreads(encoder, threads)
  })
}

/** The same of one that is signed. */
export function saidBytes({ bytes }: SignedRegister): Uint8Array {
  return bytes.subarray(BEFORE_SAID_BYTES, bytes.length - SIGNATURE_BYTES)
}

function writeVector(encoder: encoding.Encoder, { through, rest, logs }: RegisterVector): void {
  if (logs.length > MAX_REGISTER_LOGS) throw new RangeError("a register lists too many logs")
  encoding.writeVarUint(encoder, through)
  if (through > 0) encoding.writeUint8Array(encoder, rest)
  writeLogs(encoder, logs)
}

function writeThreads(encoder: encoding.Encoder, threads: readonly ReadThread[]): void {
  const count = threads.reduce((sum, { logs }) => sum + logs.length, 0)
  if (count > MAX_REGISTER_THREAD_LOGS) throw new RangeError("a register lists too many logs of threads")
  encoding.writeVarUint(encoder, threads.length)
  for (const { thread, logs } of threads) {
    writeThreadName(encoder, thread)
    writeLogs(encoder, logs)
  }
}

function writeLogs(encoder: encoding.Encoder, logs: readonly HeldLog[]): void {
  const segments = new Map<number, HeldLog[]>()
  for (const log of logs) {
    const others = segments.get(log.segment)
    if (others === undefined) segments.set(log.segment, [log])
    else others.push(log)
  }
  encoding.writeVarUint(encoder, segments.size)
  for (const [segment, listed] of segments) {
    encoding.writeVarUint(encoder, segment)
    encoding.writeVarUint(encoder, listed.length)
    for (const { client, count } of listed) {
      encoding.writeUint8Array(encoder, uint56(client))
      encoding.writeVarUint(encoder, count)
    }
  }
}

/** Exactly what `writeVector` writes: throws RangeError for any other order or repetition. */
function readVector(decoder: decoding.Decoder): RegisterVector {
  const through = readUint(decoder)
  if (through > MAX_SEGMENT) throw new RangeError("no such segment")
  const rest = through > 0 ? decoding.readUint8Array(decoder, REST_BYTES).slice() : new Uint8Array()
  return { through, rest, logs: readLogs(decoder, MAX_REGISTER_LOGS) }
}

function readThreads(decoder: decoding.Decoder): ReadThread[] {
  const threads: ReadThread[] = []
  let before: Uint8Array | undefined
  let left = MAX_REGISTER_THREAD_LOGS
  const count = readUint(decoder)
  if (count === 0) throw new RangeError("no threads")
  for (let index = 0; index < count; index++) {
    const { name, bytes } = readThreadName(decoder)
    if (before !== undefined && compareBytes(bytes, before) <= 0) throw new RangeError("threads are out of order")
    before = bytes
    const logs = readLogs(decoder, left)
    if (logs.length === 0 || logs.some((log) => log.count === 0)) throw new RangeError("nothing was read there")
    left -= logs.length
    threads.push({ thread: name, logs })
  }
  return threads
}

function readLogs(decoder: decoding.Decoder, most: number): HeldLog[] {
  const logs: HeldLog[] = []
  let before = 0
  for (let segments = readUint(decoder); segments > 0; segments--) {
    const segment = readUint(decoder)
    if (segment <= before || segment > MAX_SEGMENT) throw new RangeError("segments are out of order")
    before = segment
    const count = readUint(decoder)
    if (count === 0 || logs.length + count > most) throw new RangeError("too many logs, or none")
    let last = -1
    for (let index = 0; index < count; index++) {
      const client = readUint56(decoder)
      if (client <= last) throw new RangeError("logs are out of order")
      last = client
      logs.push({ segment, client, count: readUint(decoder) })
    }
  }
  return logs
}

/** Big-endian; clocks and client ids have 53 bits. */
export const uint56 = (value: number): Uint8Array => bigEndian(value, UINT56)
/** Big-endian, 4 bytes. */
export const uint32 = (value: number): Uint8Array => bigEndian(value, 4)

function bigEndian(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = length - 1, left = value; at >= 0; at--) {
    bytes[at] = left % 256
    left = Math.floor(left / 256)
  }
  return bytes
}

function readUint56(decoder: decoding.Decoder): number {
  let value = 0
  for (const byte of decoding.readUint8Array(decoder, UINT56)) value = value * 256 + byte
  if (!Number.isSafeInteger(value)) throw new RangeError("a number is too large")
  return value
}
